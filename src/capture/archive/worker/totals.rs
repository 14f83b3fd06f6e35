//! What the thread and those who ask it count.
//!
//! Must not know: the queue, or files.

use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Why an exchange that was to be captured was not written down. A closed list: it is a metric
/// label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// More bytes waited than may.
    QueueFull,
    /// Nothing could be written at the time.
    Paused,
    /// It is larger than a record may be.
    TooLarge,
    /// It was taken, and could not be written: the disk failed until the end, or the end came
    /// first.
    WriteError,
}

impl DropReason {
    /// All reasons, in the order of [`DropReason::index`].
    pub const ALL: [Self; 4] = [Self::QueueFull, Self::Paused, Self::TooLarge, Self::WriteError];

    /// Position in [`DropReason::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Paused => "paused",
            Self::TooLarge => "too_large",
            Self::WriteError => "write_error",
        }
    }
}

/// What has been counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureCounts {
    /// Exchanges in a file.
    pub written: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl CaptureCounts {
    /// Exchanges that were not written for `reason`.
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason.index()]
    }
}

/// What is on the disk, and what waits to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureUsage {
    /// Segments.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes of the queue that are taken.
    pub queued: u64,
}

/// Whether anything can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureState {
    /// Exchanges are written as they come.
    Running,
    /// Nothing can be written. It is tried again every few seconds.
    Paused {
        /// Whether it is for want of room.
        disk_full: bool,
        /// The reason in the system's words.
        why: Arc<str>,
    },
}

#[derive(Default)]
pub(super) struct Totals {
    written: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
    segments: AtomicU64,
    bytes: AtomicU64,
    is_paused: AtomicBool,
    paused: Mutex<Option<(bool, Arc<str>)>>,
}

impl Totals {
    /// So many exchanges are in a file.
    pub(super) fn write(&self, exchanges: u64) {
        self.written.fetch_add(exchanges, Ordering::Relaxed);
    }

    /// So many exchanges are not written.
    pub(super) fn lose(&self, reason: DropReason, exchanges: u64) {
        self.dropped[reason.index()].fetch_add(exchanges, Ordering::Relaxed);
    }

    /// Notes what is on the disk.
    pub(super) fn hold(&self, segments: u64, bytes: u64) {
        self.segments.store(segments, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Nothing can be written from now on.
    pub(super) fn pause(&self, error: &io::Error) {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        let disk_full = matches!(error.kind(), StorageFull | QuotaExceeded);
        *self.paused.lock() = Some((disk_full, error.to_string().into()));
        self.is_paused.store(true, Ordering::Relaxed);
    }

    /// It can again.
    pub(super) fn resume(&self) {
        *self.paused.lock() = None;
        self.is_paused.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    pub(super) fn state(&self) -> CaptureState {
        match &*self.paused.lock() {
            None => CaptureState::Running,
            Some((disk_full, why)) => {
                CaptureState::Paused { disk_full: *disk_full, why: Arc::clone(why) }
            }
        }
    }

    pub(super) fn counts(&self) -> CaptureCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CaptureCounts { written: load(&self.written), dropped: self.dropped.each_ref().map(load) }
    }

    pub(super) fn usage(&self, queued: u64) -> CaptureUsage {
        let (segments, bytes) = (&self.segments, &self.bytes);
        CaptureUsage {
            segments: segments.load(Ordering::Relaxed),
            bytes: bytes.load(Ordering::Relaxed),
            queued,
        }
    }
}
