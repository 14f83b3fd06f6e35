//! The traps that response caches have fallen into, each by its name.

use super::*;
mod rich;

use crate::cache::settings::CacheScope;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value as Json, json};
use std::collections::HashSet;

/// What a test changes of a request.
#[derive(Clone)]
struct Request {
    scope: Scope<'static>,
    namespace: Namespace,
    route: RouteIdentity,
    path: &'static str,
    model: &'static str,
    headers: HeaderMap,
    body: String,
    variant: u32,
}

impl Request {
    fn new(body: impl ToString) -> Self {
        Self {
            scope: Scope::Key(Credential::Alias("team")),
            namespace: Namespace::default(),
            route: route(&[("local", "llama-8b", "openai")]),
            path: "/v1/chat/completions",
            model: "llama",
            headers: HeaderMap::new(),
            body: body.to_string(),
            variant: 0,
        }
    }

    fn key(&self) -> CacheKey {
        self.try_key().unwrap()
    }

    fn try_key(&self) -> Result<CacheKey, Ambiguous> {
        let Self { scope, namespace, route, path, model, headers, body, variant } = self;
        KeyParts {
            scope: *scope,
            namespace,
            route,
            path,
            model,
            headers,
            body: body.as_bytes(),
            variant: *variant,
        }
        .key()
    }
}

fn key(body: &str) -> CacheKey {
    Request::new(body).key()
}

fn route(targets: &[(&'static str, &'static str, &'static str)]) -> RouteIdentity {
    RouteIdentity::of(targets.iter().map(|&(upstream, model, protocol)| RouteTarget {
        upstream,
        model,
        protocol,
    }))
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for &(name, value) in pairs {
        headers.append(name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn the_order_of_messages_has_a_part() {
    assert_ne!(key(r#"{"messages":["a","b"]}"#), key(r#"{"messages":["b","a"]}"#));
    assert_ne!(key(r#"{"messages":["a","b"]}"#), key(r#"{"messages":["a"],"b":[]}"#));
}

#[test]
fn seeds_that_are_the_same_double_are_not_the_same_seed() {
    let seed = |seed: &str| key(&format!("{{\"seed\":{seed}}}"));
    assert_ne!(seed("9007199254740992"), seed("9007199254740993"));
    assert_ne!(seed("18446744073709551614"), seed("18446744073709551615"));
    assert_ne!(seed("1"), seed("\"1\""));
    assert_ne!(seed("1"), seed("1.0"), "numbers count as they are written");
}

#[test]
fn absent_null_and_zero_are_three_things() {
    let keys = [
        r#"{"messages":[]}"#,
        r#"{"messages":[],"temperature":null}"#,
        r#"{"messages":[],"temperature":0}"#,
        r#"{"messages":[],"temperature":1}"#,
    ]
    .map(key);
    assert_eq!(HashSet::from(keys).len(), 4);
}

#[test]
fn a_stream_is_no_answer_to_who_wants_a_document() {
    let keys = [
        r#"{"x":1}"#,
        r#"{"x":1,"stream":false}"#,
        r#"{"x":1,"stream":true}"#,
        r#"{"x":1,"stream":true,"stream_options":null}"#,
        r#"{"x":1,"stream":true,"stream_options":{"include_usage":true}}"#,
        r#"{"x":1,"stream":true,"stream_options":{"include_usage":false}}"#,
    ]
    .map(key);
    assert_eq!(HashSet::from(keys).len(), 6);
}

#[test]
fn text_that_moves_from_one_place_to_another_gives_another_key() {
    let keys = [
        r#"{"a":"xy","b":""}"#,
        r#"{"a":"x","b":"y"}"#,
        r#"{"a":"","b":"xy"}"#,
        r#"{"ab":"xy"}"#,
        r#"{"a":{"b":"xy"}}"#,
        r#"{"a":["b","xy"]}"#,
        r#"{"a":"\",\"b\":\"xy"}"#,
    ]
    .map(key);
    assert_eq!(HashSet::from(keys).len(), 7);
}

#[test]
fn labels_for_dashboards_have_no_part() {
    let plain = key(r#"{"x":1}"#);
    for name in ["user", "metadata", "safety_identifier", "prompt_cache_key", "cache"] {
        let mut body = Map::from_iter([("x".to_owned(), json!(1))]);
        body.insert(name.into(), json!({ "a": "b" }));
        assert_eq!(Request::new(Json::Object(body)).key(), plain, "{name}");
    }
}

#[test]
fn a_body_that_two_readers_understand_differently_has_no_key() {
    for body in [r#"{"a":1,"a":2}"#, r#"{"m":[{"a":1,"\u0061":1}]}"#, r#"{"a":"\ud800"}"#, "{"] {
        assert_eq!(Request::new(body).try_key(), Err(Ambiguous), "{body}");
    }
}

#[test]
fn everything_around_the_body_has_a_part() {
    let base = Request::new(r#"{"model":"m"}"#);
    let mut others: Vec<Request> = vec![base.clone(); 10];
    others[0].scope = Scope::Key(Credential::Alias("other"));
    others[1].namespace = Namespace::named("n", "n").unwrap();
    others[2].route = route(&[("other", "llama-8b", "openai")]);
    others[3].path = "/v1/completions";
    others[4].path = "/v1/chat/completions?api-version=2";
    others[5].model = "llama-70b";
    others[6].headers = headers(&[("openai-beta", "assistants=v2")]);
    others[7].variant = 1;
    others[8].scope = Scope::Global;
    others[9].scope = Scope::Tenant("team");
    let keys: HashSet<CacheKey> =
        others.iter().chain([&base]).map(|request| request.key()).collect();
    assert_eq!(keys.len(), 11);
}

#[test]
fn a_name_cannot_pass_for_another_part() {
    let mut one = Request::new("{}");
    one.namespace = Namespace::named("n", "ab").unwrap();
    one.path = "c";
    let mut other = one.clone();
    other.namespace = Namespace::named("n", "a").unwrap();
    other.path = "bc";
    assert_ne!(one.key(), other.key());
}

#[test]
fn what_the_client_calls_the_model_has_no_part() {
    assert_eq!(key(r#"{"model":"alias","x":1}"#), key(r#"{"x":1,"model":"llama"}"#));
}

#[test]
fn a_route_is_its_targets_in_any_order() {
    let (a, b) = (("a", "m", "openai"), ("b", "m", "openai"));
    assert_eq!(route(&[a, b]), route(&[b, a]));
    assert_eq!(route(&[a, a]), route(&[a]));
    let different = [
        route(&[]),
        route(&[a]),
        route(&[b]),
        route(&[a, b]),
        route(&[("a", "n", "openai")]),
        route(&[("a", "m", "http")]),
        route(&[("am", "", "openai")]),
    ];
    let keys: HashSet<[u8; 32]> = different.iter().map(|route| route.0).collect();
    assert_eq!(keys.len(), different.len());
}

#[test]
fn headers_that_change_answers_have_a_part_and_others_have_none() {
    let with = |pairs: &[(&'static str, &'static str)]| {
        Request { headers: headers(pairs), ..Request::new("{}") }.key()
    };
    let plain = with(&[]);
    for name in [
        "openai-beta",
        "openai-organization",
        "anthropic-version",
        "anthropic-beta",
        "groq-model-version",
        "x-portkey-config",
        "x-amzn-bedrock-guardrailidentifier",
        "extra-parameters",
        "accept",
        "cookie",
    ] {
        assert_ne!(with(&[(name, "v")]), plain, "{name}");
        assert_ne!(with(&[(name, "v")]), with(&[(name, "w")]), "{name}");
    }
    for name in [
        "x-request-id",
        "traceparent",
        "user-agent",
        "x-stainless-retry-count",
        "authorization",
        "cache-control",
        "x-transom-cache",
        "content-length",
        "x-forwarded-for",
    ] {
        assert_eq!(with(&[(name, "v")]), plain, "{name}");
    }
    let (a, b) = (("anthropic-beta", "a"), ("anthropic-beta", "b"));
    assert_ne!(with(&[a, b]), with(&[b, a]), "values keep their order");
    assert_ne!(with(&[a, b]), with(&[("anthropic-beta", "ab")]));
    let (x, y) = (("accept", "a"), ("cookie", "b"));
    assert_ne!(with(&[x, ("accept", "cookie"), y]), with(&[x, ("cookie", "cookie"), y]));
    let c = ("openai-beta", "c");
    assert_eq!(with(&[a, c]), with(&[c, a]), "names have none");
}

#[test]
fn tenants_and_keys_are_kept_apart() {
    let holder = |alias, tenant| Asker::Holder { alias, tenant };
    let key =
        |setting, asker| Request { scope: Scope::of(setting, asker), ..Request::new("{}") }.key();
    let (ann, bob) = (holder("ann", Some("acme")), holder("bob", Some("acme")));
    let (eve, joe) = (holder("eve", Some("evil")), holder("joe", None));
    assert_ne!(key(CacheScope::Key, ann), key(CacheScope::Key, bob));
    assert_eq!(key(CacheScope::Tenant, ann), key(CacheScope::Tenant, bob));
    assert_ne!(key(CacheScope::Tenant, ann), key(CacheScope::Tenant, eve));
    assert_ne!(key(CacheScope::Tenant, joe), key(CacheScope::Tenant, ann));
    assert_eq!(key(CacheScope::Tenant, joe), key(CacheScope::Key, joe), "alone without a tenant");
    assert_eq!(key(CacheScope::Global, ann), key(CacheScope::Global, eve));
    // A tenant, a key and "nobody" of the same name are three.
    let named = [
        Scope::Tenant("none"),
        Scope::Key(Credential::Alias("none")),
        Scope::Key(Credential::None),
    ];
    let keys = named.map(|scope| Request { scope, ..Request::new("{}") }.key());
    assert_eq!(HashSet::from(keys).len(), 3);
}

#[test]
fn a_stranger_with_another_credential_never_hits() {
    const NAMES: [HeaderName; 2] =
        [http::header::AUTHORIZATION, HeaderName::from_static("x-api-key")];
    let key = |setting, pairs: &[(&'static str, &'static str)]| {
        let shown = CredentialDigest::of(&headers(pairs), &NAMES);
        Request { scope: Scope::of(setting, Asker::Stranger(shown)), ..Request::new("{}") }.key()
    };
    for setting in [CacheScope::Key, CacheScope::Tenant, CacheScope::Global] {
        let strangers: [&[(&'static str, &'static str)]; 6] = [
            &[],
            &[("authorization", "Bearer a")],
            &[("authorization", "Bearer b")],
            &[("x-api-key", "Bearer a")],
            &[("authorization", "Bearer a"), ("x-api-key", "b")],
            &[("authorization", "")],
        ];
        let keys: HashSet<CacheKey> = strangers.map(|pairs| key(setting, pairs)).into();
        assert_eq!(keys.len(), strangers.len(), "{setting:?}");
        let again = key(setting, &[("user-agent", "x"), ("authorization", "Bearer a")]);
        assert_eq!(again, key(setting, strangers[1]));
    }
    assert_eq!(CredentialDigest::of(&headers(&[("user-agent", "x")]), &NAMES), None);
}

#[test]
fn a_key_stays_what_it_is_until_its_version_changes() {
    // Entries outlive the process that wrote them: change `VERSION` when this changes.
    let key = Request::new(r#"{"model":"m","n":1,"s":"é","a":[true,null]}"#).key();
    assert_eq!(key.to_string(), "ecde9bafca45e876afabe9c38ea0e746cf358e98536aeb582b31ec6d6bd20e4e");
}
