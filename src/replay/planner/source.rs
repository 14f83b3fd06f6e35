//! The captured requests in the order of sending, once or over and over.
//!
//! Must not know: the schedule's rate; times in here are the capture's own.

use crate::replay::planner::{PlanInput, mix};
use crate::replay::{Cancellations, PlanOptions, Repeat, Schedule, Turns};
use crate::types::Micros;
use std::collections::HashMap;

/// A captured request whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// Its place in the capture.
    pub(super) exchange: u64,
    /// When it came, since the first request of the first pass.
    pub(super) offset: Micros,
    /// Its conversation, where turns are to be in order.
    pub(super) session: Option<u64>,
    /// How long its client waited after the turn before; `None` for a first turn.
    pub(super) after_turn: Option<Micros>,
    /// When its client leaves.
    pub(super) leaves_after: Option<Micros>,
}

/// The captured requests in the order of sending.
pub(super) struct Source<'a> {
    inputs: &'a [PlanInput],
    /// When something is sent, and what.
    slots: Vec<Slot>,
    keeps_turns: bool,
    cancellations: Cancellations,
    repeat: Repeat,
    /// From one pass to the next.
    period: u64,
    origin: u64,
    pass: u64,
    next: usize,
    /// When the last turn of a conversation ended, in this pass.
    ended: HashMap<u64, u64>,
}

#[derive(Clone, Copy)]
struct Slot {
    received: u64,
    exchange: usize,
}

impl<'a> Source<'a> {
    /// `inputs` must hold something.
    pub(super) fn new(inputs: &'a [PlanInput], options: &PlanOptions) -> Self {
        let keeps_turns = options.turns == Turns::Ordered
            || matches!(options.schedule, Schedule::Sessions { .. });
        let mut slots: Vec<Slot> = inputs
            .iter()
            .enumerate()
            .map(|(exchange, input)| Slot { received: input.received.0, exchange })
            .collect();
        slots.sort_by_key(|slot| (slot.received, inputs[slot.exchange].turn, slot.exchange));
        if keeps_turns {
            put_turns_in_order(&mut slots, inputs);
        }
        let skip = options.skip as usize % slots.len().max(1);
        let first = slots.first().map_or(0, |slot| slot.received);
        let last = slots.last().map_or(0, |slot| slot.received);
        // The seam between two passes is as long as the mean time between two requests.
        let gap = (last - first) / (slots.len() as u64).saturating_sub(1).max(1);
        Self {
            inputs,
            keeps_turns,
            cancellations: options.cancellations,
            repeat: options.repeat,
            period: last - first + gap,
            origin: slots.get(skip).map_or(0, |slot| slot.received),
            slots,
            pass: 0,
            next: skip,
            ended: HashMap::new(),
        }
    }

    /// Whether time passes from one pass to the next.
    pub(super) fn has_pace(&self) -> bool {
        self.period > 0
    }

    /// The requests of the first pass.
    pub(super) fn first_pass(&self) -> usize {
        self.slots.len() - self.next
    }

    fn session(&self, input: &PlanInput) -> Option<u64> {
        let session = input.session.filter(|_| self.keeps_turns)?;
        // Another pass is another conversation.
        Some(if self.pass == 0 { session } else { mix(session ^ mix(self.pass)) })
    }
}

impl Iterator for Source<'_> {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        if self.next == self.slots.len() {
            if self.repeat == Repeat::Once {
                return None;
            }
            (self.next, self.pass) = (0, self.pass + 1);
            self.ended.clear();
        }
        let slot = *self.slots.get(self.next)?;
        self.next += 1;
        let input = &self.inputs[slot.exchange];
        let session = self.session(input);
        let ends = slot.received.saturating_add(input.duration.unwrap_or_default().0);
        let before = session.and_then(|session| self.ended.insert(session, ends));
        let offset = slot.received.saturating_add(self.pass.saturating_mul(self.period));
        Some(Due {
            exchange: slot.exchange as u64,
            offset: Micros(offset - self.origin),
            session,
            after_turn: before.map(|ended| Micros(slot.received.saturating_sub(ended))),
            leaves_after: input
                .client_left_after
                .filter(|_| self.cancellations == Cancellations::AsRecorded),
        })
    }
}

/// Where the turns of a conversation were received in another order than they have, lets them
/// change places. The times at which something is sent stay as they are.
fn put_turns_in_order(slots: &mut [Slot], inputs: &[PlanInput]) {
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, slot) in slots.iter().enumerate() {
        if let Some(session) = inputs[slot.exchange].session {
            places.entry(session).or_default().push(place);
        }
    }
    for places in places.values() {
        let mut turns: Vec<usize> = places.iter().map(|place| slots[*place].exchange).collect();
        // Stable: requests of the same turn stay in the order in which they were received.
        turns.sort_by_key(|exchange| inputs[*exchange].turn);
        for (place, exchange) in places.iter().zip(turns) {
            slots[*place].exchange = exchange;
        }
    }
}
