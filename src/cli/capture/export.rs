//! `transom capture export`
//!
//! Must not know: how a format is written.

use super::{Where, Which, tell_bad_frames};
use crate::capture::{
    Archive, BYTES_PER_TOKEN, CallNote, Content, ExportFormat, ExportOptions, ExportReport,
    ReadError, Shape, Shaper, composed, export, installation_key,
};
use crate::cli::{Failure, say};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
    /// jsonl, openai-batch, aiperf-raw-payload, aiperf-payload-trace, mooncake-trace,
    /// vllm-timed-trace, guidellm, k6, vegeta, har or parquet
    #[arg(long, value_parser = format)]
    format: ExportFormat,
    /// Where it is written [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where requests go, in formats of whole URLs
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7080")]
    target: String,
    /// Bytes that a token is taken to have, in formats of tokens
    #[arg(long, value_name = "NUMBER", default_value_t = BYTES_PER_TOKEN as f64)]
    bytes_per_token: f64,
}

/// Why an export came to an end.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] io::Error),
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !(arguments.bytes_per_token >= 1.0 && arguments.bytes_per_token.is_finite()) {
        return Err("--bytes-per-token must be 1 or more".into());
    }
    let archive = arguments.place.archive()?;
    let report = match &arguments.out {
        Some(path) => {
            let mut file = BufWriter::new(File::create(path)?);
            let report = write(arguments, &archive, &mut file)?;
            file.flush()?;
            report
        }
        None => write(arguments, &archive, &mut io::stdout())?,
    };
    let file = arguments.out.as_ref().map_or("FILE".into(), |path| path.display().to_string());
    tell(arguments.format, &report, &file);
    Ok(())
}

fn write(
    arguments: &Arguments,
    archive: &Archive,
    out: &mut (dyn Write + Send),
) -> Result<ExportReport, Failure> {
    let shaper = Shaper::new(installation_key(archive.directory())?);
    let shape = |call: &CallNote, content: &Content| -> Option<Shape> {
        Some(shaper.request(&call.path, content.kept()?))
    };
    let options = ExportOptions {
        target: arguments.target.trim_end_matches('/'),
        bytes_per_token: arguments.bytes_per_token,
        shape: &shape,
        compose: &composed,
    };
    let mut found = archive.exchanges(arguments.which.filter())?;
    let exchanges = found.by_ref().map(|found| Ok::<_, Ended>(found?.1));
    let report = export(arguments.format, exchanges, out, &options)?;
    tell_bad_frames(found.bad_frames());
    Ok(report)
}

fn tell(format: ExportFormat, report: &ExportReport, file: &str) {
    let mut out = io::stderr();
    say(&mut out, &format!("{} exchanges written", report.written));
    for (reason, count) in &report.skipped {
        say(&mut out, &format!("{count} left out: {reason}"));
    }
    for (loss, count) in &report.lost {
        say(&mut out, &format!("{count} {loss}"));
    }
    say(&mut out, &format!("a {} file never says: {}", format.name(), format.omits()));
    say(&mut out, &format!("use: {}", format.usage().replace("FILE", file)));
}

fn format(name: &str) -> Result<ExportFormat, String> {
    let names = ExportFormat::ALL.map(ExportFormat::name);
    ExportFormat::parse(name).ok_or_else(|| format!("one of {}", names.join(", ")))
}
