//! API keys: which there are, what they were used for, to make one and to revoke one.
//!
//! Must not know: how keys are checked or kept. A key is shown once, in the answer to the form that
//! made it.

use super::{Choice, Form as Wanted, Frame, Shown, Window};
use crate::admin::AdminState;
use crate::admin::access::Right;
use crate::admin::keys::{self, Order, Verb};
use crate::admin::refusal::{Refusal, broken};
use crate::alert::rfc3339;
use crate::history::recent::{Filter, KeyUse};
use crate::human;
use crate::identity::KnownKey;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::spawn_blocking;
use url::form_urlencoded::byte_serialize;

/// Requests that are looked at.
const MOST: usize = 200_000;

#[derive(Template, Serialize)]
#[template(path = "keys.html")]
struct KeysPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    window: Window,
    #[serde(skip)]
    said: Said,
    /// Whether nobody has to show a key.
    open: bool,
    keys: Vec<Row>,
}

/// What is said above the list.
#[derive(Default)]
struct Said {
    /// What was done.
    done: Option<String>,
    /// What was not.
    problem: Option<String>,
    /// The key that was just made, and its name.
    key: Option<(String, String)>,
}

/// A key and what it was used for.
#[derive(Serialize)]
struct Row {
    alias: String,
    tenant: Option<String>,
    /// `file` or `page`.
    origin: &'static str,
    made: Option<String>,
    revoked: Option<String>,
    last_used: Option<String>,
    requests: u64,
    errors: u64,
    tokens: u64,
    cost_usd: Option<f64>,
}

/// What stands in the address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Asked {
    revoked: Option<String>,
    restored: Option<String>,
}

/// The page.
pub(in crate::admin) async fn page(
    State(state): State<AdminState>,
    form: Wanted,
    frame: Frame,
    window: Window,
    Query(asked): Query<Asked>,
) -> Result<Response, Refusal> {
    let known = state.keys.known();
    let named = |name: Option<String>| name.filter(|name| known.iter().any(|k| k.alias == *name));
    let done = match (named(asked.revoked), named(asked.restored)) {
        (Some(name), _) => Some(format!("{name} is revoked: it opens nothing from now on.")),
        (None, Some(name)) => Some(format!("{name} is restored.")),
        (None, None) => None,
    };
    let said = Said { done, ..Said::default() };
    Ok(Shown(form, made_of(state, frame, window, said).await?).into_response())
}

/// The same, for programs.
pub(in crate::admin) async fn json(
    state: State<AdminState>,
    frame: Frame,
    window: Window,
) -> Result<Response, Refusal> {
    page(state, Wanted::Json, frame, window, Query(Asked::default())).await
}

/// What the form of a new key says.
#[derive(Deserialize)]
pub(in crate::admin) struct New {
    alias: String,
    #[serde(default)]
    tenant: String,
    /// There when it was ticked.
    close: Option<String>,
}

/// Makes a key, and shows it this once; or shows the form again with what is wrong.
pub(in crate::admin) async fn make(
    State(state): State<AdminState>,
    frame: Frame,
    window: Window,
    Form(New { alias, tenant, close }): Form<New>,
) -> Result<Response, Refusal> {
    let tenant = Some(tenant.trim().to_owned()).filter(|tenant| !tenant.is_empty());
    let order = Order { alias: alias.trim().to_owned(), tenant, close: close.is_some() };
    let (status, said) = match keys::made(&state, &frame.visitor, order).await {
        Ok((minted, kept)) => {
            let problem = keys::until(&kept).map(|why| format!("It holds until a restart: {why}."));
            let key = Some((minted.alias, minted.key.expose().to_owned()));
            (StatusCode::CREATED, Said { problem, key, done: None })
        }
        Err(refusal) => {
            let problem = Some(refusal.why().to_owned());
            (refusal.status(), Said { problem, ..Said::default() })
        }
    };
    let page = made_of(state, frame, window, said).await?;
    Ok((status, Shown(Wanted::Html, page)).into_response())
}

/// Which key.
#[derive(Deserialize)]
pub(in crate::admin) struct Chosen {
    alias: String,
}

/// Revokes a key, and leads back.
pub(in crate::admin) async fn revoke(
    State(state): State<AdminState>,
    frame: Frame,
    Form(Chosen { alias }): Form<Chosen>,
) -> Result<Response, Refusal> {
    keys::decided(&state, &frame.visitor, Verb::Revoke, alias.clone()).await?;
    Ok(back(&frame, "revoked", &alias))
}

/// Restores a key, and leads back.
pub(in crate::admin) async fn restore(
    State(state): State<AdminState>,
    frame: Frame,
    Form(Chosen { alias }): Form<Chosen>,
) -> Result<Response, Refusal> {
    keys::decided(&state, &frame.visitor, Verb::Restore, alias.clone()).await?;
    Ok(back(&frame, "restored", &alias))
}

fn back(frame: &Frame, done: &str, alias: &str) -> Response {
    let alias: String = byte_serialize(alias.as_bytes()).collect();
    Redirect::to(&format!("{}/keys?{done}={alias}", frame.base)).into_response()
}

async fn made_of(
    state: AdminState,
    frame: Frame,
    window: Window,
    said: Said,
) -> Result<KeysPage, Refusal> {
    // Many requests are looked through, which has no place on a thread that pages share.
    let rows = spawn_blocking(move || {
        let now = state.clock.date();
        let filter = Filter { ended: Some(window.dates(now)), ..Filter::default() };
        let uses = state.history.recent().uses(&filter, MOST);
        let row = |key| Row::of(key, &uses);
        (state.keys.is_open(), state.keys.known().into_iter().map(row).collect())
    });
    let (open, keys) = rows.await.map_err(|error| broken(error.to_string()))?;
    Ok(KeysPage { frame, window, said, open, keys })
}

impl Row {
    fn of(key: KnownKey, uses: &BTreeMap<std::sync::Arc<str>, KeyUse>) -> Self {
        let used = uses.get(key.alias.as_str()).copied();
        // What was used under the name of a key that is gone is its successor's.
        let used = used.filter(|_| !key.is_gone()).unwrap_or_default();
        Self {
            origin: if key.made.is_some() { "page" } else { "file" },
            made: key.made.map(date),
            revoked: key.revoked.map(date),
            alias: key.alias,
            tenant: key.tenant,
            last_used: used.last.map(rfc3339),
            requests: used.requests,
            errors: used.errors,
            tokens: used.tokens,
            cost_usd: used.cost.map(|cost| cost.dollars()),
        }
    }

    fn cost(&self) -> String {
        self.cost_usd.map_or_else(|| human::UNKNOWN.to_owned(), |cost| format!("${cost:.4}"))
    }

    fn tokens_said(&self) -> String {
        human::brief(&human::number(self.tokens as f64))
    }

    fn errors_share(&self) -> String {
        match self.requests {
            0 => human::UNKNOWN.to_owned(),
            all => human::brief(&human::share(self.errors as f64 / all as f64)),
        }
    }
}

impl KeysPage {
    fn choices(&self) -> Vec<Choice> {
        self.window.choices(&format!("{}/keys", self.frame.base))
    }

    fn may_administer(&self) -> bool {
        self.frame.visitor.may(Right::Administer)
    }

    fn sentence(&self) -> String {
        let good = self.keys.iter().filter(|key| key.revoked.is_none()).count();
        match (self.open, good) {
            (true, _) => "Callers need no key.".to_owned(),
            (false, 0) => "No key is good, so nobody is let in.".to_owned(),
            (false, 1) => "One key opens the door.".to_owned(),
            (false, many) => format!("{} keys open the door.", human::count(many as u64)),
        }
    }
}

fn date(seconds: u64) -> String {
    let date: Option<SystemTime> = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    rfc3339(date.unwrap_or(UNIX_EPOCH))
}
