//! The composition root: from settings to parts, from parts to services, and back down.
//!
//! The only file that knows everything. Must not know: command lines, or where settings
//! were written.

mod alerting;
mod budgets;
mod caching;
mod capturing;
mod installed;
mod keys;
mod observing;
mod pages;
mod remembered;
mod remembering;
mod replaying;
mod routing;
mod side;

use crate::admin::{AdminState, Assets, Installation, Profiling, Readiness, Scrapes, Trials};
use crate::alert::EndpointWatch;
use crate::config::Settings;
use crate::edge::{BoundListener, Gateway, Listeners, PingoraTransport, Watcher, bind};
use crate::identity::KeyDesk;
use crate::observe::{LevelSwitch, LogOutput, Recording, Sampler, SemanticNames};
use crate::pipeline::{BodyBudget, Deps, Refreshes};
use crate::store::{OpenError, OpenedCache, Store};
use crate::types::{Clock, Random};
use crate::upstream::{Edits, Upstream, UpstreamSettings};
use alerting::Alerting;
use budgets::Budgets;
use caching::Caching;
use capturing::Capturing;
use observing::{Observed, Observing};
use pages::Pages;
pub use remembered::segment_rows;
use remembering::Remembering;
use replaying::Replaying;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often draining looks whether requests are left.
const DRAIN_POLL: Duration = Duration::from_millis(10);
/// How long what is kept may take to be written at the end.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long requests that are cut have to say so.
const CUT: Duration = Duration::from_secs(1);

/// Why a proxy could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address cannot be had.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The system gave no thread.
    #[error("cannot start a worker: {0}")]
    Worker(#[from] io::Error),
    /// A metric is defined twice or wrongly; a defect.
    #[error("cannot register the metrics: {0}")]
    Metrics(prometheus::Error),
    /// The system gave no randomness.
    #[error("cannot make keys: {0}")]
    Randomness(getrandom::Error),
}

/// What a proxy gets from the process around it. By default nothing: then it writes
/// nowhere and remembers nothing.
#[derive(Default)]
pub struct Surroundings {
    /// Where access lines go.
    pub log: Option<LogOutput>,
    /// The level of logs.
    pub level: Option<LevelSwitch>,
    /// Where everything is kept.
    pub store: Option<Store>,
    /// Where answers are kept that need not be asked for again, or why they cannot be; `None`
    /// where nobody wants that.
    pub answers: Option<Result<OpenedCache, OpenError>>,
    /// The directory of the captures; `None` where there can be none.
    pub captures: Option<PathBuf>,
    /// Whether requests are recorded.
    pub recording: Recording,
    /// Which names of the semantic conventions are exported.
    pub names: SemanticNames,
}

/// A proxy that is bound to its ports and ready to run. Two of them can live in one
/// process: nothing here is global.
pub struct App {
    deps: Arc<Deps<PingoraTransport>>,
    upstreams: Vec<Arc<Upstream>>,
    edits: Arc<Edits>,
    watcher: Watcher,
    sampler: Arc<Sampler>,
    budgets: Budgets,
    alerting: Alerting,
    keys: Arc<KeyDesk>,
    caching: Caching,
    capturing: Capturing,
    replaying: Replaying,
    remembering: Arc<Remembering>,
    installation: Installation,
    level: LevelSwitch,
    data: Vec<BoundListener>,
    admin: Pages,
    drain: Duration,
    worker: Option<JoinHandle<io::Result<()>>>,
    exporter: Option<JoinHandle<()>>,
}

impl App {
    /// Builds every part and binds every port.
    ///
    /// # Errors
    /// When a port cannot be had or the system is out of something.
    pub fn build(settings: Settings, around: Surroundings) -> Result<Self, StartError> {
        let clock = Clock::system();
        let (data, admin) = bound(&settings, clock)?;
        let level = around.level.unwrap_or_else(|| LevelSwitch::new(settings.log.level, |_| {}));
        let store = around.store.map(Arc::new);
        let watch = EndpointWatch::new(clock.now());
        let log = around.log.map(|log| (log, level.access_lines()));
        let record = (around.recording, around.names, log);
        let observed = Observed::new(&settings, record, (store.as_ref(), watch.clone()), clock);
        let Observing { observer, history, worker, exporter } = observed.start()?;
        let metrics = Arc::clone(observer.metrics());
        let caching = Caching::start(&settings, around.answers, &metrics, clock)?;
        let capturing = Capturing::start(&settings, around.captures.as_deref(), &metrics, clock);
        let replaying = Replaying::new(&settings, around.captures.as_deref(), first(&data));
        let installation = installed::of(&settings, (first(&data), admin.url()), clock);
        let upstreams = numbered(settings.upstreams);
        let edits = routing::edits(&upstreams, &settings.models, store.as_ref());
        let (keyring, keys) = keys::keys(&settings.keys, store.as_ref());
        let told = (Arc::clone(&observer), Arc::clone(&caching.cache));
        let watcher = Watcher::new(upstreams.clone(), settings.models, Arc::clone(&edits), told);
        let deps = Arc::new(Deps {
            observer,
            catalog: Arc::clone(edits.catalog()),
            keyring,
            transport: PingoraTransport::new(&upstreams),
            cache: Arc::clone(&caching.cache),
            capture: capturing.recorder.clone(),
            refreshes: Refreshes::default(),
            bodies: BodyBudget::new(settings.server.max_body, settings.server.body_budget),
            clock,
            trust: settings.tracing.trust,
            random: Random::from_system(),
            cut: CancellationToken::new(),
        });
        Ok(Self {
            upstreams,
            edits,
            watcher,
            remembering: Arc::new(Remembering::new(history, around.recording, &metrics)),
            sampler: Arc::new(Sampler::new(metrics)),
            budgets: Budgets::of(&deps.observer, store, clock),
            alerting: Alerting::new(settings.webhooks, watch, &deps.observer, clock)?,
            keys: Arc::new(keys),
            caching,
            capturing,
            replaying,
            installation,
            level,
            data,
            admin,
            drain: settings.server.drain,
            worker,
            exporter,
            deps,
        })
    }

    /// Where clients connect.
    pub fn data_addresses(&self) -> Vec<SocketAddr> {
        self.data.iter().map(|listener| listener.address).collect()
    }

    /// Where pages and metrics are.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.listener.address
    }

    /// The same as a URL.
    pub fn admin_url(&self) -> String {
        self.admin.url()
    }

    /// Serves until `stop`, then drains: readiness fails first, open requests may finish
    /// within the drain time, and the log is written out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StartError> {
        let readiness = Readiness::default();
        let state = self.state(&readiness);
        let Self { deps, upstreams, mut watcher, data, admin, drain, .. } = self;
        let halt = CancellationToken::new();
        let tasks = TaskTracker::new();
        let admin_address = admin.listener.address;
        let admin = side::start(admin.listener.into_socket(), (state, self.alerting), halt.clone());
        let listen_error = |error| StartError::Listen { address: admin_address, error };
        tasks.spawn(admin.map_err(listen_error)?);
        tasks.spawn(self.budgets.keep(halt.clone()));
        tasks.spawn(self.caching.run(halt.clone()));
        tasks.spawn(self.capturing.run(halt.clone()));
        tasks.spawn(self.replaying.run(halt.clone()));
        tasks.spawn(Arc::clone(&self.remembering).run(halt.clone()));

        let (shut, shutdown) = watch::channel(false);
        let gateway = Gateway::new(Arc::clone(&deps), upstreams.first().cloned());
        let mut serving = tasks.spawn(Listeners::new(gateway, data).serve(shutdown));
        let (watch_deps, watch_stop) = (Arc::clone(&deps), halt.clone());
        let ready = readiness.clone();
        tasks.spawn(async move {
            watcher.round(&watch_deps.transport).await;
            ready.set_ready();
            watcher.run(&watch_deps.transport, watch_stop).await;
        });

        tokio::select! {
            () = stop.cancelled() => {}
            _ = &mut serving => tracing::error!("the data listener stopped by itself"),
        }
        readiness.set_draining();
        shut.send_replace(true);
        emptied(&deps, drain).await;
        halt.cancel();
        tasks.close();
        if timeout(FAREWELL, tasks.wait()).await.is_err() {
            tracing::warn!("background tasks did not end in time");
        }
        observing::finish(deps.observer.worker(), self.worker, self.exporter).await;
        // Last, for the worker is who fills it.
        self.remembering.finish().await;
        Ok(())
    }

    /// What pages are made of.
    fn state(&self, readiness: &Readiness) -> AdminState {
        AdminState {
            access: Arc::clone(&self.admin.access),
            observer: Arc::clone(&self.deps.observer),
            sampler: Arc::clone(&self.sampler),
            catalog: Arc::clone(&self.deps.catalog),
            upstreams: self.upstreams.clone(),
            readiness: readiness.clone(),
            clock: self.deps.clock,
            level: self.level.clone(),
            profiling: Profiling::default(),
            trials: Trials::default(),
            cache: Arc::clone(&self.deps.cache),
            capture: self.capturing.control.clone(),
            replay: self.replaying.control.clone(),
            assets: Assets::embedded(),
            scrapes: Scrapes::default(),
            history: Arc::clone(&self.remembering.history),
            edits: Arc::clone(&self.edits),
            installation: self.installation.clone(),
            alerts: Arc::clone(&self.alerting.book),
            webhooks: self.alerting.webhooks.clone(),
            keys: Arc::clone(&self.keys),
        }
    }
}

fn numbered(upstreams: Vec<UpstreamSettings>) -> Vec<Arc<Upstream>> {
    let numbered = upstreams.into_iter().enumerate();
    numbered.map(|(index, upstream)| Upstream::new(index, upstream)).collect()
}

/// Where a client of this machine connects.
fn first(data: &[BoundListener]) -> SocketAddr {
    let mut address = data.first().map_or(([127, 0, 0, 1], 0).into(), |first| first.address);
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

fn bound(settings: &Settings, clock: Clock) -> Result<(Vec<BoundListener>, Pages), StartError> {
    let data: Result<_, _> = settings.server.listen.iter().copied().map(bind_to).collect();
    Ok((data?, Pages::bind(settings, clock)?))
}

fn bind_to(address: SocketAddr) -> Result<BoundListener, StartError> {
    bind(address).map_err(|error| StartError::Listen { address, error })
}

/// Returns once no request is open; those that are after `drain` are cut.
async fn emptied(deps: &Deps<PingoraTransport>, drain: Duration) {
    if timeout(drain, idle(deps)).await.is_err() {
        tracing::warn!(open = deps.observer.open_requests(), "requests cut at shutdown");
        deps.cut.cancel();
        if timeout(CUT, idle(deps)).await.is_err() {
            tracing::warn!(open = deps.observer.open_requests(), "requests not logged");
        }
    }
}

/// Returns once no request is open.
async fn idle(deps: &Deps<PingoraTransport>) {
    let mut poll = interval(DRAIN_POLL);
    while deps.observer.open_requests() > 0 {
        poll.tick().await;
    }
}
