//! W3C Trace Context (<https://www.w3.org/TR/trace-context-2/>) and `X-Trace-ID`.
//!
//! Owns the forms of both headers. Must not know: who is trusted, or what is traced.

use crate::types::{SpanId, TraceFlags, TraceId};
use http::HeaderValue;

/// What a valid `traceparent` header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace the request belongs to.
    pub trace_id: TraceId,
    /// The caller's span.
    pub parent_id: SpanId,
    /// What the caller says about the trace.
    pub flags: TraceFlags,
}

/// Reads `traceparent`; `None` unless there is exactly one value and it is valid.
/// A version above `00` is read as `00`, whatever follows after a further dash.
pub fn parse_traceparent<'a>(
    values: impl IntoIterator<Item = &'a HeaderValue>,
) -> Option<TraceParent> {
    let mut values = values.into_iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let text = value.to_str().ok()?.trim_ascii();
    let mut fields = text.splitn(5, '-');
    let mut field = || fields.next();
    let (version, trace_id, parent_id, flags) = (field()?, field()?, field()?, field()?);
    let version = parse_byte(version)?;
    let more = field().is_some();
    if version == 0xff || (version == 0 && more) {
        return None;
    }
    Some(TraceParent {
        trace_id: TraceId::parse(trace_id)?,
        parent_id: SpanId::parse(parent_id)?,
        flags: TraceFlags::from_bits(parse_byte(flags)?),
    })
}

/// The `traceparent` header, version `00`, that makes the receiver's spans children of `span`.
pub fn format_traceparent(trace: TraceId, span: SpanId, flags: TraceFlags) -> HeaderValue {
    let text = format!("00-{trace}-{span}-{:02x}", flags.bits());
    // Hex digits and dashes are always a header value.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Reads `X-Trace-ID`: 32 hex digits of either case, or a UUID with its dashes.
pub fn parse_trace_id(text: &str) -> Option<TraceId> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let is_uuid = text.len() == 36 && DASHES.iter().all(|&at| text.as_bytes()[at] == b'-');
    let mut hex = text.to_ascii_lowercase();
    if is_uuid {
        hex.retain(|c| c != '-');
    }
    TraceId::parse(&hex)
}

/// Two lower-case hex digits.
fn parse_byte(text: &str) -> Option<u8> {
    let is_lower_hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == 2 && is_lower_hex).then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    fn parse(texts: &[&str]) -> Option<TraceParent> {
        let values: Vec<_> =
            texts.iter().map(|text| HeaderValue::from_str(text).unwrap()).collect();
        parse_traceparent(&values)
    }

    /// After the cases of <https://github.com/w3c/trace-context/tree/main/test>.
    #[test]
    fn traceparents_are_judged_as_the_specification_says() {
        let good = [
            (format!("00-{TRACE}-{PARENT}-01"), true),
            (format!("00-{TRACE}-{PARENT}-00"), false),
            (format!("00-{TRACE}-{PARENT}-03"), true),
            (format!("00-{TRACE}-{PARENT}-ff"), true),
            (format!("01-{TRACE}-{PARENT}-01"), true),
            (format!("cc-{TRACE}-{PARENT}-01-what-the-future-brings"), true),
            (format!("cc-{TRACE}-{PARENT}-00-"), false),
            (format!(" 00-{TRACE}-{PARENT}-01\t"), true),
        ];
        for (text, sampled) in good {
            let parent = parse(&[&text]).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(parent.trace_id.to_string(), TRACE, "{text}");
            assert_eq!(parent.parent_id.to_string(), PARENT, "{text}");
            assert_eq!(parent.flags.sampled(), sampled, "{text}");
        }
        let bad = [
            String::new(),
            "00".into(),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("cc-{TRACE}-{PARENT}-01.what"),
            format!("cc-{TRACE}-{PARENT}-011"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-0x"),
            format!("00-{TRACE}-{PARENT}-+1"),
            format!("00-{TRACE}-{PARENT}-0A"),
            format!("00-{TRACE}-{PARENT}"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!("000-{TRACE}-{PARENT}-01"),
            format!(".0-{TRACE}-{PARENT}-01"),
            format!("0A-{TRACE}-{PARENT}-01"),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", PARENT.to_uppercase()),
            format!("00-{}-{PARENT}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{PARENT}-01"),
            format!("00-{TRACE}-{}-01", &PARENT[1..]),
            format!("00-{TRACE}-{PARENT}0-01"),
            format!("00-{}-{PARENT}-01", TRACE.replace('4', ".")),
            format!("00_{TRACE}_{PARENT}_01"),
            format!("00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01"),
        ];
        for text in bad {
            assert_eq!(parse(&[&text]), None, "{text}");
        }
    }

    #[test]
    fn two_traceparents_are_none() {
        let text = format!("00-{TRACE}-{PARENT}-01");
        assert_eq!(parse(&[&text, &text]), None);
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn a_traceparent_is_written_as_it_is_read_with_unknown_flags_cleared() {
        let parent = parse(&[&format!("cc-{TRACE}-{PARENT}-ff-x")]).unwrap();
        let written = format_traceparent(parent.trace_id, parent.parent_id, parent.flags);
        assert_eq!(written, format!("00-{TRACE}-{PARENT}-03"));
        let written = format_traceparent(parent.trace_id, parent.parent_id, TraceFlags::SAMPLED);
        assert_eq!(written, format!("00-{TRACE}-{PARENT}-01"));
    }

    #[test]
    fn a_trace_id_of_its_own_may_be_hex_of_either_case_or_a_uuid() {
        let uuid = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
        for good in [TRACE, &TRACE.to_uppercase(), uuid, &uuid.to_uppercase()] {
            assert_eq!(parse_trace_id(good), TraceId::parse(TRACE), "{good}");
        }
        let misplaced = "4bf92f357-7b3-4da6-a3ce-929d0e0e4736";
        let zero = "00000000-0000-0000-0000-000000000000";
        for bad in ["", "abc", misplaced, zero, &format!("{TRACE}0"), &format!("{{{uuid}}}"), "é"]
        {
            assert_eq!(parse_trace_id(bad), None, "{bad}");
        }
    }
}
