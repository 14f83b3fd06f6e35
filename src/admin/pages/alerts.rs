//! What is wrong now: the alerts of this proxy, those an Alertmanager has sent, what became of
//! both, and who outside was told.
//!
//! Must not know: when an alert fires, or how anybody is told.

use super::{Form as Wanted, Frame, Shown};
use crate::admin::AdminState;
use crate::admin::access::Right;
use crate::admin::alerts;
use crate::admin::refusal::Refusal;
use crate::alert::{Alert, ReceivedAlert, Source, Standing, Subject, Transition, rfc3339};
use crate::human;
use crate::webhook::{Delivery, DeliveryState, EventKind, WebhookSettings};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;
use url::form_urlencoded::byte_serialize;

#[derive(Template, Serialize)]
#[template(path = "alerts.html")]
struct AlertsPage {
    #[serde(skip)]
    frame: Frame,
    /// The webhook that a test was just sent to.
    #[serde(skip)]
    tested: Option<String>,
    #[serde(skip)]
    now: SystemTime,
    firing: usize,
    alerts: Vec<Ours>,
    received: Vec<Theirs>,
    /// Alerts of others that there was no room for.
    left_out: u64,
    log: Vec<Transition>,
    webhooks: Vec<Hook>,
    deliveries: Vec<Told>,
}

/// An alert of this proxy.
pub(super) struct Ours(pub(super) Alert);

/// An alert of others.
#[derive(Serialize)]
struct Theirs {
    name: String,
    severity: String,
    summary: String,
    #[serde(flatten)]
    alert: ReceivedAlert,
}

/// A receiver. Of its URL only the host is shown.
#[derive(Serialize)]
struct Hook {
    name: String,
    to: String,
    events: Vec<EventKind>,
    models: Vec<String>,
}

/// A delivery.
#[derive(Serialize)]
struct Told {
    id: String,
    webhook: String,
    event: &'static str,
    state: DeliveryState,
    at: String,
    tried: Option<String>,
    tries: u32,
    status: Option<u16>,
    problem: Option<String>,
}

/// What stands in the address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Asked {
    tested: Option<String>,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Wanted,
    frame: Frame,
    Query(asked): Query<Asked>,
) -> Response {
    let book = &state.alerts;
    let webhooks: Vec<Hook> = state.webhooks.settings().map(Hook::of).collect();
    let is_ours = |name: &String| webhooks.iter().any(|hook| hook.name == *name);
    let page = AlertsPage {
        tested: asked.tested.filter(is_ours),
        frame,
        now: state.clock.date(),
        firing: book.firing(),
        alerts: book.alerts().into_iter().map(Ours).collect(),
        received: book.received().into_iter().map(Theirs::of).collect(),
        left_out: book.left_out(),
        log: book.log(),
        deliveries: state.webhooks.deliveries().into_iter().map(Told::of).collect(),
        webhooks,
    };
    Shown(form, page).into_response()
}

/// The same, for programs.
pub(in crate::admin) async fn json(state: State<AdminState>, frame: Frame) -> Response {
    page(state, Wanted::Json, frame, Query(Asked::default())).await
}

/// Which webhook is to be tried.
#[derive(Deserialize)]
pub(in crate::admin) struct Chosen {
    webhook: String,
}

/// Sends it a test, and leads back.
pub(in crate::admin) async fn test(
    State(state): State<AdminState>,
    frame: Frame,
    Form(Chosen { webhook }): Form<Chosen>,
) -> Result<Response, Refusal> {
    alerts::tested(&state, &frame.visitor, &webhook)?;
    let name: String = byte_serialize(webhook.as_bytes()).collect();
    Ok(Redirect::to(&format!("{}/alerts?tested={name}#webhooks", frame.base)).into_response())
}

impl AlertsPage {
    /// How bad it is.
    fn sentence(&self) -> String {
        let pages = self.alerts.iter().filter(|ours| ours.is_firing() && ours.is_urgent()).count();
        let theirs = self.received.iter().filter(|theirs| theirs.is_urgent()).count();
        let firing = match self.firing {
            0 => return "Nothing is wrong.".to_owned(),
            1 => "One alert fires".to_owned(),
            many => format!("{} alerts fire", human::count(many as u64)),
        };
        match (pages + theirs, self.firing) {
            (0, _) => format!("{firing}; none of them is urgent."),
            (1, 1) => format!("{firing}, and it is urgent."),
            (all, firing_all) if all == firing_all => format!("{firing}, all of them urgent."),
            (urgent, _) => format!("{firing}, {urgent} of them urgent."),
        }
    }

    fn may_act(&self) -> bool {
        self.frame.visitor.may(Right::Act)
    }

    /// How long ago `then` was.
    fn ago(&self, then: &SystemTime) -> String {
        let ago = self.now.duration_since(*then).unwrap_or_default();
        human::brief(&human::seconds(ago.as_secs() as f64))
    }
}

impl Ours {
    /// Those that fire, the most urgent first.
    pub(super) fn firing(state: &AdminState) -> Vec<Self> {
        state.alerts.alerts().into_iter().map(Self).filter(Self::is_firing).collect()
    }

    fn is_firing(&self) -> bool {
        self.0.standing == Standing::Firing
    }

    fn is_urgent(&self) -> bool {
        self.0.severity_word() == "page"
    }

    pub(super) fn tone(&self) -> &'static str {
        if self.is_firing() && self.is_urgent() { "bad" } else { tone_of(self.0.standing) }
    }

    pub(super) fn word(&self) -> &'static str {
        word_of(self.0.standing)
    }

    /// What is to be looked at first, as name and path.
    pub(super) fn links(&self) -> Vec<(&'static str, String)> {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let mut links = Vec::new();
        match &self.0.subject {
            Subject::UpstreamFailing { upstream, .. } => {
                let upstream = encoded(upstream);
                links.push(("its requests", format!("/requests?upstream={upstream}")));
            }
            subject => {
                let slo = format!("/requests?slo={}", encoded(subject.slo().unwrap_or_default()));
                let model = subject.model().map(|model| format!("&model={}", encoded(model)));
                links.push(("what missed it", slo + &model.unwrap_or_default()));
                links.push(("its budget", "/slo".to_owned()));
            }
        }
        links
    }
}

impl Serialize for Ours {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.told().serialize(to)
    }
}

impl Theirs {
    fn of(alert: ReceivedAlert) -> Self {
        let [name, severity, summary] =
            [alert.name(), alert.severity(), alert.summary()].map(str::to_owned);
        Self { name, severity, summary, alert }
    }

    fn is_urgent(&self) -> bool {
        self.alert.standing == Standing::Firing && self.alert.urgency() == 0
    }

    fn tone(&self) -> &'static str {
        if self.is_urgent() { "bad" } else { tone_of(self.alert.standing) }
    }

    fn word(&self) -> &'static str {
        word_of(self.alert.standing)
    }
}

impl Hook {
    fn of(settings: &WebhookSettings) -> Self {
        let WebhookSettings { name, url, events, models, .. } = settings;
        let (events, models) = (events.clone(), models.clone());
        Self { name: name.clone(), to: url.to_string(), events, models }
    }

    fn hears_of(&self) -> String {
        let word = |kind: &EventKind| match kind {
            EventKind::Budget => "budgets",
            EventKind::Upstream => "upstreams",
        };
        self.events.iter().map(word).collect::<Vec<_>>().join(", ")
    }
}

impl Told {
    fn of(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            webhook: delivery.webhook,
            event: delivery.event,
            state: delivery.state,
            at: rfc3339(delivery.at),
            tried: delivery.tried.map(rfc3339),
            tries: delivery.tries,
            status: delivery.status,
            problem: delivery.problem,
        }
    }

    fn word(&self) -> &'static str {
        match self.state {
            DeliveryState::Delivered => "✓ Delivered",
            DeliveryState::Waiting if self.tries == 0 => "Waiting",
            DeliveryState::Waiting => "~ Trying again",
            DeliveryState::GivenUp => "× Given up",
            DeliveryState::Dropped => "× Dropped",
        }
    }

    fn tone(&self) -> &'static str {
        match self.state {
            DeliveryState::Delivered => "good",
            DeliveryState::Waiting if self.tries == 0 => "",
            DeliveryState::Waiting => "doubt",
            DeliveryState::GivenUp | DeliveryState::Dropped => "bad",
        }
    }
}

const fn word_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Firing => "! Firing",
        Standing::Pending => "~ Pending",
        Standing::Resolved => "✓ Resolved",
    }
}

/// Of what is not urgent.
const fn tone_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Firing | Standing::Pending => "doubt",
        Standing::Resolved => "good",
    }
}

fn date(date: &SystemTime) -> String {
    rfc3339(*date)
}

fn source(transition: &Transition) -> &'static str {
    match transition.source {
        Source::Transom => "transom",
        Source::Alertmanager => "Alertmanager",
    }
}
