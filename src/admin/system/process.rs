//! What the operating system knows of this process, by `/proc` (proc(5)).
//!
//! Must not know: what the process is for. What cannot be read is absent.

use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a directory that are looked at; of one with more the size is a lower bound.
const MOST_FILES: u64 = 100_000;
/// Kernel ticks a second, as user space is told: the same on every platform of Linux.
const TICKS: f64 = 100.0;

/// What it takes.
#[derive(Serialize)]
pub(in crate::admin) struct Process {
    pub(in crate::admin) id: u32,
    /// Resident memory.
    pub(in crate::admin) memory_bytes: Option<u64>,
    /// The most there has been.
    pub(in crate::admin) memory_peak_bytes: Option<u64>,
    /// CPU time since it began.
    pub(in crate::admin) cpu_seconds: Option<f64>,
    pub(in crate::admin) threads: Option<u64>,
    pub(in crate::admin) open_files: Option<u64>,
    pub(in crate::admin) open_files_limit: Option<u64>,
}

/// What a part of the data takes.
#[derive(Serialize)]
pub(in crate::admin) struct Part {
    pub(in crate::admin) name: String,
    pub(in crate::admin) bytes: u64,
    pub(in crate::admin) files: u64,
}

impl Process {
    /// This one, now.
    pub(in crate::admin) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kilobytes = |name| number_after(&status, name).map(|number| number * 1024);
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let open = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
        Self {
            id: std::process::id(),
            memory_bytes: kilobytes("VmRSS:"),
            memory_peak_bytes: kilobytes("VmHWM:"),
            cpu_seconds: fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu(&stat)),
            threads: number_after(&status, "Threads:"),
            open_files: open,
            open_files_limit: number_after(&limits, "Max open files"),
        }
    }
}

/// What lies in `directory`, part by part, the largest first.
pub(in crate::admin) fn parts(directory: &Path) -> Vec<Part> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let part = |entry: fs::DirEntry| {
        let (bytes, files) = size_of(entry.path());
        Part { name: entry.file_name().to_string_lossy().into_owned(), bytes, files }
    };
    let mut parts: Vec<_> = entries.map(part).collect();
    parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    parts
}

/// Bytes and files at `path` and below. Links are not followed.
fn size_of(path: PathBuf) -> (u64, u64) {
    let (mut left, mut bytes, mut files) = (vec![path], 0, 0);
    while let Some(path) = left.pop()
        && files < MOST_FILES
    {
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => {
                let entries = fs::read_dir(&path).into_iter().flatten().flatten();
                left.extend(entries.map(|entry| entry.path()));
            }
            Ok(about) => {
                bytes += about.len();
                files += 1;
            }
            // It has gone meanwhile.
            Err(_) => {}
        }
    }
    (bytes, files)
}

/// The first number of the line that begins with `name`.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The program's name may hold anything, parentheses too: what counts stands behind the last.
fn cpu(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_a_name_of_any_kind() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 4 0 100";
        assert_eq!(cpu(stat), Some(4.0));
        assert_eq!(cpu("7 (a"), None);
    }

    #[test]
    fn this_process_takes_something() {
        let process = Process::now();
        assert!(process.memory_bytes.unwrap() > 1 << 20);
        assert!(process.memory_peak_bytes >= process.memory_bytes);
        assert!(process.open_files.unwrap() > 2 && process.threads.unwrap() > 0);
        assert!(process.cpu_seconds.is_some() && process.open_files_limit.is_some());
    }
}
