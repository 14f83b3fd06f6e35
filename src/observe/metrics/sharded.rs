//! Counters that the machine's processors do not fight over.
//!
//! Each processor adds to cache lines of its own; reading adds them up. Must not know: what
//! is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

/// More shards cost memory and reading time, and spare little.
const MOST_SHARDS: usize = 8;
const CELLS_PER_LINE: usize = 8;

/// One cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([AtomicU64; CELLS_PER_LINE]);

/// A row of counters, once for each shard.
#[derive(Debug)]
pub struct Sharded {
    lines: Box<[Line]>,
    lines_per_shard: usize,
    /// Shards less one; their number is a power of two.
    mask: usize,
}

/// The counters of one shard.
pub struct Shard<'a>(&'a [Line]);

impl Sharded {
    /// `cells` counters at 0.
    pub fn new(cells: usize) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let shards = processors.next_power_of_two().min(MOST_SHARDS);
        let lines_per_shard = cells.div_ceil(CELLS_PER_LINE);
        let lines = (0..shards * lines_per_shard).map(|_| Line::default()).collect();
        Self { lines, lines_per_shard, mask: shards - 1 }
    }

    /// The shard of the processor that this thread runs on. Should the thread move before it
    /// adds, two processors share a line for once; nothing is lost.
    pub fn here(&self) -> Shard<'_> {
        let shard = if self.mask == 0 { 0 } else { processor() & self.mask };
        let from = shard * self.lines_per_shard;
        Shard(self.lines.get(from..from + self.lines_per_shard).unwrap_or_default())
    }

    /// The total of one counter. What was added before an addition that is seen here is
    /// seen by totals taken later.
    pub fn total(&self, cell: usize) -> u64 {
        self.lines
            .chunks_exact(self.lines_per_shard)
            .map(|lines| Shard(lines).cell(cell).map_or(0, |cell| cell.load(Ordering::Acquire)))
            .fold(0, u64::wrapping_add)
    }
}

impl<'a> Shard<'a> {
    /// Adds to one counter.
    pub fn add(&self, cell: usize, count: u64) {
        if let Some(cell) = self.cell(cell) {
            cell.fetch_add(count, Ordering::Release);
        }
    }

    fn cell(&self, cell: usize) -> Option<&'a AtomicU64> {
        self.0.get(cell / CELLS_PER_LINE)?.0.get(cell % CELLS_PER_LINE)
    }
}

#[cfg(target_os = "linux")]
fn processor() -> usize {
    rustix::thread::sched_getcpu()
}

#[cfg(not(target_os = "linux"))]
fn processor() -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nothing_is_lost_however_many_threads_count() {
        let cells = Sharded::new(19);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..20_000 {
                        let here = cells.here();
                        here.add(round % 19, 1);
                        here.add(18, 3);
                    }
                });
            }
        });
        let all: u64 = (0..19).map(|cell| cells.total(cell)).sum();
        assert_eq!(all, 8 * 20_000 * 4);
    }

    #[test]
    fn a_shard_fills_whole_cache_lines() {
        assert_eq!(size_of::<Line>(), 64);
        let cells = Sharded::new(9);
        assert_eq!(cells.lines_per_shard, 2);
        assert_eq!(cells.lines.len(), 2 * (cells.mask + 1));
    }
}
