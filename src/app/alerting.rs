//! Alerts, and who outside is told of them.
//!
//! Must not know: what is wrong when, or how anybody is told.

use crate::alert::{Alert, AlertBook, EndpointWatch, Standing, Subject};
use crate::observe::Observer;
use crate::types::Clock;
use crate::webhook::{Couriers, Event, EventKind, WebhookSettings, Webhooks};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often it is looked at whether anything is wrong.
const LOOK: Duration = Duration::from_secs(5);

/// The alerts of a running proxy.
pub(super) struct Alerting {
    pub(super) book: Arc<AlertBook>,
    pub(super) webhooks: Webhooks,
    couriers: Couriers,
    watch: EndpointWatch,
    observer: Arc<Observer>,
    clock: Clock,
}

impl Alerting {
    /// Of what `observer` judges and `watch` sees, told to `webhooks`.
    ///
    /// # Errors
    /// When a webhook is to be spoken to over TLS and the system has no certificates.
    pub(super) fn new(
        webhooks: Vec<WebhookSettings>,
        watch: EndpointWatch,
        observer: &Arc<Observer>,
        clock: Clock,
    ) -> io::Result<Self> {
        let series = |name: &str| observer.metrics().webhook(name);
        let (webhooks, couriers) = Webhooks::new(webhooks, series, clock)?;
        let (book, observer) = (Arc::default(), Arc::clone(observer));
        Ok(Self { book, webhooks, couriers, watch, observer, clock })
    }

    /// Looks, and tells, until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let Self { book, webhooks, couriers, watch, observer, clock } = self;
        let look = Arc::new(move || {
            let (reports, date) = (observer.slos().report(clock.date()), clock.date());
            book.look(&reports, watch.findings(clock.now()), date)
        });
        let looking = async {
            let mut looks = interval(LOOK);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while stop.run_until_cancelled(looks.tick()).await.is_some() {
                let look = Arc::clone(&look);
                // Thousands of budgets take a while, and pages share the thread.
                match spawn_blocking(move || look()).await {
                    Ok(changed) => changed.iter().for_each(|alert| webhooks.tell(&event(alert))),
                    Err(_) => tracing::error!("looking for alerts panicked"),
                }
            }
        };
        tokio::join!(looking, couriers.run(stop.clone()));
    }
}

/// What is told of an alert that begins to fire, or is resolved.
fn event(alert: &Alert) -> Event {
    let is_over = alert.standing == Standing::Resolved;
    let (kind, name) = match (&alert.subject, is_over) {
        (Subject::UpstreamFailing { .. }, false) => (EventKind::Upstream, "upstream.failing"),
        (Subject::UpstreamFailing { .. }, true) => (EventKind::Upstream, "upstream.recovered"),
        (Subject::BudgetBurning { .. }, false) => (EventKind::Budget, "budget.burning"),
        (Subject::BudgetExhausted { .. }, false) => (EventKind::Budget, "budget.exhausted"),
        (_, true) => (EventKind::Budget, "budget.recovered"),
    };
    let models = match alert.subject.model() {
        Some(model) => vec![model.to_owned()],
        None => alert.facts.models().to_vec(),
    };
    Event { kind, name, models, data: alert.told() }
}
