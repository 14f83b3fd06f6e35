//! Numbers and texts in few bytes, for what lies at the side of a row.
//!
//! Must not know: what they mean. Only what this process packed is unpacked again.

use crate::types::{put_varint, take_varint};
use std::time::Duration;

/// Puts things together.
pub(super) struct Packer<'a>(&'a mut Vec<u8>);

impl<'a> Packer<'a> {
    /// In room that may have been used before, so that it need not grow each time.
    pub(super) fn new(scratch: &'a mut Vec<u8>) -> Self {
        scratch.clear();
        Self(scratch)
    }

    pub(super) fn number(&mut self, number: u64) {
        put_varint(self.0, number);
    }

    pub(super) fn maybe(&mut self, number: Option<u64>) {
        self.number(number.map_or(0, |number| number.saturating_add(1)));
    }

    /// In whole microseconds.
    pub(super) fn time(&mut self, time: Duration) {
        self.number(micros(time));
    }

    /// In whole microseconds.
    pub(super) fn maybe_time(&mut self, time: Option<Duration>) {
        self.maybe(time.map(micros));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// An empty text and none are the same.
    pub(super) fn text(&mut self, text: Option<&str>) {
        self.bytes(text.unwrap_or_default().as_bytes());
    }

    pub(super) fn packed(self) -> Box<[u8]> {
        self.0.as_slice().into()
    }
}

/// Takes apart what a [`Packer`] put together, in the same order.
pub(super) struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn number(&mut self) -> u64 {
        take_varint(&mut self.0).unwrap_or_default()
    }

    pub(super) fn position(&mut self) -> usize {
        usize::try_from(self.number()).unwrap_or(usize::MAX)
    }

    pub(super) fn maybe(&mut self) -> Option<u64> {
        self.number().checked_sub(1)
    }

    pub(super) fn time(&mut self) -> Duration {
        Duration::from_micros(self.number())
    }

    pub(super) fn maybe_time(&mut self) -> Option<Duration> {
        self.maybe().map(Duration::from_micros)
    }

    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = self.position().min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()).ok().filter(|text| !text.is_empty())
    }
}

/// Whole microseconds, as everything here.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
