//! A queue for each receiver, and trying again: at once, and then for ten minutes ever more
//! seldom.
//!
//! Messages to one receiver go one after the other, so that it hears of a trouble before it hears
//! of its end. What waits is in memory: it is lost with the process, and counted. Must not know:
//! what is told.

use super::client::{Client, Failure};
use super::event::Message;
use super::ledger::Ledger;
use super::{Delivery, DeliveryState, Event, WebhookSettings};
use crate::observe::WebhookSeries;
use crate::types::{Clock, Random};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Messages that may wait for one receiver.
const QUEUE: usize = 64;
/// How many seconds are waited after each try that failed: ten minutes in all.
const WAITS: [u64; 8] = [1, 5, 15, 40, 60, 120, 180, 180];
/// The `type` of a message that says nothing but that it arrives.
const TEST: &str = "webhook.test";

/// The receivers, for whoever has something to tell. Cloning shares them.
#[derive(Clone)]
pub struct Webhooks(Arc<Shared>);

struct Shared {
    hooks: Vec<Hook>,
    ledger: Arc<Ledger>,
    clock: Clock,
}

struct Hook {
    settings: WebhookSettings,
    queue: Sender<Message>,
    series: WebhookSeries,
}

/// Those who carry the messages.
pub struct Couriers(Vec<Courier>);

struct Courier {
    client: Client,
    queue: Receiver<Message>,
    series: WebhookSeries,
    ledger: Arc<Ledger>,
    clock: Clock,
    random: Random,
}

/// Why no test message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// Nobody has that name.
    #[error("no webhook has that name")]
    Unknown,
    /// Too many messages wait for it already.
    #[error("too many messages wait for it already")]
    Full,
}

impl Webhooks {
    /// The receivers in `settings`, counted by what `series` gives each, and their couriers, who
    /// have yet to be run.
    ///
    /// # Errors
    /// When TLS is wanted and the system has no certificates.
    pub fn new(
        settings: Vec<WebhookSettings>,
        series: impl Fn(&str) -> WebhookSeries,
        clock: Clock,
    ) -> io::Result<(Self, Couriers)> {
        let ledger = Arc::new(Ledger::default());
        let (mut hooks, mut couriers) = (Vec::new(), Vec::new());
        for settings in settings {
            let (sender, queue) = channel(QUEUE);
            let series = series(&settings.name);
            couriers.push(Courier {
                client: Client::new(&settings)?,
                queue,
                series: series.clone(),
                ledger: Arc::clone(&ledger),
                clock,
                random: Random::from_system(),
            });
            hooks.push(Hook { settings, queue: sender, series });
        }
        Ok((Self(Arc::new(Shared { hooks, ledger, clock })), Couriers(couriers)))
    }

    /// Tells `event` to whoever wants to hear of it. Never waits.
    pub fn tell(&self, event: &Event) {
        for hook in self.0.hooks.iter().filter(|hook| hook.settings.want(event)) {
            // What there is no room for is counted and in the ledger.
            self.queue(hook, event.name, &event.data);
        }
    }

    /// Sends the receiver `name` a message that says nothing but that it arrives.
    ///
    /// # Errors
    /// When there is no such receiver, or too much waits for it already.
    pub fn test(&self, name: &str) -> Result<(), TestError> {
        let mut named = self.0.hooks.iter().filter(|hook| hook.settings.name == name);
        let hook = named.next().ok_or(TestError::Unknown)?;
        let data = json!({ "webhook": name, "summary": "This is a test." });
        if self.queue(hook, TEST, &data) { Ok(()) } else { Err(TestError::Full) }
    }

    /// The receivers, in the order of the configuration.
    pub fn settings(&self) -> impl Iterator<Item = &WebhookSettings> {
        self.0.hooks.iter().map(|hook| &hook.settings)
    }

    /// The latest deliveries, the latest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.ledger.all()
    }

    /// Whether there was room.
    fn queue(&self, hook: &Hook, name: &'static str, data: &Value) -> bool {
        let at = self.0.clock.date();
        let message = match Message::new(name, at, data) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, "a message to a webhook gets no id");
                hook.series.dropped();
                return false;
            }
        };
        let id = message.id.clone();
        self.0.ledger.add(Delivery {
            id: id.clone(),
            webhook: hook.settings.name.clone(),
            event: name,
            at,
            tries: 0,
            tried: None,
            state: DeliveryState::Waiting,
            status: None,
            problem: None,
        });
        let is_queued = hook.queue.try_send(message).is_ok();
        if !is_queued {
            hook.series.dropped();
            self.0.ledger.change(&id, |delivery| delivery.state = DeliveryState::Dropped);
        }
        is_queued
    }
}

impl Couriers {
    /// Carries messages until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        join_all(self.0.into_iter().map(|courier| courier.run(stop.clone()))).await;
    }
}

impl Courier {
    async fn run(mut self, stop: CancellationToken) {
        while let Some(Some(message)) = stop.run_until_cancelled(self.queue.recv()).await {
            if stop.run_until_cancelled(self.deliver(&message)).await.is_none() {
                self.lose(&message);
            }
        }
        self.queue.close();
        while let Ok(message) = self.queue.try_recv() {
            self.lose(&message);
        }
    }

    async fn deliver(&self, message: &Message) {
        let mut waits = WAITS.iter();
        loop {
            let now = self.clock.date();
            let failure = match self.client.send(message, now).await {
                Ok(status) => {
                    self.series.delivered();
                    return self.note(message, DeliveryState::Delivered, (Some(status), None));
                }
                Err(failure) => failure,
            };
            // Whoever says so wants to hear no more (Standard Webhooks, "410 Gone").
            let is_gone = failure == Failure::Status(StatusCode::GONE);
            let Some(wait) = waits.next().filter(|_| !is_gone) else {
                self.series.given_up();
                tracing::warn!(
                    event = message.name,
                    why = failure.words(),
                    "a webhook was not told"
                );
                return self.note(message, DeliveryState::GivenUp, (None, Some(failure)));
            };
            self.series.retried();
            self.note(message, DeliveryState::Waiting, (None, Some(failure)));
            sleep(self.about(*wait)).await;
        }
    }

    /// So many seconds, give or take a tenth: receivers that were down together are not asked
    /// together.
    fn about(&self, seconds: u64) -> Duration {
        Duration::from_millis(seconds * 900 + self.random.below(seconds * 200))
    }

    fn note(
        &self,
        message: &Message,
        state: DeliveryState,
        (status, failure): (Option<StatusCode>, Option<Failure>),
    ) {
        let now = self.clock.date();
        self.ledger.change(&message.id, |delivery| {
            delivery.tries += 1;
            delivery.tried = Some(now);
            delivery.state = state;
            let failed = failure.as_ref().and_then(Failure::status);
            delivery.status = status.map(|status| status.as_u16()).or(failed);
            delivery.problem = failure.map(|failure| failure.words());
        });
    }

    fn lose(&self, message: &Message) {
        self.series.dropped();
        self.ledger.change(&message.id, |delivery| delivery.state = DeliveryState::Dropped);
    }
}
