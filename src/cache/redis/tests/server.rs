//! A Redis small enough for a test: the commands that the tier sends, over RESP2, with a
//! clock of its own. It can stop answering, die, come back, and forget what it knew.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::{AbortHandle, JoinSet};

type Command = Vec<Vec<u8>>;
type Values = HashMap<String, (Vec<u8>, Option<Instant>)>;

/// A server on a port of 127.0.0.1 that stays its own over restarts.
pub(super) struct Server {
    pub(super) data: Arc<Data>,
    address: SocketAddr,
    serving: Mutex<JoinSet<()>>,
    accepting: Mutex<Option<AbortHandle>>,
}

/// What it keeps.
pub(super) struct Data {
    pub(super) values: Mutex<Values>,
    /// Ids and the second of the two words of each entry's only field.
    pub(super) journal: Mutex<Vec<(u64, Vec<u8>)>>,
    /// Every command but those of pings and connecting.
    pub(super) asked: Mutex<Vec<String>>,
    hanging: AtomicBool,
    refusing: AtomicBool,
    said: broadcast::Sender<Vec<u8>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            data: Arc::new(Data {
                values: Mutex::default(),
                journal: Mutex::default(),
                asked: Mutex::default(),
                hanging: AtomicBool::new(false),
                refusing: AtomicBool::new(false),
                said: broadcast::channel(64).0,
            }),
            address: listener.local_addr().unwrap(),
            serving: Mutex::default(),
            accepting: Mutex::default(),
        };
        server.accept(listener);
        server
    }

    pub(super) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Closes everything; nobody can connect.
    pub(super) fn die(&self) {
        if let Some(accepting) = self.accepting.lock().take() {
            accepting.abort();
        }
    }

    pub(super) async fn come_back(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => return self.accept(listener),
                Err(error) if Instant::now() > deadline => panic!("{error}"),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// From now on, whether commands are left without an answer.
    pub(super) fn hang(&self, hanging: bool) {
        self.data.hanging.store(hanging, Ordering::SeqCst);
    }

    /// From now on, whether there is no room for more values.
    pub(super) fn refuse(&self, refusing: bool) {
        self.data.refusing.store(refusing, Ordering::SeqCst);
    }

    /// Loses everything.
    pub(super) fn forget(&self) {
        self.data.values.lock().clear();
        self.data.journal.lock().clear();
    }

    /// As if all values had been put so much earlier.
    pub(super) fn age_values(&self, by: Duration) {
        for (_, expiry) in self.data.values.lock().values_mut() {
            *expiry = expiry.and_then(|at| at.checked_sub(by));
        }
    }

    /// Says something on the one channel there is.
    pub(super) fn publish(&self, message: &[u8]) -> usize {
        self.data.said.send(message.to_vec()).unwrap_or(0)
    }

    pub(super) fn asked(&self, command: &str) -> usize {
        self.data.asked.lock().iter().filter(|asked| *asked == command).count()
    }

    fn accept(&self, listener: TcpListener) {
        let data = self.data.clone();
        let accepting = self.serving.lock().spawn(async move {
            // Dropped with all connections when this is aborted.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let data = data.clone();
                connections.spawn(async move { data.serve(stream).await.unwrap_or_default() });
            }
        });
        *self.accepting.lock() = Some(accepting);
    }
}

impl Data {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (reading, mut writing) = stream.into_split();
        let mut reading = BufReader::new(reading);
        loop {
            let command = read_command(&mut reading).await?;
            if self.hanging.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            let name = word(&command, 0).to_uppercase();
            if name == "SUBSCRIBE" {
                return self.speak(&command, reading, writing).await;
            }
            let answer = self.answer(&name, &command);
            writing.write_all(&answer).await?;
        }
    }

    /// What is published, and answers to pings.
    async fn speak(
        &self,
        command: &Command,
        mut reading: BufReader<tokio::net::tcp::OwnedReadHalf>,
        mut writing: OwnedWriteHalf,
    ) -> io::Result<()> {
        let channel = word(command, 1);
        let mut hears = self.said.subscribe();
        writing.write_all(&array(&[bulk("subscribe"), bulk(&channel), number(1)])).await?;
        loop {
            tokio::select! {
                said = hears.recv() => {
                    let said = said.map_err(io::Error::other)?;
                    writing.write_all(&array(&[bulk("message"), bulk(&channel), bulk(said)])).await?;
                }
                command = read_command(&mut reading) => {
                    command?;
                    writing.write_all(&array(&[bulk("pong"), bulk("")])).await?;
                }
            }
        }
    }

    fn answer(&self, name: &str, command: &Command) -> Vec<u8> {
        if !matches!(name, "CLIENT" | "PING") {
            self.asked.lock().push(name.to_owned());
        }
        let key = word(command, 1);
        match name {
            "CLIENT" | "PING" => b"+OK\r\n".to_vec(),
            "PTTL" => number(self.left(&key)),
            "GET" => {
                let live = self.left(&key) >= 0;
                let values = self.values.lock();
                let value = values.get(&key).filter(|_| live);
                value.map_or_else(|| b"$-1\r\n".to_vec(), |(value, _)| bulk(value))
            }
            "SET" if self.refusing.load(Ordering::SeqCst) => {
                b"-OOM command not allowed when used memory > 'maxmemory'.\r\n".to_vec()
            }
            "SET" => {
                assert_eq!(word(command, 3), "PX");
                let left = Duration::from_millis(word(command, 4).parse().unwrap());
                let value = (command[2].clone(), Some(Instant::now() + left));
                self.values.lock().insert(key, value);
                b"+OK\r\n".to_vec()
            }
            "UNLINK" => number(i64::from(self.values.lock().remove(&key).is_some())),
            "PUBLISH" => number(self.said.send(command[2].clone()).unwrap_or(0) as i64),
            "XADD" => self.add(command),
            "XREVRANGE" => self.newest(word(command, 5).parse().unwrap()),
            "XRANGE" => self.from(&word(command, 2), word(command, 5).parse().unwrap()),
            other => format!("-ERR unknown command '{other}'\r\n").into_bytes(),
        }
    }

    /// XADD key MAXLEN = n * field value
    fn add(&self, command: &Command) -> Vec<u8> {
        let most: usize = word(command, 4).parse().unwrap();
        let mut journal = self.journal.lock();
        // Like the real one, ids begin with the time, so they grow over a loss.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
        let id = journal.last().map_or(now, |(last, _)| now.max(last + 1));
        journal.push((id, command[7].clone()));
        let excess = journal.len().saturating_sub(most);
        journal.drain(..excess);
        bulk(format!("{id}-0"))
    }

    fn newest(&self, count: usize) -> Vec<u8> {
        let journal = self.journal.lock();
        array(&journal.iter().rev().take(count).map(entry).collect::<Vec<_>>())
    }

    fn from(&self, id: &str, count: usize) -> Vec<u8> {
        let first: u64 = id.trim_end_matches("-0").parse().unwrap();
        let journal = self.journal.lock();
        let entries = journal.iter().filter(|(id, _)| *id >= first).take(count).map(entry);
        array(&entries.collect::<Vec<_>>())
    }

    fn left(&self, key: &str) -> i64 {
        match self.values.lock().get(key) {
            None => -2,
            Some((_, None)) => -1,
            Some((_, Some(until))) => match until.checked_duration_since(Instant::now()) {
                None => -2,
                Some(left) => left.as_millis() as i64,
            },
        }
    }
}

async fn read_command(from: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Command> {
    let words = read_length(from).await?;
    let mut command = Vec::new();
    for _ in 0..words {
        let mut word = vec![0; read_length(from).await? + 2];
        from.read_exact(&mut word).await?;
        word.truncate(word.len() - 2);
        command.push(word);
    }
    Ok(command)
}

async fn read_length(from: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<usize> {
    let mut line = String::new();
    from.read_line(&mut line).await?;
    line.get(1..).and_then(|n| n.trim_end().parse().ok()).ok_or(io::ErrorKind::UnexpectedEof.into())
}

fn word(command: &Command, at: usize) -> String {
    command.get(at).map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default()
}

fn entry((id, line): &(u64, Vec<u8>)) -> Vec<u8> {
    array(&[bulk(format!("{id}-0")), array(&[bulk("line"), bulk(line)])])
}

fn bulk(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    [format!("${}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat()
}

fn number(n: i64) -> Vec<u8> {
    format!(":{n}\r\n").into_bytes()
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [format!("*{}\r\n", items.len()).into_bytes(), items.concat()].concat()
}
