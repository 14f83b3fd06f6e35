//! The tier against a server that hangs, dies, forgets and lies.

mod outages;
mod purges;
mod server;
mod values;

use super::*;
use server::Server;

/// A tier at work, and the purges it passed on.
struct Running {
    tier: Arc<RedisTier>,
    heard: Arc<Mutex<Vec<Purge>>>,
    stop: CancellationToken,
    work: tokio::task::JoinSet<()>,
}

impl Running {
    /// One that has reached its server.
    async fn on(server: &Server) -> Self {
        let running = Self::with(settings(&server.url()), None);
        running.reached().await;
        running
    }

    fn with(settings: RedisSettings, told: Option<Position>) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        let tier = RedisTier::start(settings, QueueLimits::default(), told, move |purge| {
            hears.lock().push(purge);
        });
        let (stop, mut work) = (CancellationToken::new(), tokio::task::JoinSet::new());
        work.spawn(tier.clone().run(stop.clone()));
        Self { tier, heard, stop, work }
    }

    async fn reached(&self) {
        until("it is reachable", || self.tier.counts().reachable).await;
    }

    /// Puts, and waits until it was written.
    async fn store(&self, key: CacheKey, tags: CacheTags, value: &'static [u8]) {
        let before = self.tier.counts().stored;
        self.tier.put(put(key, tags, value));
        until("it is stored", || self.tier.counts().stored > before).await;
    }

    async fn value(&self, key: CacheKey) -> Option<Bytes> {
        self.tier.get(&key).await.map(|found| found.value)
    }

    /// Gets until the tier knows of all purges.
    async fn finds(&self, key: CacheKey) -> Bytes {
        eventually("it is found", async || self.value(key).await).await
    }

    fn heard(&self) -> Vec<Purge> {
        self.heard.lock().clone()
    }

    async fn end(mut self) {
        self.stop.cancel();
        while self.work.join_next().await.is_some() {}
    }
}

fn settings(url: &str) -> RedisSettings {
    // Long enough for a busy machine; what hangs is tried a few times only.
    let timeout = Duration::from_millis(250);
    RedisSettings { timeout, ..RedisSettings::new(crate::types::Secret::new(url)) }
}

fn key(n: u8) -> CacheKey {
    CacheKey([n; 32])
}

fn of_model(model: &str) -> CacheTags {
    CacheTags { model: model.into(), ..CacheTags::default() }
}

fn put(key: CacheKey, tags: CacheTags, value: &'static [u8]) -> RedisPut {
    let keep = Duration::from_secs(600);
    RedisPut { key, tags, value: Bytes::from_static(value), keep }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    eventually(what, async || done().then_some(())).await;
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
