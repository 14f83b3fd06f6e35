//! The HTTP client of a replay: sends one request and takes the time of everything that comes
//! back.
//!
//! | file | owns |
//! |---|---|
//! | `target` | where requests go, and as whom |
//! | `dial`, `pool` | connections, and which of them are free |
//! | `body` | a request's body, which knows when its first byte went out |
//! | `seen` | what was seen of an exchange, and when |
//! | `answer` | what the bytes of an answer say |
//!
//! hyper drives single connections; the pool is our own, because the time that a new connection
//! takes is the target's and must be told from the generator's. Must not know: when a request
//! is sent, or what its figures become.

mod answer;
mod body;
mod dial;
mod pool;
mod seen;
mod target;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;

pub use answer::KeepAnswers;
pub use dial::ConnectError;
pub use seen::Seen;
pub use target::{Target, TargetError};

use crate::replay::Failure;
use crate::replay::request::Outgoing;
use answer::{AnswerReader, BodyEnd};
use body::{Sent, TimedBody};
use dial::Dialer;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pool::{Connection, Pool};
use std::io;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

/// No connection takes longer.
const CONNECT: Duration = Duration::from_secs(10);

/// Sends requests to one target.
pub struct Client {
    pool: Pool,
    keep: KeepAnswers,
}

/// How long an answer is waited for.
#[derive(Clone, Debug)]
pub struct Patience {
    /// From the beginning to the last byte, the connection included.
    pub timeout: Duration,
    /// When the caller leaves, since the request was sent.
    pub leaves_after: Option<Duration>,
    /// Nobody waits any longer.
    pub cut: CancellationToken,
}

/// Why an exchange did not come to its end.
enum Broken {
    /// A connection that had lain idle was closed before it carried this request: it may be
    /// sent again (RFC 9112 §9.3.1).
    Stale,
    /// The connection failed.
    Lost,
}

impl Client {
    /// A client for `target`, which trusts `roots` and whom they trust.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        target: &Target,
        roots: rustls::RootCertStore,
        keep: KeepAnswers,
    ) -> io::Result<Self> {
        Ok(Self { pool: Pool::new(Dialer::new(target, roots)?), keep })
    }

    /// Sends `outgoing` now and reads its answer to the end. Whatever happens is in what was
    /// seen. Dropping the future closes the connection, or resets the stream.
    pub async fn send(&self, outgoing: &Outgoing, patience: &Patience) -> Seen {
        let deadline = Instant::now() + patience.timeout;
        let sent = Sent::default();
        let mut seen = Seen::new();
        for _ in 0..2 {
            let connection = match self.connection(&mut seen, deadline, &patience.cut).await {
                Ok(connection) => connection,
                Err(failure) => return seen.give_up(failure),
            };
            let leaves = patience.leaves_after.map(|after| Instant::now() + after);
            let until = leaves.map_or(deadline, |leaves| leaves.min(deadline));
            let mut reader = AnswerReader::new(outgoing, self.keep);
            let talk = self.talk(connection, outgoing, &sent, (&mut seen, &mut reader));
            let talk = patience.cut.run_until_cancelled(timeout_at(until.into(), talk));
            let talked = talk.await;
            seen.sent = sent.instant();
            let end = match talked {
                Some(Ok(Err(Broken::Stale))) => continue,
                Some(Ok(Err(Broken::Lost))) => BodyEnd::Broken,
                Some(Ok(Ok(()))) => BodyEnd::Proper,
                Some(Err(_)) if until == deadline => BodyEnd::GivenUp(Failure::Timeout),
                Some(Err(_)) | None => BodyEnd::GivenUp(Failure::Cancelled),
            };
            return seen.end(reader, end);
        }
        seen.give_up(Failure::Broken)
    }

    /// A connection, and how long it took where there was none.
    async fn connection(
        &self,
        seen: &mut Seen,
        deadline: Instant,
        cut: &CancellationToken,
    ) -> Result<Connection, Failure> {
        let began = Instant::now();
        let until = deadline.min(began + CONNECT);
        let connecting = timeout_at(until.into(), self.pool.connection());
        let connected = cut.run_until_cancelled(connecting).await;
        // Of two tries it is the first that was sent late or not.
        let waited = !matches!(&connected, Some(Ok(Ok(connection))) if connection.was_at_hand());
        if waited && seen.sent.is_none() {
            seen.connecting = Some(began.elapsed());
        }
        match connected {
            Some(Ok(Ok(connection))) => Ok(connection),
            Some(Ok(Err(error))) => {
                tracing::debug!(%error, "no connection to the target");
                Err(if error.is_ours() { Failure::Exhausted } else { Failure::Connect })
            }
            Some(Err(_)) => Err(Failure::Connect),
            None => Err(Failure::Cancelled),
        }
    }

    async fn talk(
        &self,
        mut connection: Connection,
        outgoing: &Outgoing,
        sent: &Sent,
        (seen, reader): (&mut Seen, &mut AnswerReader),
    ) -> Result<(), Broken> {
        let request = self.request(&connection, outgoing, sent);
        let answer = connection.send(request).await.map_err(|error| {
            let closed = error.is_canceled() || error.is_incomplete_message() || error.is_closed();
            if connection.was_open() && closed { Broken::Stale } else { Broken::Lost }
        })?;
        seen.on_head(Instant::now(), answer.status());
        let whole = read_body(answer, seen, reader).await;
        whole.map_err(|_| Broken::Lost)?;
        self.pool.give_back(connection).await;
        Ok(())
    }

    /// HTTP/1.1 wants a path and a `Host`; HTTP/2 a whole URI.
    fn request(
        &self,
        connection: &Connection,
        outgoing: &Outgoing,
        sent: &Sent,
    ) -> Request<TimedBody> {
        let target = self.pool.target();
        let mut request = Request::new(TimedBody::new(outgoing.body.clone(), sent.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.headers_mut() = outgoing.headers.clone();
        target.dress(request.headers_mut());
        let path = target.path_of(&outgoing.path);
        if connection.is_shared() {
            *request.uri_mut() = target.uri_of(path);
        } else {
            request.headers_mut().insert(http::header::HOST, target.host_header().clone());
            *request.uri_mut() = path.into();
        }
        request
    }
}

/// Reads a body to its end, chunk by chunk as they come.
async fn read_body(
    answer: Response<Incoming>,
    seen: &mut Seen,
    reader: &mut AnswerReader,
) -> hyper::Result<()> {
    let (head, mut body) = answer.into_parts();
    reader.on_head(&head);
    while let Some(frame) = body.frame().await {
        let now = Instant::now();
        if let Ok(chunk) = frame?.into_data()
            && !chunk.is_empty()
        {
            let length = chunk.len();
            let generated = reader.feed(chunk);
            seen.on_chunk(now, length, generated);
        }
    }
    seen.on_end(Instant::now());
    Ok(())
}
