//! From a request to a record in the queue: which exchanges are written down, and what of them.
//!
//! Redaction comes before the queue, so nothing waits there that must not be written. Must not
//! know: how an exchange is served, or how a record is stored.

use crate::capture::batch::Batch;
use crate::capture::redact::cut;
use crate::capture::{
    BadRule, CaptureHandle, CaptureMode, CaptureSettings, Choice, Content, Ending, Exchange,
    Redactor, RouteCapture, Sampler, Sessions, Shaper, Tap,
};
use crate::types::{Outcome, PerModel};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Bodies above this size are redacted on a thread that may take its time; others as soon as a
/// few exchanges are over.
const QUICKLY_REDACTED: u64 = 64 * 1024;

/// Where callers show who they are.
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// Writes down what the settings of each model ask for.
pub struct Recorder {
    routes: PerModel<Route>,
    tools: Arc<Tools>,
    sampled_out: AtomicU64,
    /// Replayed requests that were passed over.
    replays: AtomicU64,
    /// Exchanges on their way to the queue, from their beginning.
    under_way: TaskTracker,
    /// Those that are over.
    over: Batch<Over>,
}

/// An exchange that is over, with nothing taken out of it yet.
struct Over {
    tap: Box<Tap>,
    exchange: Box<Exchange>,
    headers: HeaderMap,
}

/// How a model is captured.
pub(super) struct Route {
    pub(super) settings: RouteCapture,
    sampler: Sampler,
}

/// What makes a record out of an exchange.
struct Tools {
    redactor: Redactor,
    shaper: Shaper,
    sessions: Sessions,
    credentials: [HeaderName; 3],
    key: [u8; 32],
    handle: CaptureHandle,
}

impl Recorder {
    /// Records what `settings` and the models' own `configured` ones ask for, with `handle`.
    /// `key` belongs to the installation: ids and digests of one are not those of another.
    ///
    /// # Errors
    /// When a rule of the operator's cannot be followed.
    pub fn new(
        settings: &CaptureSettings,
        configured: BTreeMap<String, Option<RouteCapture>>,
        key: [u8; 32],
        handle: CaptureHandle,
    ) -> Result<Self, BadRule> {
        let redactor = Redactor::new(&settings.redaction)?;
        let route = |settings: RouteCapture| {
            let sampler = Sampler::new(settings.sampling, key);
            Route { settings, sampler }
        };
        let configured = configured.into_iter().map(|(name, own)| (name, own.map(route)));
        let tools = Tools {
            redactor,
            shaper: Shaper::new(key),
            sessions: Sessions::new(key),
            credentials: CREDENTIALS.map(HeaderName::from_static),
            key,
            handle,
        };
        Ok(Self {
            routes: PerModel::new(
                configured.collect(),
                &settings.models,
                route(settings.default.clone()),
            ),
            tools: Arc::new(tools),
            sampled_out: AtomicU64::new(0),
            replays: AtomicU64::new(0),
            under_way: TaskTracker::new(),
            over: Batch::default(),
        })
    }

    /// How the exchanges of the model `name` are captured; `None` where they are not.
    pub fn route(&self, name: &str) -> Option<RouteCapture> {
        self.routes.of(name).map(|route| route.settings.clone())
    }

    /// Begins to write down a request for `model`, if that is wanted and there is room.
    pub fn tap(&self, model: &str, id: &str, (head, body): (&Parts, &Bytes)) -> Option<Box<Tap>> {
        let route = self.routes.of(model)?;
        let path = path_of(head);
        let session = if route.settings.sampling.sessions < 1.0 {
            self.tools.sessions.of(&head.headers, path, body)
        } else {
            None
        };
        let choice = route.sampler.choose(session.as_ref().map_or(id, |session| &session.id));
        if choice == Choice::Never {
            self.sampled_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let reserved = self.tools.handle.reserve(body.len() as u64)?;
        let under_way = self.under_way.token();
        Some(Box::new(Tap::new((route, choice), session, body.clone(), reserved, under_way)))
    }

    /// Writes down what `tap` has got of the request with `headers`. `exchange` is all else that
    /// is known of it, and has neither request nor answer.
    pub fn record(&self, mut tap: Box<Tap>, mut exchange: Box<Exchange>, headers: &HeaderMap) {
        if tap.is_given_up() {
            return self.tools.handle.give_up();
        }
        let ending = Ending {
            outcome: exchange.outcome.unwrap_or(Outcome::Success),
            took: exchange.times.last.unwrap_or(Duration::ZERO),
        };
        if !tap.route.sampler.decide(tap.choice, &ending) {
            self.sampled_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        exchange.session = tap.session.take();
        let held = tap.held();
        let over = Over { tap, exchange, headers: headers.clone() };
        if held > QUICKLY_REDACTED {
            let tools = Arc::clone(&self.tools);
            drop(self.under_way.spawn_blocking(move || tools.write(over)));
        } else if self.over.add(over, held) {
            let (tools, batch) = (Arc::clone(&self.tools), self.over.clone());
            let write =
                async move { batch.filled().await.into_iter().for_each(|it| tools.write(it)) };
            drop(self.under_way.spawn(write));
        }
    }

    /// Does not write down a request for `model` that replays a captured one.
    pub fn pass_over_replay(&self, model: &str) {
        if self.routes.of(model).is_some() {
            self.replays.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Replayed requests that were passed over.
    pub fn replays(&self) -> u64 {
        self.replays.load(Ordering::Relaxed)
    }

    /// Exchanges that the sample left out.
    pub fn sampled_out(&self) -> u64 {
        self.sampled_out.load(Ordering::Relaxed)
    }

    /// Returns when everything that was begun to be written down is in the queue, or given up.
    pub async fn settled(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

impl Tools {
    /// Writes down what is left of an exchange; one that makes this panic is lost, and no other.
    fn write(&self, over: Over) {
        // Not only until the tap has given away what it has got.
        let _under_way = over.tap.under_way.clone();
        if catch_unwind(AssertUnwindSafe(|| self.try_to_write(over))).is_err() {
            tracing::warn!("an exchange made its redaction panic, and is not captured");
            self.handle.fail();
        }
    }

    fn try_to_write(&self, Over { tap, mut exchange, headers }: Over) {
        let (route, reserved) = tap.give(&mut exchange);
        let Some(mut reserved) = reserved else { return self.handle.give_up() };
        if exchange.session.is_none() {
            let body = exchange.request.body.kept().map_or(&[][..], |body| body);
            exchange.session = self.sessions.of(&headers, &exchange.call.path, body);
        }
        let settings = &route.settings;
        if exchange.caller.key.is_none() {
            exchange.caller.credential = Some(self.credential(&headers));
        }
        exchange.request.headers = self.redactor.kept(&headers);
        if let Some(answer) = &mut exchange.answer {
            answer.message.headers = self.redactor.kept(&answer.message.headers);
        }
        match settings.mode {
            CaptureMode::Full => self.redactor.strip_path(&mut exchange),
            CaptureMode::Redacted => self.redactor.apply_to_kept(&mut exchange),
            CaptureMode::Shape => {
                self.shape(&mut exchange);
                self.redactor.apply_to_kept(&mut exchange);
            }
        }
        let cut =
            |body: &mut Content| *body = shortened(std::mem::take(body), settings.body, &self.key);
        cut(&mut exchange.request.body);
        let mut kept = length(&exchange.request.body);
        if let Some(answer) = &mut exchange.answer {
            cut(&mut answer.message.body);
            kept += length(&answer.message.body);
        }
        reserved.shrink(reserved.bytes().saturating_sub(kept));
        self.handle.submit(&exchange, reserved);
    }

    /// What stands for the credential that was shown: the same for the same one, here.
    fn credential(&self, headers: &HeaderMap) -> String {
        let mut shown = self.credentials.iter().flat_map(|name| headers.get_all(name)).peekable();
        if shown.peek().is_none() {
            return String::new();
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for value in shown {
            hasher.update(value.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Puts shapes in the place of bodies.
    fn shape(&self, exchange: &mut Exchange) {
        let body = |content: &Content| content.kept().cloned().unwrap_or_default();
        let request = self.shaper.request(&exchange.call.path, &body(&exchange.request.body));
        if let Some(answer) = &mut exchange.answer {
            let content = &answer.message.body;
            let mut shape = self.shaper.answer(&request, &body(content));
            // It may be longer than what was collected of it.
            shape.length = content.length().unwrap_or(shape.length);
            answer.message.body = Content::Shape(Box::new(shape));
        }
        exchange.request.body = Content::Shape(Box::new(request));
    }
}

/// Keeps at most `limit` bytes of a body; also of one that was not collected to its end.
fn shortened(content: Content, limit: u64, key: &[u8; 32]) -> Content {
    let Content::Cut { kept, length, digest } = content else { return cut(content, limit, key) };
    match cut(Content::Whole(kept), limit, key) {
        // The digest of a part says nothing.
        Content::Whole(kept) | Content::Cut { kept, .. } => Content::Cut { kept, length, digest },
        other => other,
    }
}

fn length(content: &Content) -> u64 {
    content.kept().map_or(0, |kept| kept.len() as u64)
}

fn path_of(head: &Parts) -> &str {
    head.uri.path_and_query().map_or("/", |path| path.as_str())
}
