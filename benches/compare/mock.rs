//! The upstream of every subject: fixed answers, as cheap as a server can be. It also
//! swallows the spans that a subject exports (OTLP over HTTP).
//! A process of its own, so that its CPU is nobody else's. Knows no proxy.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};

use crate::answers::{Answer, Asked, PERIOD};
use crate::pace::Pacer;
use crate::wire::{self, Framing, Target};
use crate::{Result, process};

/// Serves until standard input closes, which it does when the parent is gone.
///
/// # Errors
/// When no port can be bound.
pub fn run() -> Result<()> {
    let (gone, parent) = oneshot::channel();
    std::thread::spawn(move || {
        // Input that ends and input that fails both mean that nobody is there.
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        gone.send(())
    });
    process::single_threaded()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        let tasks = LocalSet::new();
        tokio::select! {
            result = tasks.run_until(serve(listener)) => result,
            _ = parent => Ok(()),
        }
    })
}

async fn serve(listener: TcpListener) -> Result<()> {
    let script = Rc::new(Script::new());
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let script = Rc::clone(&script);
        // A connection ends with an error when its peer leaves: nothing to report.
        connections.spawn_local(async move { converse(stream, &script).await.ok() });
        while connections.try_join_next().is_some() {}
    }
}

/// What one write carries, in the order of writing.
type Frames = Vec<Vec<u8>>;

/// Every byte the mock may say, made once and shared by all connections.
struct Script {
    /// A dozen: the bench asks for few different ones.
    answers: RefCell<BTreeMap<Asked, Rc<Frames>>>,
    /// How often spans came.
    traces: Cell<u64>,
    pacer: Pacer,
}

impl Script {
    fn new() -> Self {
        Self { answers: RefCell::default(), traces: Cell::default(), pacer: Pacer::start() }
    }

    fn answer(&self, asked: Asked) -> Rc<Frames> {
        let mut answers = self.answers.borrow_mut();
        Rc::clone(answers.entry(asked).or_insert_with(|| Rc::new(frames(asked))))
    }
}

/// Answers requests on one connection until the peer closes it.
async fn converse(mut stream: TcpStream, script: &Script) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let Some(request) = wire::head(&buffer) else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let Framing::Length(body) = request.framing else {
            return stream.write_all(refusal("411 Length Required").as_bytes()).await;
        };
        let end = request.len + body;
        while buffer.len() < end {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        match request.target {
            Target::Chat => {
                let answer = script.answer(Asked::of(&buffer[request.len..end]));
                play(&mut stream, &answer, &script.pacer).await?;
            }
            Target::Traces => {
                script.traces.set(script.traces.get() + 1);
                stream.write_all(SPANS_TAKEN.as_bytes()).await?;
            }
            Target::TracesSeen => {
                return stream.write_all(number(script.traces.get()).as_bytes()).await;
            }
            Target::Other => stream.write_all(refusal("404 Not Found").as_bytes()).await?,
        }
        buffer.drain(..end);
    }
}

/// Writes each frame at its own instant; a late one does not delay the next.
async fn play(stream: &mut TcpStream, frames: &[Vec<u8>], pacer: &Pacer) -> std::io::Result<()> {
    let mut due = Instant::now();
    for (number, frame) in frames.iter().enumerate() {
        if number > 0 {
            due += PERIOD;
            pacer.until(due).await;
        }
        stream.write_all(frame).await?;
    }
    Ok(())
}

/// What answers `asked`: one write, unless there are pauses to be made.
fn frames(asked: Asked) -> Frames {
    let answer = asked.answer();
    match asked {
        Asked::Stream(_) => chunked(&answer),
        Asked::Burst(_) => vec![chunked(&answer).concat()],
        Asked::Reply | Asked::Document(_) => {
            let mut frame = document_head(answer.bytes().len()).into_bytes();
            frame.extend_from_slice(answer.bytes());
            vec![frame]
        }
    }
}

/// One write per event: the first with the head, the last with the closing chunk.
fn chunked(answer: &Answer) -> Frames {
    let mut frames = Frames::with_capacity(answer.parts());
    for part in answer.each_part() {
        let mut frame = match frames.len() {
            0 => STREAM_HEAD.as_bytes().to_vec(),
            _ => Vec::new(),
        };
        frame.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        frame.extend_from_slice(part);
        frame.extend_from_slice(b"\r\n");
        frames.push(frame);
    }
    if let Some(last) = frames.last_mut() {
        last.extend_from_slice(b"0\r\n\r\n");
    }
    frames
}

fn document_head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
}

fn refusal(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}

fn number(number: u64) -> String {
    let text = number.to_string();
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

/// An `ExportTraceServiceResponse` without a word: everything was taken.
const SPANS_TAKEN: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
     Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
