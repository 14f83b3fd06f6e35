//! One inference request as its handler gets it: counted, let in, its body read.
//!
//! Must not know: what the body says.

use super::answer::Exchange;
use super::knobs::Knobs;
use super::pace::Pace;
use super::refusal::Refusal;
use super::server::{Draw, Server};
use super::stats::Ticket;
use super::wire::Connection;
use crate::types::Operation;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use std::sync::Arc;

/// A request to run the model.
pub(super) struct Call {
    pub(super) server: Arc<Server>,
    pub(super) body: Bytes,
    /// What the request's number draws for it.
    pub(super) draw: Draw,
    pub(super) knobs: Knobs,
    pub(super) ticket: Ticket,
    connection: Connection,
}

impl FromRequest<Arc<Server>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, Response> {
        // Counted before its body is read: a client that leaves while uploading did call.
        let mut ticket = server.stats.receive(operation(request.uri().path()));
        let (mut parts, body) = request.into_parts();
        let ConnectInfo(connection) = ConnectInfo::from_request_parts(&mut parts, &())
            .await
            .map_err(IntoResponse::into_response)?;
        let headers = parts.headers.clone();
        let body = read(Request::from_parts(parts, body)).await;
        match body.and_then(|body| Ok((body, admit(server, &headers)?))) {
            Ok((body, (draw, knobs))) => {
                Ok(Self { server: Arc::clone(server), body, draw, knobs, ticket, connection })
            }
            Err(refusal) => {
                ticket.end(refusal.end());
                Err(refusal.into_response())
            }
        }
    }
}

impl Call {
    /// Answers with an error status.
    pub(super) fn refuse(mut self, refusal: Refusal) -> Response {
        self.ticket.end(refusal.end());
        refusal.into_response()
    }

    /// Starts the clock of the answer.
    pub(super) fn start(self) -> (Exchange, Pace) {
        let exchange = Exchange {
            ticket: self.ticket,
            fault: self.knobs.fault,
            connection: self.connection,
            stop: self.server.stop.clone(),
        };
        (exchange, Pace::start(&self.knobs, self.draw.rng))
    }
}

fn operation(path: &str) -> Operation {
    let known = Operation::ALL.into_iter().find(|operation| operation.route() == path);
    known.unwrap_or(Operation::PassThrough)
}

async fn read(request: Request) -> Result<Bytes, Refusal> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        _ => Refusal::Unread(rejection.body_text()),
    })
}

fn admit(server: &Server, headers: &HeaderMap) -> Result<(Draw, Knobs), Refusal> {
    let mut draw = server.draw();
    let knobs = Knobs::of(&server.settings, headers)?;
    if let Some(status) = knobs.status {
        return Err(Refusal::Injected(status.0));
    }
    server.admit(&mut draw)?;
    Ok((draw, knobs))
}
