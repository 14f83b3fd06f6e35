//! Which format a file is in.
//!
//! Must not know: how formats are read.

use crate::capture::interchange::import::ImportFormat;
use crate::capture::jsonl::ZSTD_MAGIC;
use std::io::Read;

/// Bytes of a file that are enough to tell: more than a block of zstd has, of which nothing
/// can be read before all of it is there (RFC 8878 §3.1.1.2.4: 128 KiB at most).
pub const DETECT: usize = 160 * 1024;

/// The format of a file with this name and beginning, which may be compressed with zstd;
/// [`DETECT`] bytes are enough. `None` where there is no telling.
pub fn detect(name: &str, head: &[u8]) -> Option<ImportFormat> {
    if head.starts_with(&ZSTD_MAGIC) {
        let mut unpacked = Vec::new();
        let decoder = zstd::stream::read::Decoder::with_buffer(head).ok()?;
        // It ends in the middle, most of the time.
        decoder.take(DETECT as u64).read_to_end(&mut unpacked).ok();
        return of(name.trim_end_matches(".zst"), &unpacked);
    }
    of(name, head)
}

fn of(name: &str, head: &[u8]) -> Option<ImportFormat> {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let line = text.lines().next().unwrap_or_default();
    let said = by_content(text, line);
    said.or_else(|| match name.rsplit('.').next() {
        Some("har") => Some(ImportFormat::Har),
        Some("gor") => Some(ImportFormat::GoReplay),
        _ => None,
    })
}

fn by_content(text: &str, line: &str) -> Option<ImportFormat> {
    let has = |words: &[&str]| words.iter().all(|word| line.contains(&format!("\"{word}\"")));
    if text.starts_with('{') {
        return match () {
            () if has(&["received", "path"]) => Some(ImportFormat::Jsonl),
            () if has(&["timestamp", "input_length"]) => Some(ImportFormat::Mooncake),
            () if has(&["custom_id"]) || has(&["url", "body"]) => Some(ImportFormat::OpenAiBatch),
            () if text.trim_start_matches(['{', ' ', '\r', '\n', '\t']).starts_with("\"log\"") => {
                Some(ImportFormat::Har)
            }
            () => None,
        };
    }
    let columns: Vec<_> = line.split(',').map(|name| name.trim().trim_matches('"')).collect();
    if columns.contains(&"ContextTokens") {
        return Some(ImportFormat::Azure);
    }
    if columns.contains(&"Request tokens") {
        return Some(ImportFormat::BurstGpt);
    }
    let mut words = line.split(' ');
    let is_kind = matches!(words.next(), Some("1" | "2" | "3"));
    let (id, time) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_payload = is_kind && !id.is_empty() && time.parse::<u64>().is_ok();
    is_payload.then_some(ImportFormat::GoReplay)
}
