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

/// The id of a span within `parent` that no other process has to know. It follows from the
/// parent's, which is random, so that requests need not mint one for it.
pub(super) fn child_of(parent: SpanId) -> opentelemetry::SpanId {
    // SplitMix64's mixing: no two parents have the same child.
    let mut z = u64::from_be_bytes(parent.bytes()).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    span_id(SpanId::mint(|| z ^ (z >> 31)))
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
