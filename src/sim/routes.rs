//! The paths of the server, one small handler each.
//!
//! Must not know: sockets, timing, the shape of any body.

use super::answer;
use super::call::Call;
use super::completion::{Completion, Finish, Form};
use super::embeddings;
use super::refusal::Refusal;
use super::request::{self, Ask, Delivery, EmbeddingAsk};
use super::server::Server;
use super::stats::{End, Ticket};
use super::text::{Text, mix};
use crate::types::Operation;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// The longest request body, in bytes.
pub(super) const BODY_LIMIT: usize = 64 << 20;

/// Every path; what is not here is answered as OpenAI does.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/v1/embeddings", post(embed))
        .route("/v1/models", get(models))
        .route("/v1/models/{*model}", get(model))
        .route("/health", get(health))
        .route("/sim/stats", get(stats))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(server)
}

type Shared = State<Arc<Server>>;

async fn chat(call: Call) -> Response {
    match request::chat(&call.body, call.server.settings.seed) {
        Ok(ask) => generate(call, ask, Form::Chat).await,
        Err(refusal) => call.refuse(refusal),
    }
}

async fn completions(call: Call) -> Response {
    match request::completion(&call.body, call.server.settings.seed) {
        Ok(ask) => generate(call, ask, Form::Text).await,
        Err(refusal) => call.refuse(refusal),
    }
}

async fn embed(call: Call) -> Response {
    let seed = call.server.settings.seed;
    let known = |ask: EmbeddingAsk| call.server.know(&ask.model).map(|()| ask);
    match request::embedding(&call.body, seed).and_then(known) {
        Ok(ask) => {
            call.ticket.tokens_in(ask.prompt_tokens());
            let (exchange, pace) = call.start();
            answer::whole(exchange, embeddings::answer(&ask, seed), 0, pace.end_of(1)).await
        }
        Err(refusal) => call.refuse(refusal),
    }
}

async fn generate(call: Call, ask: Ask, form: Form) -> Response {
    if let Err(refusal) = call.server.know(&ask.model) {
        return call.refuse(refusal);
    }
    call.ticket.tokens_in(ask.prompt_tokens);
    let delivery = ask.delivery;
    let completion = complete(&call, ask, form);
    let (exchange, pace) = call.start();
    match delivery {
        Delivery::Stream(usage) => answer::streamed(exchange, &completion, usage, pace),
        Delivery::Whole => {
            let tokens = completion.tokens;
            answer::whole(exchange, completion.whole(), tokens, pace.end_of(tokens)).await
        }
    }
}

fn complete(call: &Call, ask: Ask, form: Form) -> Completion {
    // The length comes from the question too, so that the same one is answered the same way.
    let mut rng = fastrand::Rng::with_seed(mix(ask.key, ask.prompt_tokens));
    let natural = call.knobs.tokens.draw(&mut rng);
    let limit = ask.limit.unwrap_or(natural);
    let prefix = match form {
        Form::Chat => "chatcmpl",
        Form::Text => "cmpl",
    };
    Completion {
        form,
        id: format!("{prefix}-{:016x}", call.draw.id),
        created: call.server.unix_seconds(),
        model: ask.model,
        prompt_tokens: ask.prompt_tokens,
        tokens: natural.min(limit),
        finish: if limit < natural { Finish::Length } else { Finish::Stop },
        text: Text::new(ask.key),
    }
}

async fn models(State(server): Shared) -> Response {
    let created = server.unix_seconds();
    let data: Vec<Value> =
        server.settings.models.iter().map(|name| describe(name.as_str(), created)).collect();
    settle(server.stats.receive(Operation::Models), Ok(json!({ "object": "list", "data": data })))
}

async fn model(State(server): Shared, Path(name): Path<String>) -> Response {
    let created = server.unix_seconds();
    let answer = server.know(&name).map(|()| describe(&name, created));
    settle(server.stats.receive(Operation::Models), answer)
}

fn describe(name: &str, created: u64) -> Value {
    json!({ "id": name, "object": "model", "created": created, "owned_by": "sim" })
}

async fn health(State(server): Shared) -> Json<Value> {
    server.stats.probe();
    Json(json!({ "status": "ok" }))
}

async fn stats(State(server): Shared) -> Json<Value> {
    Json(server.stats.to_json())
}

async fn no_route(State(server): Shared, method: Method, uri: Uri) -> Response {
    let refusal = Refusal::NoRoute(method, uri.path().to_owned());
    settle(server.stats.receive(Operation::PassThrough), Err(refusal))
}

async fn wrong_method(State(server): Shared, method: Method) -> Response {
    settle(server.stats.receive(Operation::PassThrough), Err(Refusal::WrongMethod(method)))
}

fn settle(mut ticket: Ticket, answer: Result<Value, Refusal>) -> Response {
    match answer {
        Ok(body) => {
            ticket.end(End::Finished);
            Json(body).into_response()
        }
        Err(refusal) => {
            ticket.end(refusal.end());
            refusal.into_response()
        }
    }
}
