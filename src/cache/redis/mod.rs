//! The tier that several proxies share, in Redis or Valkey.
//!
//! It fails open: a Redis that is down, slow or wrong is a tier that misses. Nobody waits for
//! it longer than its timeout; after three failures in a row it is left alone for a second,
//! and twice as long each time, up to half a minute. Puts wait in a bounded queue.
//!
//! Purges are lines in a journal (`journal`), which every lookup is judged by: once a purge
//! was taken, no proxy uses what it matches. Each proxy also tells its own tiers what others
//! purged: at once when it hears of it, and else when it next looks, some seconds later. The
//! bytes of purged values stay in Redis until they expire; only a purged entry is unlinked.
//!
//! Must not know: what a value means, or the other tiers.

mod commands;
mod counts;
mod envelope;
mod health;
mod journal;
mod keep;
mod link;
mod queue;
#[cfg(test)]
mod tests;
mod wire;

pub use counts::RedisCounts;
pub use journal::{NotAPosition, Position};
pub use queue::QueueLimits;

use super::settings::RedisSettings;
use crate::types::{CacheKey, CacheTags, Purge, Random};
use bytes::Bytes;
use commands::{Names, Reply};
use counts::Counters;
use envelope::Envelope;
use journal::{Instance, Journal};
use link::Link;
use parking_lot::{Mutex, RwLock};
use queue::{Write, WriteQueue};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest that a purge waits for Redis.
const PURGE_PATIENCE: Duration = Duration::from_secs(2);

/// The most purges that are remembered while Redis cannot take them.
const OWED: usize = 64;

/// The shared tier. Made by [`RedisTier::start`]; works while [`RedisTier::run`] runs.
pub struct RedisTier {
    settings: RedisSettings,
    names: Names,
    me: Instance,
    on_purge: Box<dyn Fn(Purge) + Send + Sync>,
    link: RwLock<Option<Arc<Link>>>,
    journal: RwLock<Option<Arc<Journal>>>,
    /// Up to where this proxy's own tiers were told.
    told: Mutex<Option<Position>>,
    /// Purges of this proxy that Redis could not take.
    owed: Mutex<Vec<Purge>>,
    queue: WriteQueue,
    /// Told when the journal here is not the one in Redis.
    behind: Notify,
    counts: Counters,
}

/// What to keep.
#[derive(Clone, Debug)]
pub struct RedisPut {
    /// Whose answer it is.
    pub key: CacheKey,
    /// What it can be purged by; at most 65535 bytes each.
    pub tags: CacheTags,
    /// The value, opaque: whoever puts it compresses it and can tell whether it was changed.
    pub value: Bytes,
    /// How long; at most ten years, and in whole milliseconds.
    pub keep: Duration,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisFound {
    /// The value as it was put.
    pub value: Bytes,
    /// How long ago it was put.
    pub stored_for: Duration,
}

/// Why Redis did not take a purge. It is tried again when Redis can be reached, as long as
/// this process runs.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// There is no connection now.
    #[error("the shared cache cannot be reached")]
    Unreachable,
    /// There was no answer; it may have been done.
    #[error("the shared cache did not answer in time")]
    Late,
    /// The answer was an error, or the connection broke.
    #[error("the shared cache failed: {0}")]
    Failed(String),
}

impl RedisTier {
    /// A tier that misses until [`RedisTier::run`] has reached Redis. Never fails.
    ///
    /// `told` is [`RedisTier::position`] as it was saved by an earlier process with the same
    /// disk tier. Without it, nobody knows what was purged since: everything is.
    ///
    /// `on_purge` is called with what other proxies purged, to be removed from this proxy's
    /// other tiers. It is called on the runtime, so it must not block.
    pub fn start(
        settings: RedisSettings,
        queue: QueueLimits,
        told: Option<Position>,
        on_purge: impl Fn(Purge) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            names: Names::new(&settings.prefix),
            settings,
            me: Instance(Random::from_system().next_u64()),
            on_purge: Box::new(on_purge),
            link: RwLock::default(),
            journal: RwLock::default(),
            told: Mutex::new(told),
            owed: Mutex::default(),
            queue: WriteQueue::new(queue),
            behind: Notify::new(),
            counts: Counters::default(),
        })
    }

    /// Connects, writes what is put and follows the purges of others, until `stop`. Then it
    /// writes what is queued, for a second at most.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        Box::pin(keep::run(&self, stop)).await;
    }

    /// The value of `key`, if there is one that was not purged. Takes no longer than the
    /// timeout that is set.
    pub async fn get(&self, key: &CacheKey) -> Option<RedisFound> {
        let Some(link) = self.link() else {
            self.counts.skipped.one();
            return None;
        };
        let began = Instant::now();
        match timeout(self.settings.timeout, link.find(&self.names, key)).await {
            Ok(Ok(reply)) => {
                link.failed_reads.ended();
                let found = self.judge(key, reply);
                let count = if found.is_some() { &self.counts.hits } else { &self.counts.misses };
                count.one();
                found
            }
            Ok(Err(error)) => {
                self.counts.failed.one();
                link.read_failed(began, Some(&error));
                None
            }
            Err(_) => {
                self.counts.late.one();
                link.read_failed(began, None);
                None
            }
        }
    }

    /// Queues a value to be written. Never waits: it is dropped when there is no room, or
    /// when Redis was never reached.
    pub fn put(&self, put: RedisPut) {
        let RedisPut { key, tags, value, keep } = put;
        let head = self.journal.read().as_ref().map(|journal| journal.head());
        let queued = head.is_some_and(|stored| {
            let envelope = Envelope { keep, stored, tags };
            self.queue.push(Write { key, envelope, value, since: Instant::now() })
        });
        if !queued {
            self.counts.dropped.one();
        }
    }

    /// Purges for all proxies; this one's other tiers are its caller's to purge. How many
    /// values went is known for an entry only.
    ///
    /// Takes two seconds at most.
    pub async fn purge(&self, purge: &Purge) -> Result<Option<u64>, PurgeError> {
        let purged = self.try_purge(purge).await;
        match &purged {
            Ok(_) => self.behind.notify_one(),
            Err(_) => self.owe(purge),
        }
        purged
    }

    /// Up to where this proxy's other tiers know what was purged. To be saved with a tier
    /// that outlives the process; an older one is as right, and purges more.
    pub fn position(&self) -> Option<Position> {
        *self.told.lock()
    }

    /// What it has done so far.
    pub fn counts(&self) -> RedisCounts {
        RedisCounts {
            reachable: self.link.read().is_some(),
            waiting: self.queue.len() as u64,
            ..self.counts.read()
        }
    }

    fn link(&self) -> Option<Arc<Link>> {
        self.link.read().clone()
    }

    /// What of a reply may be used.
    fn judge(&self, key: &CacheKey, reply: Reply) -> Option<RedisFound> {
        let journal = self.journal.read().clone();
        let journal = journal.filter(|journal| Some(journal.head()) == reply.head);
        if journal.is_none() {
            self.behind.notify_one();
        }
        let (sealed, left) = reply.value?;
        let opened = Envelope::open(&sealed);
        let aged =
            opened.and_then(|(envelope, value)| Some((envelope.age(left)?, envelope, value)));
        let Some((stored_for, envelope, value)) = aged else {
            self.counts.unreadable.one();
            return None;
        };
        let good = journal.is_some_and(|j| j.allows(envelope.stored, key, &envelope.tags));
        if !good {
            self.counts.purged.one();
            return None;
        }
        Some(RedisFound { value, stored_for })
    }

    async fn try_purge(&self, purge: &Purge) -> Result<Option<u64>, PurgeError> {
        let link = self.link().ok_or(PurgeError::Unreachable)?;
        match timeout(PURGE_PATIENCE, link.purge(&self.names, self.me, purge)).await {
            Ok(purged) => purged.map_err(|error| PurgeError::Failed(error.to_string())),
            Err(_) => Err(PurgeError::Late),
        }
    }

    /// Remembers a purge until Redis can take it.
    fn owe(&self, purge: &Purge) {
        let mut owed = self.owed.lock();
        if owed.len() < OWED {
            owed.push(purge.clone());
        } else {
            *owed = vec![Purge::All];
        }
    }
}
