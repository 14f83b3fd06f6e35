//! Child processes pinned to a core, stopped when they go out of scope.
//! Knows nothing of what the children do.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::Result;
use crate::wire::{self, Body};

/// How long a process may take to answer its first request, or to stop when asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running child. Dropped, it is stopped and waited for, its directory removed.
pub struct Process {
    child: Child,
    stop: Option<Command>,
    directory: Option<PathBuf>,
}

impl Process {
    /// Starts `program` on `core`. Its standard input stays open while this value
    /// lives; its output goes nowhere, unless [`Process::first_line`] is to read it.
    ///
    /// # Errors
    /// When `taskset` cannot be started; a missing program shows only later.
    pub fn start(core: usize, program: &Command, output: Stdio) -> Result<Self> {
        let mut pinned = Command::new("taskset");
        pinned.arg("-c").arg(core.to_string()).arg(program.get_program()).args(program.get_args());
        pinned.stdin(Stdio::piped()).stdout(output);
        let child = pinned.spawn().map_err(|error| format!("taskset (util-linux): {error}"))?;
        Ok(Self { child, stop: None, directory: None })
    }

    /// Stops the child by this command, rather than by killing it.
    pub fn stopped_by(mut self, command: Command) -> Self {
        self.stop = Some(command);
        self
    }

    /// Removes this directory after the child has ended.
    pub fn owning(mut self, directory: PathBuf) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The child's process id: `taskset` becomes the program that it starts.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first line of the child's output; empty when it ended without one.
    ///
    /// # Errors
    /// When the output is not piped or cannot be read.
    pub fn first_line(&mut self) -> Result<String> {
        let output = self.child.stdout.as_mut().ok_or("output is not piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Waits until `path` at `address` answers 200, or until anything accepts a
    /// connection when there is no `path`.
    ///
    /// # Errors
    /// When the child ends first, or after [`PATIENCE`].
    pub async fn ready(&mut self, address: SocketAddr, path: Option<&str>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let up = match path {
                Some(path) => get(address, path).await.is_ok(),
                None => TcpStream::connect(address).await.is_ok(),
            };
            if up {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("it ended before it was ready: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(format!("not ready within {} s at {address}", PATIENCE.as_secs()).into())
    }

    fn ends_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let asked = self.stop.as_mut().is_some_and(|stop| stop.status().is_ok());
        if !(asked && self.ends_within(PATIENCE)) {
            // Both fail only when the child has already ended.
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if let Some(directory) = &self.directory {
            std::fs::remove_dir_all(directory).ok();
        }
    }
}

/// Keeps this process, and all it starts from now on, on `core`.
///
/// # Errors
/// When there is no such core or no `taskset`.
pub fn pin_self(core: usize) -> Result<()> {
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-cp", &core.to_string(), &pid]).output();
    let output = pinned.map_err(|error| format!("taskset (util-linux): {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(format!("core {core} cannot be used: {}", reason.trim()).into())
}

/// A runtime on the calling thread alone.
///
/// # Errors
/// When the system gives no event queue.
pub fn single_threaded() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// An address nobody listens on at this moment.
///
/// # Errors
/// When no port is left.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// The body of `GET path`, when the answer is 200.
///
/// # Errors
/// On any other answer, or none.
pub async fn get(address: SocketAddr, path: &str) -> Result<String> {
    get_as(address, path, "*/*").await
}

/// The body of `GET path` in the media type `accept`, when the answer is 200.
///
/// # Errors
/// On any other answer, or none.
pub async fn get_as(address: SocketAddr, path: &str, accept: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let head = wire::head(&answer).ok_or("no HTTP answer")?;
    if head.status != 200 {
        return Err(format!("GET {path}: status {}", head.status).into());
    }
    let mut text = Vec::new();
    Body::new(head.framing).feed(&answer[head.len..], |payload| {
        text.extend_from_slice(payload);
        Ok(())
    })?;
    Ok(String::from_utf8(text)?)
}
