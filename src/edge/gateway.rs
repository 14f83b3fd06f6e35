//! pingora's view of Transom: which requests the pipeline serves and which pass through.
//!
//! Must not know: how either is done.

use crate::edge::PingoraTransport;
use crate::edge::downstream::{Afterwards, PingoraDownstream};
use crate::edge::pass_through::PassThrough;
use crate::edge::upgrade;
use crate::error::Fault;
use crate::identity::Caller;
use crate::observe::RecordGuard;
use crate::pipeline::{self, Deps};
use crate::types::Operation;
use crate::upstream::Upstream;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::Digest;
use pingora::protocols::http::ServerSession;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType as Kind, Result};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Headers beyond this many, or this many bytes together, are refused with 431.
const HEADERS: (usize, usize) = (100, 32 * 1024);

/// The proxy as pingora runs it.
pub struct Gateway {
    deps: Arc<Deps<PingoraTransport>>,
    /// Where requests go that name no model.
    default_upstream: Option<Arc<Upstream>>,
}

impl Gateway {
    /// A gateway whose pass-through goes to `default_upstream`.
    pub fn new(deps: Arc<Deps<PingoraTransport>>, default_upstream: Option<Arc<Upstream>>) -> Self {
        Self { deps, default_upstream }
    }

    async fn serve(&self, session: &mut ServerSession, rec: RecordGuard) -> Result<bool> {
        let mut down = PingoraDownstream::new(session);
        pipeline::handle(&self.deps, &mut down, rec).await;
        closed(down).await
    }

    async fn upgrade(
        &self,
        session: &mut ServerSession,
        (caller, upstream): (Caller, Arc<Upstream>),
        mut rec: RecordGuard,
    ) -> Result<bool> {
        let mut down = PingoraDownstream::new(session);
        let served = upgrade::serve(&self.deps, &mut down, (&caller, &upstream), &mut rec).await;
        pipeline::conclude(&self.deps, &mut down, rec, served).await;
        closed(down).await
    }

    async fn refuse(
        &self,
        session: &mut ServerSession,
        rec: RecordGuard,
        fault: Fault,
    ) -> Result<bool> {
        let mut down = PingoraDownstream::new(session);
        pipeline::refuse(&self.deps, &mut down, rec, fault).await;
        closed(down).await
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Option<PassThrough>;

    fn new_ctx(&self) -> Self::CTX {
        None
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut Self::CTX) -> Result<bool> {
        let mut rec = pipeline::begin(&self.deps, session.req_header(), client_ip(session));
        if let Some(fault) = unacceptable(session) {
            return self.refuse(session.as_downstream_mut(), rec, fault).await;
        }
        if rec.call.operation != Operation::PassThrough {
            return self.serve(session.as_downstream_mut(), rec).await;
        }
        let admitted = pipeline::caller(&self.deps, session.req_header(), &mut rec);
        let upstream = self.default_upstream.as_ref().ok_or(Fault::NoBackendYet);
        match admitted.and_then(|caller| upstream.map(|upstream| (caller, upstream))) {
            Ok((caller, upstream)) if session.is_upgrade_req() && session.is_body_empty() => {
                let upstream = Arc::clone(upstream);
                self.upgrade(session.as_downstream_mut(), (caller, upstream), rec).await
            }
            Ok((caller, upstream)) => {
                *ctx = Some(PassThrough::new(rec, caller, Arc::clone(upstream)));
                Ok(false)
            }
            Err(fault) => self.refuse(session.as_downstream_mut(), rec, fault).await,
        }
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        ctx: &mut Self::CTX,
    ) -> Result<Box<HttpPeer>> {
        match ctx {
            Some(pass) => pass.choose_peer(&self.deps).await,
            None => Err(Error::new_in(Kind::InternalError)),
        }
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut Self::CTX,
    ) -> Result<()> {
        ctx.as_mut().map_or(Ok(()), |pass| pass.prepare(request))
    }

    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        _reused: bool,
        _peer: &HttpPeer,
        #[cfg(unix)] _fd: std::os::unix::io::RawFd,
        _digest: Option<&Digest>,
        ctx: &mut Self::CTX,
    ) -> Result<()> {
        if let Some(pass) = ctx {
            pass.connected(&self.deps);
        }
        Ok(())
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut Self::CTX,
        error: Box<Error>,
    ) -> Box<Error> {
        match ctx {
            Some(pass) => pass.failed_to_connect(&self.deps, error),
            None => error,
        }
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        ctx: &mut Self::CTX,
    ) -> Result<()> {
        if let (Some(pass), Some(body)) = (ctx, body) {
            pass.body_in(body.len());
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        _session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Self::CTX,
    ) -> Result<()> {
        ctx.as_mut().map_or(Ok(()), |pass| pass.answered(&self.deps, response))
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        ctx: &mut Self::CTX,
    ) -> Result<Option<Duration>> {
        if let (Some(pass), Some(body)) = (ctx, body) {
            pass.body_out(&self.deps, body.len());
        }
        Ok(None)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Self::CTX,
    ) -> FailToProxy {
        let error_code = match ctx {
            Some(pass) => pass.answer_failure(&self.deps, session, error).await,
            // The pipeline has answered or cut what it serves itself.
            None => 0,
        };
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, _session: &mut Session, error: Option<&Error>, ctx: &mut Self::CTX) {
        if let Some(pass) = ctx.take() {
            pass.finish(&self.deps, error);
        }
    }

    /// pingora's own lines hold paths and query strings; the access log has what is safe.
    fn suppress_error_log(&self, _session: &Session, _ctx: &Self::CTX, _error: &Error) -> bool {
        true
    }
}

/// `Ok(true)` tells pingora that the answer was sent whole, an error that the connection
/// has to go.
async fn closed(down: PingoraDownstream<'_>) -> Result<bool> {
    match down.close().await {
        Afterwards::Finish => Ok(true),
        Afterwards::Cut => Err(Error::new_down(Kind::ConnectionClosed)),
    }
}

/// Requests that are refused before anything else is read.
fn unacceptable(session: &Session) -> Option<Fault> {
    let headers = &session.req_header().headers;
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > HEADERS.0 || bytes > HEADERS.1 {
        return Some(Fault::HeadersTooLarge);
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next()?;
    // pingora drops Content-Length when both are there; a proxy that guessed otherwise in
    // front of us would be smuggled past (RFC 9112 §6.1), so neither is believed.
    let length_too =
        session.as_http1().is_some_and(|h1| declares_length(&h1.get_headers_raw_bytes()));
    let plain = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
    (length_too || !plain).then_some(Fault::AmbiguousFraming)
}

fn declares_length(raw_head: &[u8]) -> bool {
    let name = b"content-length:";
    raw_head
        .split(|byte| *byte == b'\n')
        .any(|line| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

fn client_ip(session: &Session) -> Option<IpAddr> {
    session.client_addr()?.as_inet().map(SocketAddr::ip)
}
