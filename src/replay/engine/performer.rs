//! One request, from its instant to its sample.
//!
//! Must not know: what is due next, or what becomes of a sample.

use super::admission::{Admission, Admitted};
use super::agenda::Due;
use super::pacer::{Pacer, Prepared};
use super::phase;
use super::progress::Progress;
use crate::protocol::{format_traceparent, replace_replay_mark};
use crate::replay::client::{Client, Patience, Seen};
use crate::replay::outcome::{RunHead, RunId};
use crate::replay::request::Outgoing;
use crate::replay::{Plan, Planned, Sample};
use crate::types::{Micros, ReplayMark, ReplayWishes, SpanId, TraceFlags, TraceId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Performs the requests of a run.
pub(super) struct Performer {
    pub(super) head: RunHead,
    pub(super) plan: Arc<Plan>,
    pub(super) client: Client,
    pub(super) admission: Arc<dyn Admission>,
    /// When the plan's clock is zero.
    pub(super) begins: Instant,
    pub(super) pacer: Arc<Pacer>,
    pub(super) samples: mpsc::Sender<Sample>,
    pub(super) progress: Arc<Progress>,
    /// What is in flight is given up.
    pub(super) cut: CancellationToken,
}

impl Performer {
    /// Begins a request; called on the pacing thread.
    pub(super) fn begin(
        self: &Arc<Self>,
        due: Due,
        prepared: Prepared,
        handle: &Handle,
        tasks: &TaskTracker,
    ) {
        let Some(planned) = self.plan.requests.get(due.index).copied() else { return };
        let admitted = prepared
            .map_err(|reason| tracing::debug!(%reason, number = planned.number, "not sent"))
            .and_then(|outgoing| Ok((outgoing, self.admission.admit(&planned).map_err(drop)?)));
        let Ok((outgoing, admitted)) = admitted else {
            let sample = Sample::not_sent(planned.number, phase(&self.plan, due.at), due.at);
            self.samples.blocking_send(sample).ok();
            self.pacer.finished(due.index);
            return;
        };
        self.progress.sent();
        let this = Arc::clone(self);
        let perform = async move { this.perform(due, planned, outgoing, admitted).await };
        tasks.spawn_on(perform, handle);
    }

    async fn perform(
        &self,
        due: Due,
        planned: Planned,
        mut outgoing: Outgoing,
        admitted: Box<dyn Admitted>,
    ) {
        let began = Instant::now();
        mark(&mut outgoing, &self.head.id, planned.number);
        let patience = Patience {
            timeout: self.head.timeout.into(),
            leaves_after: planned.leaves_after.map(Duration::from),
            cut: self.cut.clone(),
        };
        let seen = Box::pin(self.client.send(&outgoing, &patience)).await;
        // First of all, because the next request may wait for it.
        self.pacer.finished(due.index);
        let sample = self.sample(due, planned, (began, outgoing.streamed), seen);
        admitted.settle(&sample);
        self.samples.send(sample).await.ok();
    }

    fn sample(
        &self,
        due: Due,
        planned: Planned,
        (began, streamed): (Instant, bool),
        seen: Seen,
    ) -> Sample {
        let since = |instant: Instant| Micros::from(instant.saturating_duration_since(self.begins));
        let intended = self.begins + Duration::from(due.at);
        let late = |instant: Instant| instant.saturating_duration_since(intended);
        let lag = match seen.sent {
            Some(sent) => late(sent).saturating_sub(seen.connecting.unwrap_or_default()),
            None => late(began),
        };
        let (tokens_in, tokens_out, tokens_by) = match seen.tokens {
            Some((tokens_in, tokens_out, by)) => (Some(tokens_in), Some(tokens_out), Some(by)),
            None => (None, None, None),
        };
        Sample {
            number: planned.number,
            phase: phase(&self.plan, due.at),
            streamed,
            intended: due.at,
            sent: seen.sent.map(since),
            lag: lag.into(),
            connecting: seen.connecting.unwrap_or_default().into(),
            headers: seen.headers.map(since),
            first_byte: seen.first_byte.map(since),
            first_token: seen.first_token.map(since),
            last: Some(since(seen.last)),
            gaps: seen.gaps,
            status: seen.status,
            failure: seen.failure,
            tokens_in,
            tokens_out,
            tokens_by,
            bytes: seen.bytes,
            answer: seen.answer,
        }
    }
}

/// Says whose request it is. Its trace follows from the run and its number, so that it can be
/// found.
fn mark(outgoing: &mut Outgoing, run: &RunId, number: u64) {
    let digest = blake3::hash(format!("{run} {number}").as_bytes());
    let mut words = digest
        .as_bytes()
        .chunks_exact(8)
        .map(|word| word.iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte)));
    let mut word = || words.next().unwrap_or_default();
    let trace = TraceId::mint(&mut word);
    let traceparent = format_traceparent(trace, SpanId::mint(&mut word), TraceFlags::SAMPLED);
    outgoing.headers.insert("traceparent", traceparent);
    let mark = ReplayMark { run: run.as_str().into(), wishes: ReplayWishes::default() };
    replace_replay_mark(&mut outgoing.headers, Some(&mark));
}
