//! Our ids in the shapes that others reckon with.
//!
//! Must not know: how an id was minted or read.

use crate::types::{SpanId, TraceId};

/// The trace's id for the exporter.
pub(super) fn trace_id(id: TraceId) -> opentelemetry::TraceId {
    opentelemetry::TraceId::from_bytes(id.bytes())
}

/// The span's id for the exporter.
pub(super) fn span_id(id: SpanId) -> opentelemetry::SpanId {
    opentelemetry::SpanId::from_bytes(id.bytes())
}

/// The 56 bits of a trace id that are random wherever it was minted (W3C Trace Context
/// Level 2 §3.2.2.3).
pub(super) fn randomness(id: TraceId) -> u64 {
    u128::from_be_bytes(id.bytes()) as u64 & ((1 << 56) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_number_everywhere() {
        let trace = TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").expect("well-formed");
        assert_eq!(trace_id(trace).to_string(), trace.to_string());
        assert_eq!(randomness(trace), 0xce_929d_0e0e_4736);
        let span = SpanId::parse("00f067aa0ba902b7").expect("well-formed");
        assert_eq!(span_id(span).to_string(), span.to_string());
    }
}
