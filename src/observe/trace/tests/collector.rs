//! An OTLP receiver over HTTP/1.1 that keeps what it is sent, or misbehaves.

use super::until;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::{Condvar, Mutex};
use prost::Message;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::observe) enum Manner {
    Takes,
    Refuses,
    Hangs,
}

/// The receiver. Its threads end when its clients do, and at the latest with the process.
pub(in crate::observe) struct Collector {
    pub(in crate::observe) address: SocketAddr,
    manner: Arc<Mode>,
    inbox: Inbox,
}

/// What was received.
#[derive(Clone, Default)]
pub(in crate::observe) struct Inbox(Arc<Mutex<Vec<Received>>>);

/// One export.
#[derive(Clone, Debug)]
pub(in crate::observe) struct Received {
    /// Request line and headers, in lower case.
    pub(in crate::observe) head: String,
    pub(in crate::observe) request: ExportTraceServiceRequest,
}

impl Collector {
    pub(in crate::observe) fn start(manner: Manner) -> Self {
        Self::over(manner, Ok)
    }

    /// A receiver that speaks through what `wrap` makes of a connection.
    pub(in crate::observe) fn over<S: Read + Write>(
        manner: Manner,
        wrap: impl Fn(TcpStream) -> std::io::Result<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (manner, inbox) = (Arc::new(Mode::new(manner)), Inbox::default());
        let (how, kept, wrap) = (Arc::clone(&manner), inbox.clone(), Arc::new(wrap));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (how, kept, wrap) = (Arc::clone(&how), kept.clone(), Arc::clone(&wrap));
                thread::spawn(move || {
                    drop(wrap(stream).and_then(|stream| serve(stream, &how, &kept)))
                });
            }
        });
        Self { address, manner, inbox }
    }

    pub(in crate::observe) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(in crate::observe) fn behave(&self, manner: Manner) {
        self.manner.switch_to(manner);
    }

    pub(in crate::observe) fn inbox(&self) -> &Inbox {
        &self.inbox
    }
}

impl Inbox {
    pub(in crate::observe) fn add(&self, received: Received) {
        self.0.lock().push(received);
    }

    /// Every export so far.
    pub(in crate::observe) fn exports(&self) -> Vec<Received> {
        self.0.lock().clone()
    }

    /// Every span so far.
    pub(in crate::observe) fn spans(&self) -> Vec<Span> {
        let resources = self.exports().into_iter().flat_map(|got| got.request.resource_spans);
        resources.flat_map(|r| r.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// All spans, once there are `count` of them.
    pub(in crate::observe) fn once(&self, count: usize) -> Vec<Span> {
        until(&format!("{count} spans"), || self.spans().len() >= count);
        self.spans()
    }
}

/// How the collector behaves now, and word of it when that changes.
struct Mode {
    manner: Mutex<Manner>,
    changed: Condvar,
}

impl Mode {
    fn new(manner: Manner) -> Self {
        Self { manner: Mutex::new(manner), changed: Condvar::new() }
    }

    fn switch_to(&self, manner: Manner) {
        *self.manner.lock() = manner;
        self.changed.notify_all();
    }

    fn once_it_answers(&self) -> Manner {
        let mut manner = self.manner.lock();
        self.changed.wait_while(&mut manner, |manner| *manner == Manner::Hangs);
        *manner
    }
}

fn serve(stream: impl Read + Write, manner: &Mode, inbox: &Inbox) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.expect("a length").parse().expect("a number")];
        stream.read_exact(&mut body)?;
        let status = match manner.once_it_answers() {
            Manner::Refuses => "400 Bad Request",
            _ => "200 OK",
        };
        if status.starts_with("200") {
            let request = ExportTraceServiceRequest::decode(&*body).expect("OTLP in protobuf");
            inbox.add(Received { head, request });
        }
        write!(stream.get_mut(), "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")?;
    }
}

/// An attribute as text; `""` where there is none.
pub(in crate::observe) fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.and_then(|found| found.value.as_ref()).map_or_else(String::new, text)
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::ArrayValue(list)) => list.values.iter().map(text).collect::<Vec<_>>().join(" "),
        other => format!("{other:?}"),
    }
}
