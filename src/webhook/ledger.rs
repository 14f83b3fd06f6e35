//! The latest deliveries, in memory.
//!
//! Must not know: how anything is delivered.

use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::SystemTime;

/// Deliveries that are remembered.
const MOST: usize = 200;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id.
    pub id: String,
    /// The receiver.
    pub webhook: String,
    /// The event's `type`.
    pub event: &'static str,
    /// When there was something to tell.
    pub at: SystemTime,
    /// How often it was sent.
    pub tries: u32,
    /// When it was sent last.
    pub tried: Option<SystemTime>,
    /// Where it stands.
    pub state: DeliveryState,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// Why the last try failed, in words that hold no secret.
    pub problem: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its turn, or to be sent again.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It was sent as often as it is.
    GivenUp,
    /// There was no room for it, or the process ended.
    Dropped,
}

/// The latest of them, the latest first.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<VecDeque<Delivery>>);

impl Ledger {
    /// Remembers one; the oldest makes room.
    pub(super) fn add(&self, delivery: Delivery) {
        let mut deliveries = self.0.lock();
        if deliveries.len() == MOST {
            deliveries.pop_back();
        }
        deliveries.push_front(delivery);
    }

    /// Changes what is known of the message `id`, if it is remembered.
    pub(super) fn change(&self, id: &str, change: impl FnOnce(&mut Delivery)) {
        if let Some(delivery) = self.0.lock().iter_mut().find(|delivery| delivery.id == id) {
            change(delivery);
        }
    }

    /// All that are remembered.
    pub(super) fn all(&self) -> Vec<Delivery> {
        self.0.lock().iter().cloned().collect()
    }
}
