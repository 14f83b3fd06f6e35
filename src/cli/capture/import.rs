//! `transom capture import`
//!
//! Must not know: how a format is read.

use super::{Where, archive, time};
use crate::capture::{
    ArchiveWriter, Assumed, DETECT, Exchange, ImportFormat, ImportReport, Redactor, detect, import,
};
use crate::cli::{Failure, say};
use crate::types::Clock;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Where,
    /// jsonl, har, mooncake-trace, azure-trace, burstgpt, openai-batch or goreplay
    /// [default: what the file looks like]
    #[arg(long, value_parser = format)]
    format: Option<ImportFormat>,
    /// When a trace of relative times began [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    began: Option<Duration>,
    /// The path of a trace's requests
    #[arg(long, default_value = "/v1/chat/completions")]
    path: String,
    /// The model of a trace's requests, where it names none
    #[arg(long)]
    model: Option<String>,
    /// A trace's requests asked for streams
    #[arg(long)]
    stream: bool,
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = arguments.place.settings()?;
    let redactor = Redactor::new(&settings.capture.redaction)?;
    let mut writer = ArchiveWriter::open(archive(&settings)?, settings.capture.roll)?;
    let clock = Clock::system();
    let mut bad_lines = 0;
    let imported = arguments.files.iter().try_for_each(|path| {
        let named = |why: Failure| format!("{}: {why}", path.display());
        let report = file(arguments, path, &redactor, &mut |exchange| {
            writer.append(&exchange, clock.now()).map_err(io::Error::other)
        });
        let report = report.map_err(named)?;
        tell(path, &report);
        bad_lines += report.bad_line_count();
        Ok(())
    });
    // What was read before something failed is kept.
    writer.roll()?;
    match (imported, bad_lines) {
        (Ok(()), 1..) => Err(format!("{bad_lines} lines make no sense and were left out").into()),
        (imported, _) => imported,
    }
}

fn file(
    arguments: &Arguments,
    path: &Path,
    redactor: &Redactor,
    take: &mut dyn FnMut(Exchange) -> io::Result<()>,
) -> Result<ImportReport, Failure> {
    let mut source = File::open(path)?;
    let format = match arguments.format {
        Some(format) => format,
        None => {
            let mut head = Vec::new();
            source.by_ref().take(DETECT as u64).read_to_end(&mut head)?;
            source.seek(SeekFrom::Start(0))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            detect(&name, &head).ok_or("what format this is cannot be told: say --format")?
        }
    };
    let now = || Clock::system().date().duration_since(UNIX_EPOCH).unwrap_or_default();
    let assumed = Assumed {
        began: arguments.began.unwrap_or_else(now),
        path: arguments.path.clone(),
        model: arguments.model.clone(),
        streamed: arguments.stream.then_some(true),
    };
    Ok(import(format, source, &assumed, &mut |exchange| redactor.apply(exchange), take)?)
}

fn tell(path: &Path, report: &ImportReport) {
    let mut out = io::stderr();
    say(&mut out, &format!("{}: {} exchanges read", path.display(), report.read));
    for line in &report.bad_lines {
        say(&mut out, &format!("{}: {line}", path.display()));
    }
    for (reason, count) in &report.skipped {
        say(&mut out, &format!("{count} left out: {reason}"));
    }
}

fn format(name: &str) -> Result<ImportFormat, String> {
    let names = ImportFormat::ALL.map(ImportFormat::name);
    ImportFormat::parse(name).ok_or_else(|| format!("one of {}", names.join(", ")))
}
