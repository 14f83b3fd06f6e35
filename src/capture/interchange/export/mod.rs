//! Captures as other tools read them.
//!
//! Owns the list of formats. What a format cannot say is left out and counted, and nothing is
//! made up for it but the text of requests of which only the shape was captured, which is
//! counted, too. No format holds a credential: where a tool needs one it takes it from its
//! command line or its environment. Must not know: where a capture comes from, or what a
//! shape's made-up text is.

mod aiperf;
mod batch;
mod guidellm;
mod har;
mod jsonl;
mod k6;
mod lines;
mod object;
mod parquet;
mod report;
mod request;
mod safe;
#[cfg(test)]
mod tests;
mod tokens;
mod vegeta;

pub use report::{ExportReport, Loss, Reason};

use crate::capture::{CallNote, Content, Exchange, Shape};
use bytes::Bytes;
use lines::Lines;
use std::io::{self, Write};

/// A format that captures are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// The interchange format, compressed: everything but credentials, exactly.
    Jsonl,
    /// Input of OpenAI's Batch API.
    OpenAiBatch,
    /// AIPerf's `raw_payload`: request bodies, a line each.
    AiperfRawPayload,
    /// AIPerf's `mooncake_trace` with request bodies and their instants.
    AiperfPayloadTrace,
    /// A trace as Mooncake's: lengths, instants and ids of blocks; AIPerf's `mooncake_trace`.
    MooncakeTrace,
    /// The `timed_trace` of `vllm bench serve`: the same in seconds.
    VllmTimedTrace,
    /// A dataset of guidellm: conversations with their instants.
    Guidellm,
    /// A script for k6 that holds its data.
    K6,
    /// Targets for vegeta, as JSON.
    Vegeta,
    /// HTTP Archive 1.2.
    Har,
    /// A table, in Apache Parquet.
    Parquet,
}

/// What exports are made with.
#[derive(Clone, Copy)]
pub struct ExportOptions<'a> {
    /// Where requests go, in formats of whole URLs: scheme, host and whatever comes before
    /// the path of a request.
    pub target: &'a str,
    /// Bytes that a token is taken to have where blocks of bytes become blocks of tokens.
    pub bytes_per_token: f64,
    /// The shape of a request's body, where a format has shapes and the capture the body.
    pub shape: &'a dyn Fn(&CallNote, &Content) -> Option<Shape>,
    /// A body for a request of which only the shape was captured; `None` leaves it out.
    pub compose: &'a dyn Fn(&Exchange) -> Option<Bytes>,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::Jsonl,
        Self::OpenAiBatch,
        Self::AiperfRawPayload,
        Self::AiperfPayloadTrace,
        Self::MooncakeTrace,
        Self::VllmTimedTrace,
        Self::Guidellm,
        Self::K6,
        Self::Vegeta,
        Self::Har,
        Self::Parquet,
    ];

    /// Its name on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::OpenAiBatch => "openai-batch",
            Self::AiperfRawPayload => "aiperf-raw-payload",
            Self::AiperfPayloadTrace => "aiperf-payload-trace",
            Self::MooncakeTrace => "mooncake-trace",
            Self::VllmTimedTrace => "vllm-timed-trace",
            Self::Guidellm => "guidellm",
            Self::K6 => "k6",
            Self::Vegeta => "vegeta",
            Self::Har => "har",
            Self::Parquet => "parquet",
        }
    }

    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What no file of this format says, whatever was captured.
    pub const fn omits(self) -> &'static str {
        match self {
            Self::Jsonl => "nothing but credentials",
            Self::OpenAiBatch => "when requests came, headers, answers",
            Self::AiperfRawPayload => "when requests came, paths, headers, answers",
            Self::AiperfPayloadTrace => "paths, headers, answers",
            Self::MooncakeTrace | Self::VllmTimedTrace => {
                "text, parameters, paths, headers, answers but their length"
            }
            Self::Guidellm => "parameters, paths, headers, answers but their length",
            Self::K6 => "answers",
            Self::Vegeta => "when requests came (an attack has a rate of its own), answers",
            Self::Har => "conversations, models, tokens, costs, attempts, chunks",
            Self::Parquet => "what stands for a caller's credential",
        }
    }

    /// How the file is used; `FILE` stands for it.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::Jsonl => "transom replay run FILE --target URL",
            Self::OpenAiBatch => {
                "upload FILE with the purpose `batch`; one `url` and one model a file"
            }
            Self::AiperfRawPayload => {
                "aiperf profile --custom-dataset-type raw_payload --input-file FILE \
                 --request-count NUMBER --endpoint-type chat --model MODEL --url URL"
            }
            Self::AiperfPayloadTrace => {
                "aiperf profile --custom-dataset-type mooncake_trace --input-file FILE \
                 --fixed-schedule --endpoint-type chat --model MODEL --url URL"
            }
            Self::MooncakeTrace => {
                "aiperf profile --custom-dataset-type mooncake_trace --input-file FILE \
                 --fixed-schedule --isl-block-size 256 --endpoint-type chat --model MODEL --url URL"
            }
            Self::VllmTimedTrace => {
                "vllm bench serve --dataset-name timed_trace --dataset-path FILE \
                 --timed-trace-chunk-hash-size 256 --num-prompts NUMBER --model MODEL \
                 --base-url URL"
            }
            Self::Guidellm => {
                "guidellm run --data kind=json_file,path=FILE --profile kind=replay --backend \
                 kind=openai_http,target=URL,model=MODEL,\
                 tool_call_missing_behavior=ignore_continue"
            }
            Self::K6 => "TARGET=URL API_KEY=… k6 run FILE",
            Self::Vegeta => {
                "vegeta attack -format=json -lazy -targets=FILE -rate=10 \
                 -header \"authorization: Bearer $API_KEY\""
            }
            Self::Har => "open FILE in the network panel of a browser",
            Self::Parquet => "pandas.read_parquet(\"FILE\")",
        }
    }
}

/// What takes exchanges, one after the other.
trait Sink {
    /// Writes an exchange, or counts why it does not.
    fn put(&mut self, exchange: &Exchange, report: &mut ExportReport) -> io::Result<()>;

    /// Writes what is held back and whatever comes after the last exchange.
    fn end(self: Box<Self>, report: &mut ExportReport) -> io::Result<()>;
}

/// Writes exchanges to `out` in a format of another tool. Of exchanges that are to be in the
/// order of their arrival, a bounded number is held back.
///
/// # Errors
/// The first of `exchanges`, or that of `out`.
pub fn export<E: From<io::Error>>(
    format: ExportFormat,
    exchanges: impl IntoIterator<Item = Result<Exchange, E>>,
    out: &mut (dyn Write + Send),
    options: &ExportOptions<'_>,
) -> Result<ExportReport, E> {
    let mut report = ExportReport::default();
    let mut sink = sink(format, out, *options)?;
    for exchange in exchanges {
        sink.put(&exchange?, &mut report)?;
    }
    sink.end(&mut report)?;
    Ok(report)
}

fn sink<'a>(
    format: ExportFormat,
    out: &'a mut (dyn Write + Send),
    options: ExportOptions<'a>,
) -> io::Result<Box<dyn Sink + 'a>> {
    Ok(match format {
        ExportFormat::Jsonl => Box::new(jsonl::Interchange::new(out)?),
        ExportFormat::OpenAiBatch => Box::new(Lines::new(out, batch::Batch::new(options))),
        ExportFormat::AiperfRawPayload => {
            Box::new(Lines::new(out, aiperf::RawPayload::new(options)))
        }
        ExportFormat::AiperfPayloadTrace => {
            Box::new(Lines::new(out, aiperf::PayloadTrace::new(options)))
        }
        ExportFormat::MooncakeTrace => {
            Box::new(Lines::new(out, tokens::TokenTrace::mooncake(options)))
        }
        ExportFormat::VllmTimedTrace => {
            Box::new(Lines::new(out, tokens::TokenTrace::vllm(options)))
        }
        ExportFormat::Guidellm => Box::new(Lines::new(out, guidellm::Guidellm(options))),
        ExportFormat::K6 => Box::new(Lines::new(out, k6::Script::new(options))),
        ExportFormat::Vegeta => Box::new(Lines::new(out, vegeta::Vegeta(options))),
        ExportFormat::Har => Box::new(Lines::new(out, har::Har(options))),
        ExportFormat::Parquet => Box::new(parquet::Table::new(out)?),
    })
}
