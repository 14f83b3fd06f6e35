//! The meter of an answer's body: chunks, gaps and the first token, as the caller saw them.
//!
//! Must not know: dialects; it is told whether a chunk held generated output.

use crate::observe::metrics::INTER_CHUNK_SECONDS;
use crate::types::StreamFacts;
use std::time::{Duration, Instant};

/// Counts one answer's chunks. Gaps are bucketed here and merged into the metric once, at
/// the end, so that a chunk costs no shared memory.
#[derive(Clone, Debug, Default)]
pub struct StreamMeter {
    /// Chunks, events, largest gap and how it ended.
    pub facts: StreamFacts,
    gaps: GapCounts,
    first_token: Option<Instant>,
    last_chunk: Option<Instant>,
    /// When the largest gap began.
    silent_from: Option<Instant>,
}

/// Inter-chunk gaps by the buckets of [`INTER_CHUNK_SECONDS`], the last being +Inf.
#[derive(Clone, Debug, Default)]
pub struct GapCounts {
    /// Gaps in each bucket, not cumulative.
    pub counts: [u32; INTER_CHUNK_SECONDS.len() + 1],
    /// Their sum.
    pub sum: Duration,
}

impl StreamMeter {
    /// A chunk arrived at `now`.
    pub fn on_chunk(&mut self, now: Instant) {
        self.facts.chunks += 1;
        if let Some(previous) = self.last_chunk.replace(now) {
            let gap = now.saturating_duration_since(previous);
            self.gaps.sum += gap;
            if gap > self.facts.largest_gap {
                self.facts.largest_gap = gap;
                self.silent_from = Some(previous);
            }
            let seconds = gap.as_secs_f64();
            let bucket = INTER_CHUNK_SECONDS.partition_point(|bound| *bound < seconds);
            self.gaps.counts[bucket] += 1;
        }
    }

    /// The chunk of `now` held generated output; only the first such call counts.
    pub fn on_generated(&mut self, now: Instant) {
        self.first_token.get_or_insert(now);
    }

    /// When the first generated output arrived.
    pub fn first_token(&self) -> Option<Instant> {
        self.first_token
    }

    /// The longest silence so far, were the stream to end at `end`: when it began and how
    /// long it lasted. What comes after the last chunk is silence too.
    pub fn longest_silence(&self, end: Instant) -> Option<(Instant, Duration)> {
        let between = self.silent_from.map(|from| (from, self.facts.largest_gap));
        let after = self.last_chunk.map(|last| (last, end.saturating_duration_since(last)));
        between.into_iter().chain(after).max_by_key(|(_, lasted)| *lasted)
    }

    /// The gaps seen so far.
    pub fn gaps(&self) -> &GapCounts {
        &self.gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_fall_into_their_buckets_and_the_largest_is_kept() {
        let t0 = Instant::now();
        let mut meter = StreamMeter::default();
        for ms in [0, 1, 21, 3021, 13_022] {
            meter.on_chunk(t0 + Duration::from_millis(ms));
        }
        assert_eq!(meter.facts.chunks, 5);
        assert_eq!(meter.facts.largest_gap, Duration::from_millis(10_001));
        let gaps = meter.gaps();
        assert_eq!(gaps.counts.iter().sum::<u32>(), 4);
        assert_eq!((gaps.counts[0], gaps.counts[gaps.counts.len() - 1]), (1, 1));
        assert_eq!(gaps.sum, Duration::from_millis(13_022));
    }

    #[test]
    fn the_longest_silence_may_be_the_last() {
        let t0 = Instant::now();
        let at = |ms| t0 + Duration::from_millis(ms);
        let mut meter = StreamMeter::default();
        assert_eq!(meter.longest_silence(at(9)), None);
        for ms in [0, 100, 110] {
            meter.on_chunk(at(ms));
        }
        assert_eq!(meter.longest_silence(at(150)), Some((at(0), Duration::from_millis(100))));
        assert_eq!(meter.longest_silence(at(510)), Some((at(110), Duration::from_millis(400))));
    }

    #[test]
    fn only_the_first_generated_chunk_is_the_first_token() {
        let t0 = Instant::now();
        let mut meter = StreamMeter::default();
        meter.on_generated(t0);
        meter.on_generated(t0 + Duration::from_secs(1));
        assert_eq!(meter.first_token(), Some(t0));
    }
}
