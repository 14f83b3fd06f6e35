//! The work behind the tier: connecting, writing, following the journal, hearing of it.
//!
//! All of it is one future, so it ends with whoever awaits it.
//!
//! Must not know: how a command is written.

use super::RedisTier;
use super::health::BackOff;
use super::journal::{Journal, News};
use super::link::Link;
use super::queue::Write;
use super::wire;
use crate::types::{Purge, Random};
use futures_util::StreamExt;
use futures_util::future::join_all;
use redis::{ErrorKind, RedisError, RedisResult, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The longest that connecting and reading the journal may take.
const OPENING: Duration = Duration::from_secs(5);

/// The longest that one command of this file may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to write on after the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often to look for a purge that nobody told of.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often to ask whether the subscription still stands.
const PING_EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(tier: &RedisTier, stop: CancellationToken) {
    stop.run_until_cancelled(Box::pin(keep_open(tier))).await;
    let link = tier.link.write().take();
    if let Some(link) = link
        && timeout(FAREWELL, write_rest(tier, &link)).await.is_err()
    {
        tracing::debug!("not all was written to the shared cache in time");
    }
    tier.counts.lost.add(tier.queue.clear());
}

/// Never ends.
async fn keep_open(tier: &RedisTier) {
    let mut back_off = BackOff::new(Random::from_system());
    loop {
        match within(OPENING, open(tier)).await {
            Ok(link) => {
                tracing::info!("the shared cache is reachable");
                let since = Instant::now();
                work(tier, &link).await;
                *tier.link.write() = None;
                back_off.worked_for(since.elapsed());
            }
            Err(error) => tracing::warn!(%error, "the shared cache cannot be reached"),
        }
        tier.counts.outages.one();
        let wait = back_off.next();
        tracing::warn!(?wait, "going on without the shared cache");
        sleep(wait).await;
    }
}

/// A link whose journal is known here.
async fn open(tier: &RedisTier) -> RedisResult<Arc<Link>> {
    let link = Arc::new(Link::connect(&tier.settings).await?);
    pay(tier, &link).await?;
    catch_up(tier, &link).await?;
    *tier.link.write() = Some(link.clone());
    Ok(link)
}

/// Until the link is given up.
async fn work(tier: &RedisTier, link: &Link) {
    tokio::select! {
        () = link.given_up.notified() => {}
        () = follow(tier, link) => {}
        () = write(tier, link) => {}
        () = hear_on(tier, link) => {}
    }
}

/// Hands in the purges that Redis could not take before.
async fn pay(tier: &RedisTier, link: &Link) -> RedisResult<()> {
    loop {
        let Some(purge) = tier.owed.lock().first().cloned() else { return Ok(()) };
        link.purge(&tier.names, tier.me, &purge).await?;
        // More may have come, or all may have become one.
        let mut owed = tier.owed.lock();
        if owed.first() == Some(&purge) {
            owed.remove(0);
        }
    }
}

/// Keeps the journal here the one in Redis, until that fails.
async fn follow(tier: &RedisTier, link: &Link) {
    loop {
        tokio::select! {
            () = tier.behind.notified() => {}
            () = sleep(LOOK_EVERY) => {}
        }
        let followed = within(PATIENCE, async {
            pay(tier, link).await?;
            catch_up(tier, link).await
        });
        if let Err(error) = followed.await {
            tracing::warn!(%error, "the shared cache's purges cannot be read");
            return;
        }
    }
}

/// Reads what is new in the journal, and tells the other tiers what others purged.
async fn catch_up(tier: &RedisTier, link: &Link) -> RedisResult<()> {
    let here = tier.journal.read().clone();
    let longer = match here {
        Some(here) => here.followed_by(link.lines_from(&tier.names, here.head()).await?),
        None => None,
    };
    let journal = match longer {
        Some(longer) => longer,
        None => read_anew(tier, link).await?,
    };
    // First the other tiers, so that none of them takes in what is about to go.
    match tier.position().map(|told| journal.since(told)) {
        Some(News::Lines(lines)) => {
            let others = lines.iter().filter(|line| line.from != Some(tier.me));
            others.for_each(|line| tell(tier, line.purge.clone()));
        }
        _ => tell(tier, Purge::All),
    }
    *tier.told.lock() = Some(journal.head());
    *tier.journal.write() = Some(Arc::new(journal));
    Ok(())
}

/// The whole journal. Where there is none, or not the one that was known, it begins with a
/// purge of everything: values that a lost line had purged must not come back.
async fn read_anew(tier: &RedisTier, link: &Link) -> RedisResult<Journal> {
    let told = tier.position();
    if let Some(journal) = link.journal(&tier.names).await?
        && told.is_none_or(|told| journal.since(told) != News::Lost)
    {
        return Ok(journal);
    }
    tracing::warn!("the shared cache has no record of earlier purges; it begins anew");
    link.purge(&tier.names, tier.me, &Purge::All).await?;
    let gone = || RedisError::from((ErrorKind::Client, "what was written is not there"));
    link.journal(&tier.names).await?.ok_or_else(gone)
}

fn tell(tier: &RedisTier, purge: Purge) {
    tier.counts.purges.one();
    (tier.on_purge)(purge);
}

/// Writes what is put. Never ends.
async fn write(tier: &RedisTier, link: &Link) {
    loop {
        let batch = tier.queue.next().await;
        store(tier, link, batch).await;
    }
}

async fn write_rest(tier: &RedisTier, link: &Link) {
    loop {
        let batch = tier.queue.take();
        if batch.is_empty() {
            return;
        }
        store(tier, link, batch).await;
    }
}

async fn store(tier: &RedisTier, link: &Link, batch: Vec<Write>) {
    let began = std::time::Instant::now();
    let mut sent = OnTheWay { tier, batch };
    let each = sent.batch.iter().map(|write| within(PATIENCE, link.store(&tier.names, write)));
    let results = join_all(each).await;
    sent.batch.clear();
    let stored = results.iter().filter(|result| matches!(result, Ok(true))).count();
    if stored > 0 {
        link.failed_writes.ended();
    }
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        link.write_failed(began, error);
    }
    tier.counts.stored.add(stored as u64);
    tier.counts.lost.add((results.len() - stored) as u64);
}

/// Writes without an answer yet. When the link is given up meanwhile, they are queued again:
/// to write a value twice does no harm.
struct OnTheWay<'a> {
    tier: &'a RedisTier,
    batch: Vec<Write>,
}

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        self.tier.queue.put_back(std::mem::take(&mut self.batch));
    }
}

/// Hears of new lines, over one subscription after another. Never ends.
async fn hear_on(tier: &RedisTier, link: &Link) {
    let mut back_off = BackOff::new(Random::from_system());
    loop {
        let since = Instant::now();
        if let Err(error) = hear(tier, link).await {
            tracing::warn!(%error, "purges of other proxies are noticed late");
        }
        back_off.worked_for(since.elapsed());
        sleep(back_off.next()).await;
    }
}

/// Hears of new lines until the subscription ends.
async fn hear(tier: &RedisTier, link: &Link) -> RedisResult<()> {
    let subscription = within(OPENING, link.subscribe(tier.names.channel())).await?;
    let (mut asking, mut messages) = subscription.split();
    // What was said until now was not heard.
    tier.behind.notify_one();
    let mut pings = tokio::time::interval(PING_EVERY);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => heard(tier, message.get_payload_bytes()),
                None => return Err(closed()),
            },
            _ = pings.tick() => {
                within(PATIENCE, asking.ping::<Value>()).await?;
            }
        }
    }
}

fn heard(tier: &RedisTier, message: &[u8]) {
    match wire::read_message(message) {
        None => tier.counts.malformed.one(),
        Some((from, at)) => {
            if from != tier.me && tier.position() < Some(at) {
                tier.behind.notify_one();
            }
        }
    }
}

fn closed() -> RedisError {
    RedisError::from((ErrorKind::Io, "the connection was closed"))
}

async fn within<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = || RedisError::from((ErrorKind::Client, "no answer in time"));
    timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}
