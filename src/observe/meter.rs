//! The meter of an answer's body: chunks, gaps and the first token, as the caller saw them.
//!
//! Must not know: dialects; it is told whether a chunk held generated output.

use crate::observe::metrics::INTER_CHUNK_SECONDS;
use crate::types::{ChunkKind, ChunkNote, ChunkStrip, StreamFacts};
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
    /// Every chunk, where somebody wants them.
    chunks: Option<ChunkLog>,
}

/// Chunks, one by one.
#[derive(Clone, Debug)]
struct ChunkLog {
    strip: ChunkStrip,
    /// When the last of them came, or the request.
    last: Instant,
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
    /// From here on every chunk of the request received at `received` is noted, in at most
    /// about `room` bytes. Whoever asks for more room has to do so before the first chunk.
    pub fn note_chunks(&mut self, received: Instant, room: usize) {
        let fresh = || ChunkLog { strip: ChunkStrip::new(room), last: received };
        self.chunks.get_or_insert_with(fresh).strip.make_room(room);
    }

    /// The chunks that were noted; `None` where nobody wanted them.
    pub fn chunks(&self) -> Option<&ChunkStrip> {
        self.chunks.as_ref().map(|log| &log.strip)
    }

    /// When the last chunk arrived.
    pub fn last_chunk(&self) -> Option<Instant> {
        self.last_chunk
    }

    /// A chunk of `length` bytes arrived at `now`.
    pub fn on_chunk(&mut self, now: Instant, length: usize) {
        self.facts.chunks += 1;
        if let Some(chunks) = &mut self.chunks {
            chunks.push(now, length);
        }
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

    /// What the chunk of `now` held.
    pub fn on_kind(&mut self, now: Instant, kind: ChunkKind) {
        if kind == ChunkKind::Generated {
            self.on_generated(now);
        }
    }

    /// The chunk of `now` held generated output. The first such call is the first token.
    pub fn on_generated(&mut self, now: Instant) {
        self.first_token.get_or_insert(now);
        if let Some(chunks) = &mut self.chunks {
            chunks.strip.mark_generated();
        }
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

impl ChunkLog {
    fn push(&mut self, now: Instant, length: usize) {
        let whole = now.saturating_duration_since(self.last).as_micros();
        let after = Duration::from_micros(u64::try_from(whole).unwrap_or(u64::MAX));
        // Not `now`: what was rounded off belongs to the next gap, so that sums are true.
        self.last += after;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.strip.push(ChunkNote { after, length, kind: ChunkKind::Other });
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
            meter.on_chunk(t0 + Duration::from_millis(ms), 1);
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
            meter.on_chunk(at(ms), 1);
        }
        assert_eq!(meter.longest_silence(at(150)), Some((at(0), Duration::from_millis(100))));
        assert_eq!(meter.longest_silence(at(510)), Some((at(110), Duration::from_millis(400))));
    }

    #[test]
    fn chunks_are_noted_one_by_one_where_somebody_wants_them() {
        let t0 = Instant::now();
        let at = |nanoseconds| t0 + Duration::from_nanos(nanoseconds);
        let mut meter = StreamMeter::default();
        meter.on_chunk(at(1_000), 5);
        assert_eq!(meter.chunks(), None);
        meter.note_chunks(t0, 100);
        for (nanoseconds, length) in [(1_900, 5), (3_800, 7), (5_700, 1)] {
            meter.on_chunk(at(nanoseconds), length);
            if length == 7 {
                meter.on_generated(at(nanoseconds));
            }
        }
        let note =
            |after, length, kind| ChunkNote { after: Duration::from_micros(after), length, kind };
        let (other, generated) = (ChunkKind::Other, ChunkKind::Generated);
        let expected = [note(1, 5, other), note(2, 7, generated), note(2, 1, other)];
        let noted: Vec<_> = meter.chunks().into_iter().flat_map(ChunkStrip::notes).collect();
        assert_eq!(noted, expected, "5.7 us in all");
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
