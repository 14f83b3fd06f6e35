//! An OTLP receiver over HTTP that keeps what it is sent.
//!
//! Must not know: what a test expects of spans.

use super::{Upstream, json_answer, until};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use std::fmt::Write as _;
use std::sync::Arc;

/// The receiver.
pub struct Collector {
    server: Upstream,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    /// Starts one.
    pub fn start() -> Self {
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let server = Upstream::sharing(&spans, async |spans, mut call| {
            let body = call.body().await?;
            let request = ExportTraceServiceRequest::decode(body).expect("OTLP in protobuf");
            let scopes = request.resource_spans.into_iter().flat_map(|r| r.scope_spans);
            spans.lock().extend(scopes.flat_map(|scope| scope.spans));
            call.answer(json_answer(200, "")).await
        });
        Self { server, spans }
    }

    /// A `[tracing]` table that leads here.
    pub fn table(&self, more: &str) -> String {
        format!("[tracing]\notlp = \"{}\"\n{more}\n", self.server.url())
    }

    /// All spans of a trace, once there are `count` of them.
    pub async fn trace(&self, trace_id: &str, count: usize) -> Vec<Span> {
        let found = || -> Vec<Span> {
            let spans = self.spans.lock();
            spans.iter().filter(|span| hex(&span.trace_id) == trace_id).cloned().collect()
        };
        until(&format!("{count} spans of {trace_id}"), || found().len() >= count).await;
        found()
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().clone()
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory");
        text
    })
}

/// An attribute as text; `""` where there is none.
pub fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|found| found.value.as_ref()).and_then(|AnyValue { value }| value.as_ref())
    {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
