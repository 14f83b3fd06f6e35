//! What Redis is asked, and under which names.
//!
//! | name | what |
//! |---|---|
//! | `<prefix>:cache:v1:<key, hex>` | one value, with an expiry; each in the slot of its own name |
//! | `<prefix>:cache:purges` | the journal, a stream that is never longer than it may be |
//! | `<prefix>:cache:invalidate` | the channel that says that the journal has a new line |
//!
//! No command touches two keys, so that all work on a cluster as on one server.
//!
//! Must not know: when to ask, or what to do without an answer.

use super::envelope;
use super::journal::{Instance, Journal, LINES, Line, Position};
use super::link::Link;
use super::queue::Write;
use super::wire;
use crate::types::{CacheKey, Purge};
use bytes::Bytes;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, cmd};
use std::time::{Duration, Instant};

/// The only field of a journal's line.
const FIELD: &str = "line";

/// The names of everything that is kept.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
    journal: String,
    channel: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: format!("{prefix}:cache:v1:"),
            journal: format!("{prefix}:cache:purges"),
            channel: format!("{prefix}:cache:invalidate"),
        }
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    fn value(&self, key: &CacheKey) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// What a lookup says.
pub(super) struct Reply {
    /// The value as it was stored, and how long it will be kept from now on.
    pub(super) value: Option<(Bytes, Duration)>,
    /// The journal's head; `None` without a journal.
    pub(super) head: Option<Position>,
}

/// A journal's entry: its id, its field and its value.
type Entry = (String, Vec<Bytes>);

impl Link {
    /// Looks a value and the journal's head up, in one round trip.
    pub(super) async fn find(&self, names: &Names, key: &CacheKey) -> RedisResult<Reply> {
        let (mut reads, name) = (self.reads.clone(), names.value(key));
        // In this order: when the value is replaced in between, the new one seems to be as old
        // as the one before, never younger than it is.
        let mut both = redis::pipe();
        both.cmd("PTTL").arg(&name).cmd("GET").arg(&name);
        let value = both.query_async::<(i64, Option<Bytes>)>(&mut reads);
        let ((left, value), head) = tokio::try_join!(value, self.head(names))?;
        // Negative: no such key, or one without an expiry, which is not ours.
        let left = u64::try_from(left).ok().map(Duration::from_millis);
        Ok(Reply { value: value.zip(left), head })
    }

    /// The journal's head; `None` without a journal.
    pub(super) async fn head(&self, names: &Names) -> RedisResult<Option<Position>> {
        let mut reads = self.reads.clone();
        let last: Vec<Entry> = cmd("XREVRANGE")
            .arg(&names.journal)
            .arg(&["+", "-", "COUNT", "1"])
            .query_async(&mut reads)
            .await?;
        last.first().map(|(id, _)| position(id)).transpose()
    }

    /// All of the journal; `None` without one.
    pub(super) async fn journal(&self, names: &Names) -> RedisResult<Option<Journal>> {
        let mut newest = cmd("XREVRANGE");
        newest.arg(&names.journal).arg(&["+", "-", "COUNT"]).arg(LINES);
        self.lines(newest).await.map(Journal::new)
    }

    /// The journal's line at `head` and those after it, as many as it may be long.
    pub(super) async fn lines_from(&self, names: &Names, head: Position) -> RedisResult<Vec<Line>> {
        let mut newer = cmd("XRANGE");
        newer.arg(&names.journal).arg(head.to_string()).arg(&["+", "COUNT"]).arg(LINES);
        self.lines(newer).await
    }

    async fn lines(&self, range: Cmd) -> RedisResult<Vec<Line>> {
        let entries: Vec<Entry> = range.query_async(&mut self.writes.clone()).await?;
        let line = |(id, fields): &Entry| {
            let text = fields.get(1).map(Bytes::as_ref).unwrap_or_default();
            let (from, purge) = wire::read_line(text);
            Ok(Line { at: position(id)?, from, purge })
        };
        entries.iter().map(line).collect()
    }

    /// Writes a value, and says whether it did: not when its time is over, or a tag too long.
    pub(super) async fn store(&self, names: &Names, write: &Write) -> RedisResult<bool> {
        let left = envelope::millis(write.left(Instant::now()));
        let sealed = write.envelope.seal(&write.value).filter(|_| left > 0);
        let Some(sealed) = sealed else { return Ok(false) };
        let mut writes = self.writes.clone();
        let mut set = cmd("SET");
        set.arg(names.value(&write.key)).arg(sealed).arg("PX").arg(left);
        set.exec_async(&mut writes).await.map(|()| true)
    }

    /// Adds a line to the journal and says so. How many values it removed where that is known.
    pub(super) async fn purge(
        &self,
        names: &Names,
        me: Instance,
        purge: &Purge,
    ) -> RedisResult<Option<u64>> {
        let mut writes = self.writes.clone();
        let id: String = cmd("XADD")
            .arg(&names.journal)
            .arg(&["MAXLEN", "="])
            .arg(LINES)
            .arg(&["*", FIELD])
            .arg(wire::line(me, purge))
            .query_async(&mut writes)
            .await?;
        // From here on nobody uses what it matches. The rest makes room, and is fast news.
        let mut publish = cmd("PUBLISH");
        publish.arg(&names.channel).arg(wire::message(me, position(&id)?));
        if let Err(error) = publish.exec_async(&mut writes).await {
            tracing::debug!(%error, "a purge was not announced; others will find it");
        }
        let Purge::Entry(key) = purge else { return Ok(None) };
        cmd("UNLINK").arg(names.value(key)).query_async(&mut writes).await.map(Some)
    }
}

fn position(id: &str) -> RedisResult<Position> {
    id.parse().map_err(|_| RedisError::from((ErrorKind::UnexpectedReturnType, "not a stream's id")))
}
