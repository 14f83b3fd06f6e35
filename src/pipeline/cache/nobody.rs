//! A client that is not there: what is written to it goes nowhere.
//!
//! Must not know: why an answer is wanted that nobody waits for.

use crate::pipeline::{ClientGone, Downstream, DownstreamFault};
use bytes::Bytes;
use http::request::Parts;
use std::future::pending;
use std::time::Duration;

/// Stands for the client of a request that was made once and is made again.
pub(super) struct Nobody {
    head: Parts,
}

impl Nobody {
    /// Whoever sent `head`.
    pub(super) const fn instead_of(head: Parts) -> Self {
        Self { head }
    }
}

impl Downstream for Nobody {
    fn head(&self) -> &Parts {
        &self.head
    }

    fn owes_an_answer(&self) -> bool {
        false
    }

    async fn send_continue(&mut self) -> Result<(), DownstreamFault> {
        Ok(())
    }

    async fn read_chunk(&mut self) -> Result<Option<Bytes>, DownstreamFault> {
        Ok(None)
    }

    async fn closed(&mut self) {
        pending().await
    }

    fn set_write_timeout(&mut self, _limit: Duration) {}

    async fn write_head(&mut self, _head: http::response::Parts) -> Result<(), ClientGone> {
        Ok(())
    }

    async fn write_chunk(&mut self, _chunk: Bytes) -> Result<(), ClientGone> {
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), ClientGone> {
        Ok(())
    }

    fn abort(&mut self) {}

    fn abandon_body(&mut self) {}
}
