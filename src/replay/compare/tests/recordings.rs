//! Recorded traffic as an arm.

use crate::capture::{
    AnswerNote, CallNote, CallerNote, ChunkKind, ChunkNote, Exchange, Message, Times,
};
use crate::replay::compare::{Blocks, block_validity, recorded};
use crate::replay::{CountedBy, Failure, Validity};
use crate::types::{Micros, Outcome, Usage, UsageSource};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn chunk(after: u64, kind: ChunkKind) -> ChunkNote {
    ChunkNote { after: ms(after), length: 10, kind }
}

/// Received 5 s into the recording.
fn exchange(status: u16, outcome: Option<Outcome>, error: Option<&str>) -> Exchange {
    use ChunkKind::{Generated, Other};
    let chunks = [(200, Other), (50, Generated), (30, Generated), (10, Other), (20, Generated)];
    let chunks = chunks.map(|(after, kind)| chunk(after, kind)).to_vec();
    let message = Message::default();
    Exchange {
        request_id: None,
        trace_id: None,
        session: None,
        caller: CallerNote::default(),
        call: CallNote::default(),
        request: Message::default(),
        answer: Some(AnswerNote { status, message, chunks, complete: None, bytes: Some(50) }),
        attempts: Vec::new(),
        times: Times {
            received: ms(1_005_000),
            first_token: Some(ms(250)),
            last: Some(ms(310)),
            ..Times::default()
        },
        usage: Some(Usage { input: 7, output: 3, source: UsageSource::Upstream }),
        cost: None,
        outcome,
        error: error.map(str::to_owned),
        cache: None,
        redactions: BTreeMap::new(),
    }
}

#[test]
fn a_recorded_request_is_a_sample_of_a_run() {
    let sample = recorded(3, ms(1_000_000), &exchange(200, Some(Outcome::Success), None));
    assert_eq!((sample.number, sample.intended), (3, Micros(5_000_000)));
    assert_eq!(sample.first_token, Some(Micros(5_250_000)));
    assert_eq!(sample.last, Some(Micros(5_310_000)));
    assert!(sample.streamed && sample.lag == Micros(0));
    assert_eq!(sample.headers, None, "what was not recorded is not made up");
    // The chunk that is no output lies within a gap.
    assert_eq!(sample.gaps, [Micros(30_000), Micros(30_000)]);
    assert_eq!((sample.tokens_out, sample.tokens_by), (Some(3), Some(CountedBy::Target)));
    assert_eq!(sample.failure, None);
}

#[test]
fn failures_keep_their_kind() {
    let of = |status, outcome, error| {
        recorded(0, Duration::ZERO, &exchange(status, outcome, error)).failure
    };
    assert_eq!(
        of(502, Some(Outcome::UpstreamError), Some("connect_refused")),
        Some(Failure::Connect)
    );
    assert_eq!(of(500, Some(Outcome::UpstreamError), Some("500")), Some(Failure::ServerError));
    assert_eq!(of(200, Some(Outcome::UpstreamError), Some("decode_error")), Some(Failure::Broken));
    assert_eq!(of(200, Some(Outcome::ClientCancelled), None), Some(Failure::Cancelled));
    assert_eq!(of(429, None, None), Some(Failure::RateLimited));
    assert_eq!(of(503, None, None), Some(Failure::ServerError));
    assert_eq!(of(200, None, None), None);
}

#[test]
fn a_recording_is_cut_into_blocks_of_equal_time() {
    let blocks = Blocks { first: ms(1000), last: ms(2000), count: NonZeroU32::new(4).unwrap() };
    let of: Vec<_> = [999, 1000, 1249, 1250, 1999, 2000, 2001].map(|at| blocks.of(ms(at))).into();
    assert_eq!(of, [None, Some(0), Some(0), Some(1), Some(3), Some(3), None]);
    let instant = Blocks { last: ms(1000), ..blocks };
    assert_eq!(instant.of(ms(1000)), Some(0));
}

#[test]
fn a_block_with_few_requests_does_not_count() {
    assert_eq!(block_validity(100), Validity::Valid);
    assert!(matches!(block_validity(99), Validity::Invalid(why) if why[0].starts_with("99 ")));
}
