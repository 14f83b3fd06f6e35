//! One cache, of keys and sizes alone, over time that is told and not passed.
//!
//! It keeps an answer from its last byte on, forgets what was not asked for the longest when
//! there is no room, and lets a request wait for the answer to an equal one on its way. Must
//! not know: why a request may be cached, or what a capture is.

use crate::cache::control::{Otherwise, Read};
use crate::cache::policy::{Collapse, NotStored};
use crate::cache::what_if::tally::{Effort, Tally, UNKNOWN_ANSWER};
use crate::types::CacheKey;
use lru::LruCache;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// An answer above this part of the size is not kept, as in memory.
const LARGEST_PART: u64 = 64;
/// What an answer takes beside its own bytes, as in memory.
const OVERHEAD: u64 = 256;

/// A request that a cache is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) key: CacheKey,
    /// Which answers will do.
    pub(super) read: Read,
    /// How long past its time an answer may be given while a new one is fetched.
    pub(super) while_revalidate: Duration,
    pub(super) collapse: Collapse,
    pub(super) otherwise: Otherwise,
}

/// What the upstream answers, if it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fetched {
    /// What it is worth not to ask.
    pub(super) effort: Effort,
    /// The answer's size.
    pub(super) bytes: Option<u64>,
    pub(super) keep: Keep,
}

/// Whether an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// This long fresh, and then this long stale.
    For { fresh: Duration, stale: Duration },
    /// It is not, for this reason.
    No(NotStored),
    /// The capture does not say what would be needed to know.
    Unknown,
}

/// A cache of a size.
pub(super) struct SimulatedCache {
    capacity: u64,
    held: LruCache<CacheKey, Held>,
    bytes: u64,
    /// Keys whose answer is on its way and may be shared.
    flights: HashSet<CacheKey>,
    /// What will happen by itself, by when; of two at a time the one that was foreseen first.
    events: BTreeMap<(Duration, u64), Event>,
    events_so_far: u64,
    pub(super) tally: Tally,
}

/// An answer that is kept.
struct Held {
    since: Duration,
    fresh_until: Duration,
    gone: Duration,
    bytes: u64,
}

/// Something that happens by itself.
enum Event {
    /// An answer is through.
    Landing { key: CacheKey, fetched: Fetched, shared: Shared },
    /// An answer is past all use.
    Expiry { key: CacheKey },
}

/// Whether others may listen to an answer on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shared {
    Yes,
    No,
}

impl SimulatedCache {
    pub(super) fn new(capacity: u64) -> Self {
        Self {
            capacity,
            held: LruCache::unbounded(),
            bytes: 0,
            flights: HashSet::new(),
            events: BTreeMap::new(),
            events_so_far: 0,
            tally: Tally::default(),
        }
    }

    /// A request at `at`, which is never before that of the request before it.
    pub(super) fn request(&mut self, at: Duration, step: &Step, fetched: &Fetched) {
        self.pass_time(at);
        self.tally.requests += 1;
        match self.look_up(at, step) {
            Found::Fresh => {
                self.tally.hits += 1;
                self.tally.save(&fetched.effort);
            }
            Found::Stale => {
                self.tally.stale += 1;
                self.tally.save(&fetched.effort);
            }
            Found::ToRefresh => {
                self.tally.stale += 1;
                self.tally.refreshes += 1;
                self.fetch(at, (step.key, Shared::Yes), fetched);
            }
            Found::Nothing if self.is_coming(step) => {
                self.tally.collapsed += 1;
                self.tally.save(&fetched.effort);
            }
            Found::Nothing if step.otherwise == Otherwise::Refuse => self.tally.refused += 1,
            Found::Nothing => {
                self.tally.misses += 1;
                let shared = if step.collapse == Collapse::No { Shared::No } else { Shared::Yes };
                self.fetch(at, (step.key, shared), fetched);
            }
        }
    }

    /// Lets everything happen that does until `now`.
    pub(super) fn pass_time(&mut self, now: Duration) {
        while let Some(first) = self.events.first_entry().filter(|first| first.key().0 <= now) {
            let ((at, _), event) = first.remove_entry();
            match event {
                Event::Landing { key, fetched, shared } => {
                    if shared == Shared::Yes {
                        self.flights.remove(&key);
                    }
                    self.land(at, key, &fetched);
                }
                Event::Expiry { key } => self.expire(at, key),
            }
        }
    }

    fn look_up(&mut self, at: Duration, step: &Step) -> Found {
        if step.read == Read::No {
            return Found::Nothing;
        }
        let Some(held) = self.held.get(&step.key) else { return Found::Nothing };
        let age = at.saturating_sub(held.since);
        let Some(by) = at.checked_sub(held.fresh_until) else {
            let is_fresh = step.read.takes_fresh(age, held.fresh_until.saturating_sub(at));
            return if is_fresh { Found::Fresh } else { Found::Nothing };
        };
        if step.read.takes_stale(age, by) {
            Found::Stale
        } else if by > step.while_revalidate {
            Found::Nothing
        } else if self.flights.contains(&step.key) {
            Found::Stale
        } else {
            Found::ToRefresh
        }
    }

    fn is_coming(&self, step: &Step) -> bool {
        step.collapse != Collapse::No && self.flights.contains(&step.key)
    }

    /// Asks the upstream. Without a known duration the answer is there at once.
    fn fetch(&mut self, at: Duration, (key, shared): (CacheKey, Shared), fetched: &Fetched) {
        let lands = at.saturating_add(fetched.effort.time.unwrap_or_default());
        // An answer that will not be kept is taken for one that is not shared: an error is
        // handed to nobody, and of an unknown one nothing is promised.
        let may_share = shared == Shared::Yes && matches!(fetched.keep, Keep::For { .. });
        let leads = may_share && self.flights.insert(key);
        let shared = if leads { Shared::Yes } else { Shared::No };
        self.foresee(lands, Event::Landing { key, fetched: *fetched, shared });
    }

    fn land(&mut self, at: Duration, key: CacheKey, fetched: &Fetched) {
        let (fresh, stale) = match fetched.keep {
            Keep::For { fresh, stale } => (fresh, stale),
            Keep::No(reason) => return self.tally.not_stored(reason.label()),
            Keep::Unknown => return self.tally.not_stored(UNKNOWN_ANSWER),
        };
        let bytes = fetched.bytes.unwrap_or_default().saturating_add(OVERHEAD);
        if bytes > self.capacity / LARGEST_PART {
            return self.tally.not_stored(NotStored::TooLarge.label());
        }
        self.tally.stored += 1;
        self.tally.unsized_answers += u64::from(fetched.bytes.is_none());
        let fresh_until = at.saturating_add(fresh);
        let gone = fresh_until.saturating_add(stale);
        let replaced = self.held.put(key, Held { since: at, fresh_until, gone, bytes });
        self.bytes = self.bytes + bytes - replaced.map_or(0, |replaced| replaced.bytes);
        while self.bytes > self.capacity {
            let Some((_, evicted)) = self.held.pop_lru() else { break };
            self.bytes -= evicted.bytes;
            self.tally.evicted += 1;
        }
        self.tally.peak_bytes = self.tally.peak_bytes.max(self.bytes);
        self.tally.peak_entries = self.tally.peak_entries.max(self.held.len() as u64);
        self.foresee(gone, Event::Expiry { key });
    }

    /// Forgets an answer unless a newer one has taken its place.
    fn expire(&mut self, at: Duration, key: CacheKey) {
        if self.held.peek(&key).is_some_and(|held| held.gone <= at)
            && let Some(held) = self.held.pop(&key)
        {
            self.bytes -= held.bytes;
        }
    }

    fn foresee(&mut self, at: Duration, event: Event) {
        self.events_so_far += 1;
        self.events.insert((at, self.events_so_far), event);
    }
}

/// What a look-up finds.
enum Found {
    Fresh,
    Stale,
    /// Past its time, and it is for this request to have it fetched anew.
    ToRefresh,
    Nothing,
}
