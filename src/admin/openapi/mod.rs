//! The API of the admin listener as a document (OpenAPI 3.1.1), for clients, tools and tests.
//!
//! One fragment an area, written by hand: `{"tag": …, "paths": …, "schemas": …}`, listed in
//! [`AREAS`]. What follows from the table of rights is added here: who may, and how a no looks.
//! A path belongs into the fragment of its area; a test finds it missing there. Whatever a schema
//! names is always there, unless its `required` says otherwise.
//!
//! Must not know: what a path does.

#[cfg(test)]
mod tests;

use crate::admin::AdminState;
use crate::admin::access::{Right, right_for};
use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

/// The fragments, in the order in which their areas are told.
const AREAS: [&str; 11] = [
    include_str!("numbers.json"),
    include_str!("requests.json"),
    include_str!("alerts.json"),
    include_str!("upstreams.json"),
    include_str!("cache.json"),
    include_str!("captures.json"),
    include_str!("replays.json"),
    include_str!("keys.json"),
    include_str!("configuration.json"),
    include_str!("playground.json"),
    include_str!("system.json"),
];

/// Statuses that more than one path may answer with, and what they mean.
const REFUSALS: [(&str, &str); 11] = [
    ("400", "It makes no sense, and why."),
    ("401", "Nobody known is asking: sign in, or send a token."),
    ("403", "The role does not include this, or another site's page sent it."),
    ("404", "There is none, or no longer."),
    ("405", "That cannot be done here."),
    ("409", "It cannot be done now, and why."),
    ("413", "It is too large."),
    ("415", "It is neither JSON nor a form."),
    ("429", "Too many at once, or too many wrong tokens."),
    ("501", "This build cannot."),
    ("503", "It cannot be had for the moment."),
];

/// `GET /api/v1/openapi.json`
pub(super) async fn document(State(state): State<AdminState>) -> Json<Value> {
    Json(whole(state.access.base(), state.access.cookie()))
}

/// All of it, for pages below `base` that know browsers by `cookie`.
fn whole(base: &str, cookie: &str) -> Value {
    let (mut tags, mut paths, mut schemas) = (Vec::new(), Map::new(), Map::new());
    for area in AREAS.iter().filter_map(|area| serde_json::from_str::<Value>(area).ok()) {
        let Value::Object(mut area) = required(area) else { continue };
        let tag = area.remove("tag").unwrap_or_default();
        for (path, mut item) in members(area.remove("paths")) {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                operation["tags"] = json!([tag["name"]]);
                add_right(operation, &method.to_uppercase(), &path);
            }
            paths.insert(path, item);
        }
        schemas.extend(members(area.remove("schemas")));
        tags.push(tag);
    }
    schemas.insert("Refusal".to_owned(), refusal_schema());
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Transom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of the admin listener. Times are in seconds, dates are RFC 3339, shares are from 0 to 1; what is not known is null. Fields may be added.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": if base.is_empty() { "/" } else { base } }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": refusals(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": cookie },
            },
        },
    })
}

/// `schema` with all that objects in it name as required, where it does not say what is.
fn required(schema: Value) -> Value {
    match schema {
        Value::Array(items) => items.into_iter().map(required).collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, required(value)));
            let mut members: Map<String, Value> = members.collect();
            if let (Some(Value::Object(properties)), None) =
                (members.get("properties"), members.get("required"))
            {
                let names: Value = properties.keys().map(String::as_str).collect();
                members.insert("required".to_owned(), names);
            }
            Value::Object(members)
        }
        plain => plain,
    }
}

/// Who may, and how those are refused who may not. `/metrics` may be open to all.
fn add_right(operation: &mut Value, method: &str, path: &str) {
    let ways_in = json!([{ "token": [] }, { "session": [] }]);
    let Some(right) = right_for(method, path) else {
        let is_metrics = path == "/metrics";
        operation["security"] = if is_metrics { json!([{}, { "token": [] }]) } else { json!([]) };
        return;
    };
    operation["security"] = ways_in;
    operation["x-right"] = word(right).into();
    let mut statuses = vec!["401", "403"];
    if method != "GET" {
        statuses.extend(["400", "413", "415"]);
    }
    for status in statuses.into_iter().chain(["429"]) {
        let responses = operation["responses"].as_object_mut();
        let reference = json!({ "$ref": format!("#/components/responses/{status}") });
        responses.map(|responses| responses.entry(status).or_insert(reference));
    }
}

const fn word(right: Right) -> &'static str {
    match right {
        Right::View => "view",
        Right::Content => "content",
        Right::Act => "act",
        Right::Administer => "administer",
    }
}

fn refusal_schema() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": { "type": "string", "description": "Why not, in words." } },
    })
}

fn refusals() -> Map<String, Value> {
    let schema = json!({ "$ref": "#/components/schemas/Refusal" });
    let response = |(status, means): (&str, &str)| {
        let content = json!({ "application/json": { "schema": schema } });
        (status.to_owned(), json!({ "description": means, "content": content }))
    };
    REFUSALS.into_iter().map(response).collect()
}

fn members(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
