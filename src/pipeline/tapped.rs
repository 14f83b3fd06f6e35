//! A client whose exchange may be written down.
//!
//! Must not know: what is made of it.

use crate::capture::{Recorder, Tap};
use crate::observe::RequestRecord;
use crate::pipeline::parse::Request;
use crate::pipeline::{ClientGone, Downstream, DownstreamFault};
use crate::upstream::Model;
use bytes::Bytes;
use http::request;
use http::response::Parts;
use std::sync::Arc;
use std::time::Duration;

/// Room for the times of an answer's chunks, in bytes: about 100,000 chunks.
const CHUNKS: usize = 512 << 10;

/// A client; what it is sent goes to the tap as well, if there is one.
pub(super) struct Tapped<'a, D> {
    down: &'a mut D,
    tap: Option<Box<Tap>>,
    model: Option<Arc<Model>>,
}

impl<'a, D: Downstream> Tapped<'a, D> {
    /// Without a tap so far.
    pub(super) const fn new(down: &'a mut D) -> Self {
        Self { down, tap: None, model: None }
    }

    /// From here on what the client gets is collected, where `capture` wants that. A replay of
    /// what was captured is not captured once more, unless it asks for that.
    pub(super) fn tap(
        &mut self,
        capture: Option<&Recorder>,
        request: &Request,
        rec: &mut RequestRecord,
    ) {
        let Some(capture) = capture else { return };
        if !rec.origin.is_captured() {
            return capture.pass_over_replay(&request.model.name);
        }
        let asked = (self.down.head(), &request.body.bytes);
        self.tap = capture.tap(&request.model.name, rec.identity.request_id.as_str(), asked);
        if self.tap.is_some() {
            self.model = Some(Arc::clone(&request.model));
            rec.captured = true;
            rec.meter.note_chunks(rec.timeline.received, CHUNKS);
        }
    }

    /// What was collected, and the model that was asked.
    pub(super) fn detach(&mut self) -> Option<(Box<Tap>, Arc<Model>)> {
        self.tap.take().zip(self.model.take())
    }
}

impl<D: Downstream> Downstream for Tapped<'_, D> {
    fn head(&self) -> &request::Parts {
        self.down.head()
    }

    fn owes_an_answer(&self) -> bool {
        self.down.owes_an_answer()
    }

    async fn send_continue(&mut self) -> Result<(), DownstreamFault> {
        self.down.send_continue().await
    }

    async fn read_chunk(&mut self) -> Result<Option<Bytes>, DownstreamFault> {
        self.down.read_chunk().await
    }

    async fn closed(&mut self) {
        self.down.closed().await;
    }

    fn set_write_timeout(&mut self, limit: Duration) {
        self.down.set_write_timeout(limit);
    }

    async fn write_head(&mut self, head: Parts) -> Result<(), ClientGone> {
        if let Some(tap) = &mut self.tap {
            tap.head(&head);
        }
        self.down.write_head(head).await
    }

    async fn write_chunk(&mut self, chunk: Bytes) -> Result<(), ClientGone> {
        let Some(tap) = &mut self.tap else { return self.down.write_chunk(chunk).await };
        self.down.write_chunk(chunk.clone()).await?;
        tap.part(chunk);
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), ClientGone> {
        self.down.finish().await
    }

    fn abort(&mut self) {
        self.down.abort();
    }

    fn abandon_body(&mut self) {
        self.down.abandon_body();
    }
}
