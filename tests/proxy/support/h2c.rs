//! An HTTP/2 client over plain TCP, with prior knowledge (RFC 9113 §3.3).
//!
//! Must not know: the proxy's rules.

use super::wait::within;
use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// One connection to the proxy.
pub struct H2Client {
    requests: SendRequest<Bytes>,
    _connection: JoinSet<()>,
}

/// A request under way.
pub struct H2Call {
    /// The answer's head.
    pub head: Response<()>,
    /// The answer's body.
    pub body: RecvStream,
    /// The sending side, for a reset.
    pub sender: SendStream<Bytes>,
}

impl H2Client {
    /// Connects to `address`.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the proxy accepts");
        let (requests, connection) =
            within("the HTTP/2 handshake", handshake(stream)).await.expect("HTTP/2");
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // However it ends, the streams say so.
            drop(connection.await);
        });
        Self { requests, _connection: driver }
    }

    /// Sends a request with its body and waits for the answer's head.
    pub async fn call(&self, request: Request<()>, body: Vec<u8>) -> H2Call {
        let (answer, sender) = self.send(request, body).await;
        let answer = within("an HTTP/2 answer", answer).await.expect("an answer");
        let (head, body) = answer.into_parts();
        H2Call { head: Response::from_parts(head, ()), body, sender }
    }

    /// Sends a request with its body.
    pub async fn send(
        &self,
        request: Request<()>,
        body: Vec<u8>,
    ) -> (h2::client::ResponseFuture, SendStream<Bytes>) {
        let mut requests =
            within("room for a stream", self.requests.clone().ready()).await.expect("HTTP/2");
        let (answer, mut sender) = requests.send_request(request, body.is_empty()).expect("sent");
        if !body.is_empty() {
            sender.send_data(body.into(), true).expect("sent");
        }
        (answer, sender)
    }
}

impl H2Call {
    /// The status.
    pub fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    /// The next bytes of the body; `None` at its proper end.
    pub async fn data(&mut self) -> Result<Option<Bytes>, h2::Error> {
        match within("HTTP/2 data", self.body.data()).await {
            None => Ok(None),
            Some(Ok(data)) => {
                self.body.flow_control().release_capacity(data.len())?;
                Ok(Some(data))
            }
            Some(Err(error)) => Err(error),
        }
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// When the stream is reset before its end.
    pub async fn rest(&mut self) -> Result<Vec<u8>, h2::Error> {
        let mut body = Vec::new();
        while let Some(data) = self.data().await? {
            body.extend_from_slice(&data);
        }
        Ok(body)
    }
}

/// A POST of JSON to `path`.
pub fn h2_post(path: &str) -> Request<()> {
    Request::post(format!("http://proxy.test{path}"))
        .header("content-type", "application/json")
        .body(())
        .expect("a request")
}
