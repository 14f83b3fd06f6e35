//! The thread that takes the samples, so that no request waits for a disk.
//!
//! Must not know: how samples are made, or where an observer puts them.

use super::progress::Progress;
use crate::replay::outcome::{Tally, Times};
use crate::replay::{Failure, Sample};
use crate::types::Micros;
use std::io;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Samples that are taken at a time.
const BATCH: usize = 256;
/// What waits to be written is written as often; the 95th percentile is read as often.
const BEAT: Duration = Duration::from_secs(1);

/// Sees every sample of a run.
pub trait Observer: Send {
    /// Takes a sample.
    ///
    /// # Errors
    /// When it cannot be kept. Then no more are offered.
    fn sample(&mut self, sample: &Sample) -> io::Result<()>;

    /// Called about once a second, and at the end: a good time to write what waits.
    ///
    /// # Errors
    /// When that fails. Then no more samples are offered.
    fn flush(&mut self) -> io::Result<()>;
}

/// What came of the samples.
pub(super) struct Collected {
    pub(super) tally: Tally,
    pub(super) observed: io::Result<()>,
}

/// Takes samples until there are no more senders.
pub(super) fn collect(
    handle: &Handle,
    mut inbox: mpsc::Receiver<Sample>,
    (mut observer, mut tally): (Box<dyn Observer>, Tally),
    progress: &Progress,
) -> Collected {
    let mut observed = Ok(());
    let mut latency = Times::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut beat = Instant::now();
    loop {
        let received = handle.block_on(timeout(BEAT, inbox.recv_many(&mut batch, BATCH)));
        for sample in batch.drain(..) {
            tally.record(&sample);
            watch(&sample, &mut latency, progress);
            observed = observed.and_then(|()| observer.sample(&sample));
        }
        let is_over = received == Ok(0);
        if is_over || beat.elapsed() >= BEAT {
            beat = Instant::now();
            let p95 = latency.quantile(0.95).map(|p95| Micros::from(Duration::from_secs_f64(p95)));
            progress.p95(p95);
            observed = observed.and_then(|()| observer.flush());
        }
        if is_over {
            return Collected { tally, observed };
        }
    }
}

fn watch(sample: &Sample, latency: &mut Times, progress: &Progress) {
    let no_failure = matches!(sample.failure, None | Some(Failure::Cancelled | Failure::NotSent));
    progress.done(u64::from(!no_failure));
    if let (None | Some(Failure::Timeout), Some(last)) = (sample.failure, sample.last) {
        latency.record(last.since(sample.intended));
    }
}

/// Keeps the samples in memory.
impl Observer for std::sync::Arc<parking_lot::Mutex<Vec<Sample>>> {
    fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        self.lock().push(sample.clone());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
