//! The proxy itself: the built binary as a process of its own, on ports of its own.
//!
//! Must not know: what a test asks of it.

use super::client::{Client, Response};
use super::log::LogLine;
use super::metrics::Metrics;
use super::setup::Setup;
use super::wait::{PATIENCE, until, within};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_transom");
/// Lets the system choose; the proxy says what it chose.
const ANY_PORT: u16 = 0;

/// A running proxy. Dropping it kills it.
pub struct Proxy {
    child: Child,
    /// Where requests go.
    pub data: SocketAddr,
    /// Where metrics and pages are.
    pub admin: SocketAddr,
    access: Lines,
    diagnostics: Lines,
    _readers: JoinSet<()>,
    _home: Home,
}

type Lines = Arc<Mutex<Vec<String>>>;

impl Proxy {
    pub(super) async fn start(setup: &Setup) -> Self {
        let home = Home::new();
        home.write("transom.toml", &setup.file(ANY_PORT, ANY_PORT));
        Self::run(home, &["--config", "transom.toml"], &setup.env).await
    }

    /// Runs `transom serve` with these arguments in `home` and waits until it is ready.
    pub async fn run(home: Home, args: &[&str], env: &[(String, String)]) -> Self {
        Self::launch("", home, args, env).await
    }

    /// The same, with pages below `base`.
    pub async fn run_below(base: &str, home: Home, args: &[&str]) -> Self {
        Self::launch(base, home, args, &[]).await
    }

    async fn launch(base: &str, home: Home, args: &[&str], env: &[(String, String)]) -> Self {
        let mut child = Command::new(BINARY)
            .arg("serve")
            .args(args)
            .current_dir(home.path())
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut readers = JoinSet::new();
        let access = collect(child.stdout.take().expect("a pipe"), &mut readers);
        let diagnostics = collect(child.stderr.take().expect("a pipe"), &mut readers);
        let (data, admin) = announced(&mut child, &diagnostics).await;
        let proxy =
            Self { child, data, admin, access, diagnostics, _readers: readers, _home: home };
        let deadline = Instant::now() + PATIENCE;
        let ready = format!("{base}/ready");
        while proxy.admin_get(&ready).await.status != 200 {
            assert!(Instant::now() < deadline, "not ready: {}", proxy.diagnostics());
        }
        proxy
    }

    /// The status of `/ready`; `None` when the admin listener is not there.
    pub async fn readiness(&self) -> Option<u16> {
        TcpStream::connect(self.admin).await.ok()?;
        Some(self.admin_get("/ready").await.status)
    }

    /// A new connection to the proxy.
    pub async fn client(&self) -> Client {
        Client::connect(self.data).await
    }

    /// A chat on a connection of its own.
    pub async fn chat(&self, body: &str) -> Response {
        self.post("/v1/chat/completions", body).await
    }

    /// A POST on a connection of its own.
    pub async fn post(&self, path: &str, body: &str) -> Response {
        let mut client = self.client().await;
        client.post(path, &[], body.as_bytes()).await;
        client.response().await
    }

    /// A GET on a connection of its own.
    pub async fn get(&self, path: &str) -> Response {
        let mut client = self.client().await;
        client.request("GET", path, &[]).await;
        client.response_to("GET").await
    }

    /// A GET of an admin page.
    pub async fn admin_get(&self, path: &str) -> Response {
        let mut client = Client::admin(self.admin).await;
        client.request("GET", path, &[("Connection", "close")]).await;
        client.response_to("GET").await
    }

    /// The numbers now.
    pub async fn metrics(&self) -> Metrics {
        Metrics::parse(self.admin_get("/metrics").await.text())
    }

    /// Waits until the numbers are as wanted, and returns them.
    pub async fn metrics_when(&self, what: &str, wanted: impl Fn(&Metrics) -> bool) -> Metrics {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = self.metrics().await;
            if wanted(&metrics) {
                return metrics;
            }
            assert!(Instant::now() < deadline, "waited in vain: {what}\n{metrics:#?}");
        }
    }

    /// Waits until exactly `count` requests are finished, counted and logged, and none is
    /// in flight; returns their lines in the order they finished.
    pub async fn settled(&self, count: usize) -> Vec<LogLine> {
        let done = |metrics: &Metrics| {
            metrics.sum("transom_requests_total", &[]) >= count as f64
                && metrics.sum("transom_in_flight_requests", &[]) == 0.0
                && metrics.sum("transom_open_streams", &[]) == 0.0
        };
        let metrics = self.metrics_when(&format!("{count} finished requests"), done).await;
        assert_eq!(metrics.sum("transom_requests_total", &[]), count as f64, "{metrics:#?}");
        until("the access log", || self.access.lock().len() >= count).await;
        let lines = self.log();
        assert_eq!(lines.len(), count, "{lines:#?}");
        lines
    }

    /// The line of the only request so far.
    pub async fn only_line(&self) -> LogLine {
        self.settled(1).await.remove(0)
    }

    /// The access log so far.
    pub fn log(&self) -> Vec<LogLine> {
        self.access.lock().iter().map(|line| LogLine::parse(line)).collect()
    }

    /// The access log so far, as text.
    pub fn raw_log(&self) -> String {
        self.access.lock().join("\n")
    }

    /// What the proxy said beside the access log.
    pub fn diagnostics(&self) -> String {
        self.diagnostics.lock().join("\n")
    }

    /// Memory of the process that is resident, in bytes.
    pub fn resident_bytes(&self) -> usize {
        let status = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(status).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024
    }

    /// Asks the proxy to stop.
    pub fn terminate(&self) {
        kill(self.pid(), Signal::SIGTERM).expect("the process runs");
    }

    /// Ends the process as a crash would.
    pub async fn kill(&mut self) {
        kill(self.pid(), Signal::SIGKILL).expect("the process runs");
        self.exited().await;
    }

    /// Waits for the process to end.
    pub async fn exited(&mut self) -> ExitStatus {
        let status = within("the proxy exits", self.child.wait()).await.expect("a child");
        // Its pipes end with it; what is still in them belongs to the log.
        while within("the log's end", self._readers.join_next()).await.is_some() {}
        status
    }

    fn pid(&self) -> Pid {
        let id = self.child.id().expect("the process runs");
        Pid::from_raw(i32::try_from(id).expect("a process id"))
    }
}

fn collect(pipe: impl AsyncRead + Send + Unpin + 'static, readers: &mut JoinSet<()>) -> Lines {
    let lines = Lines::default();
    let collected = Arc::clone(&lines);
    readers.spawn(async move {
        let mut pipe = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = pipe.next_line().await {
            collected.lock().push(line);
        }
    });
    lines
}

/// Where the proxy says that clients connect, and where its pages are.
async fn announced(child: &mut Child, diagnostics: &Lines) -> (SocketAddr, SocketAddr) {
    let address = |what: &str| {
        let lines = diagnostics.lock();
        let line = lines.iter().find(|line| line.starts_with(what))?;
        let (_, url) = line.split_once("http://")?;
        url.split('/').next()?.parse().ok()
    };
    let mut both = (None, None);
    until("the proxy says where it listens", || {
        both = (address("clients connect"), address("pages and metrics"));
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none() || both.1.is_some(), "{ended:?}: {:?}", diagnostics.lock());
        both.0.is_some() && both.1.is_some()
    })
    .await;
    (both.0.expect("said"), both.1.expect("said"))
}

/// A directory of one's own, gone when dropped.
pub struct Home(PathBuf);

impl Home {
    /// A new empty directory.
    pub fn new() -> Self {
        let name = format!("transom-test-{}-{:x}", std::process::id(), fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    /// Writes a file there and returns its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a writable directory");
        path
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left behind is in the system's temporary directory.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
