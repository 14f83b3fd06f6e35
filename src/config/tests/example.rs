//! A whole file means what it says.

use super::{FILE, errors, read};
use crate::admin::{AccessSettings, AdminTls, HostName, MetricsAccess, Role};
use crate::config::{Environment, Overrides, empty, load};
use crate::history::RecentSettings;
use crate::observe::{
    Goodput, Indicator, LogFormat, LogLevel, OtlpProtocol, SloScope, SloSettings, Trust, Trusted,
    Upstream429,
};
use crate::types::{NanoUsd, Operation};
use crate::upstream::{Balance, Price, Protocol, Scheme, StreamUsage, Timeouts};
use crate::webhook::EventKind;
use std::path::Path;
use std::time::Duration;

pub(super) const EXAMPLE: &str = r#"
[server]
listen   = ["127.0.0.1:7080"]
admin    = "127.0.0.1:7081"
data_dir = "transom-data"
max_body = "32MiB"

[admin]
recent = { requests = 5000, bytes = "8MiB" }
base_path  = "/transom/"
hosts      = ["Transom.Example.org", "[::1]:8443"]
behind_tls = true
metrics    = "open"

[[admin.user]]
name         = "anna"
role         = "viewer-content"
token_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

[[upstream]]
name        = "vllm"
protocol    = "openai"
endpoints   = ["http://10.0.0.1:8000", { url = "http://10.0.0.2:8000", weight = 2 }]
balance     = "p2c_tokens"
api_key_env = "VLLM_KEY"
timeouts    = { connect = "2s", first_byte = "120s", first_token = "60s", idle = "60s", total = "15m" }

[[upstream]]
name          = "vllm-next"
protocol      = "http"
endpoints     = ["https://[::1]/models/v1"]
balance       = "round_robin"
include_usage = false
timeouts      = { connect = "500ms" }

[[model]]
name    = "chat-large"
aliases = ["gpt-4o", "llama-3*"]
targets = [ { upstream = "vllm", model = "meta-llama/Llama-3.3-70B", weight = 90 },
            { upstream = "vllm-next", weight = 10 } ]
price   = { input = 0.50, output = 1.5 }
cache   = { ttl = "10m", sampled = "allow", pace = "40 tokens/s" }

[[model]]
name    = "chat-small"
targets = [ { upstream = "vllm" } ]
cache   = true

[[key]]
alias  = "team-search"
tenant = "search"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

[[slo]]
name      = "first-token"
model     = "chat-*"
kind      = "ttft"
threshold = "1.5s"
objective = 95.0
window    = "7d"

[[slo]]
name         = "embedding"
route        = "/v1/embeddings"
kind         = "goodput"
threshold    = { latency = "2s" }
objective    = 99
upstream_429 = "excluded"

[[webhook]]
name       = "ops"
url        = "https://hooks.example.org/T0/secret"
secret_env = "OPS_WEBHOOK"
events     = ["budget"]
models     = ["chat-*"]

[tracing]
otlp                     = "http://127.0.0.1:4318"
protocol                 = "grpc"
headers_env              = "OTLP_HEADERS"
trust                    = ["10.0.0.0/8", "::1"]
target_traces_per_minute = 30
floor                    = { high = "5%" }
max_traces_per_second    = 200

[cache]
memory                 = "1GiB"
policy                 = "tinylfu"
disk                   = 0
redis                  = { url_env = "REDIS_URL", cluster = true, nodes = ["h:6379"], timeout = "20ms", prefix = "t1" }
models                 = ["*-small"]
when                   = "asked"
ttl                    = "2h"
scope                  = "tenant"
sampled                = "refuse"
stale_while_revalidate = "1m"
stale_if_error         = "1h"
errors_ttl             = "2s"
collapse               = "off"
pace                   = "recorded"

[log]
format = "json"
level  = "warn"
"#;

#[test]
fn the_example_means_what_it_says() {
    let settings = read(EXAMPLE).unwrap();
    assert_eq!(settings.server, empty(&none(), &Overrides::default()).unwrap().server);

    assert_eq!(settings.recent, RecentSettings { requests: 5_000, bytes: 8 << 20 });
    let [vllm, next] = settings.upstreams.as_slice() else { panic!("{settings:?}") };
    assert_eq!((vllm.name.as_str(), vllm.protocol), ("vllm", Protocol::OpenAi));
    assert_eq!((vllm.balance, vllm.stream_usage), (Balance::P2cTokens, StreamUsage::Ask));
    assert_eq!(vllm.timeouts, Timeouts::default());
    assert_eq!(vllm.api_key.as_ref().unwrap().expose(), "canary-of-env");
    let [first, second] = vllm.endpoints.as_slice() else { panic!("{vllm:?}") };
    assert_eq!((first.origin.authority().as_str(), first.weight), ("10.0.0.1:8000", 1));
    assert_eq!((second.origin.authority().as_str(), second.weight), ("10.0.0.2:8000", 2));

    assert_eq!((next.name.as_str(), next.protocol), ("vllm-next", Protocol::Http));
    assert_eq!((next.balance, next.stream_usage), (Balance::RoundRobin, StreamUsage::AsSent));
    assert_eq!(next.timeouts.connect, Duration::from_millis(500));
    assert_eq!(next.timeouts.total, Timeouts::default().total);
    assert!(next.api_key.is_none());
    let endpoint = &next.endpoints[0];
    assert_eq!((endpoint.origin.scheme, endpoint.origin.port), (Scheme::Https, 443));
    assert_eq!((endpoint.origin.host.as_str(), endpoint.prefix.as_str()), ("::1", "/models/v1"));

    let [model, _] = settings.models.as_slice() else { panic!("{settings:?}") };
    assert_eq!(model.name, "chat-large");
    assert_eq!(model.aliases, ["gpt-4o", "llama-3*"]);
    let targets: Vec<_> =
        model.targets.iter().map(|t| (t.upstream.as_str(), t.model.as_deref(), t.weight)).collect();
    let expected = [("vllm", Some("meta-llama/Llama-3.3-70B"), 90), ("vllm-next", None, 10)];
    assert_eq!(targets, expected);

    assert_eq!(settings.keys[0].alias, "team-search");
    assert_eq!(settings.keys[0].sha256[..2], [0xe3, 0xb0]);
    assert_eq!((settings.log.format, settings.log.level), (LogFormat::Json, LogLevel::Warn));
}

#[test]
fn access_to_the_pages_means_what_it_says() {
    let AccessSettings { base_path, hosts, users, tls, metrics } = read(EXAMPLE).unwrap().admin;
    assert_eq!(base_path, "/transom");
    let named = |name: &str, port| HostName { name: name.to_owned(), port };
    assert_eq!(hosts, [named("transom.example.org", None), named("::1", Some(8443))]);
    let [anna] = users.as_slice() else { panic!("{users:?}") };
    assert_eq!((anna.name.as_str(), anna.role), ("anna", Role::ViewerContent));
    assert_eq!(anna.token_sha256[..2], [0xe3, 0xb0]);
    assert!(matches!(tls, AdminTls::Before));
    assert_eq!(metrics, Some(MetricsAccess::Open));
}

#[test]
fn objectives_and_tracing_mean_what_they_say() {
    let settings = read(EXAMPLE).unwrap();
    assert_eq!(settings.models[0].price, Price { input: NanoUsd(500), output: NanoUsd(1500) });

    let [first_token, embedding] = settings.slos.as_slice() else { panic!("{settings:?}") };
    assert_eq!(first_token.name, "first-token");
    assert_eq!(first_token.scope, SloScope::Models("chat-*".to_owned()));
    assert_eq!(first_token.indicator, Indicator::FirstToken(Duration::from_millis(1500)));
    assert_eq!(first_token.objective, 0.95);
    assert_eq!(first_token.window, Duration::from_secs(7 * 24 * 3600));
    assert_eq!(embedding.scope, SloScope::Route(Operation::Embeddings));
    let limits = Goodput { latency: Some(Duration::from_secs(2)), ..Goodput::default() };
    assert_eq!(embedding.indicator, Indicator::Goodput(limits));
    assert_eq!((embedding.objective, embedding.upstream_429), (0.99, Upstream429::Excluded));
    assert_eq!(embedding.window, Duration::from_secs(30 * 24 * 3600));

    let [ops] = settings.webhooks.as_slice() else { panic!("{settings:?}") };
    assert_eq!((&*ops.name, &*ops.url.to_string()), ("ops", "https://hooks.example.org/…"));
    assert_eq!(
        (&ops.events[..], &ops.models[..]),
        (&[EventKind::Budget][..], &["chat-*".into()][..])
    );

    let otlp = settings.tracing.otlp.unwrap();
    assert_eq!(
        (otlp.endpoint.as_str(), otlp.protocol),
        ("http://127.0.0.1:4318", OtlpProtocol::Grpc)
    );
    let [(name, token)] = otlp.headers.as_slice() else { panic!("{otlp:?}") };
    assert_eq!((name.as_str(), token.expose()), ("authorization", "Bearer canary-of-otlp"));
    let trusted = |address: &str| settings.tracing.trust.of(Some(address.parse().unwrap()));
    assert_eq!((trusted("10.1.2.3"), trusted("::1")), (Trusted::Yes, Trusted::Yes));
    assert_eq!(trusted("192.168.0.1"), Trusted::No);
    let sampling = settings.tracing.sampling;
    assert_eq!((sampling.target_per_minute, sampling.floor.high), (30, 0.05));
    assert_eq!(sampling.most_per_second, 200);
    assert_eq!(sampling.floor.low, 1.0);
}

#[test]
fn an_empty_file_and_no_file_are_the_defaults() {
    let settings = read("").unwrap();
    let server = &settings.server;
    assert_eq!(server.listen, ["127.0.0.1:7080".parse().unwrap()]);
    assert_eq!(server.admin, "127.0.0.1:7081".parse().unwrap());
    assert_eq!(server.data_dir, Path::new("transom-data"));
    assert_eq!((server.max_body, server.body_budget), (32 << 20, 1 << 30));
    assert_eq!((server.drain, server.threads), (Duration::from_secs(30), 0));
    assert_eq!(settings.recent, RecentSettings { requests: 100_000, bytes: 64 << 20 });
    assert!(settings.upstreams.is_empty() && settings.models.is_empty());
    assert!(settings.keys.is_empty());
    assert_eq!(settings.slos, [SloSettings::standard()]);
    assert!(settings.tracing.otlp.is_none());
    assert_eq!(settings.tracing.trust, Trust::Always);
    assert_eq!((settings.log.format, settings.log.level), (LogFormat::Auto, LogLevel::Info));
    let mut without = empty(&none(), &Overrides::default()).unwrap();
    without.effective.file.clone_from(&settings.effective.file);
    assert_eq!(format!("{without:?}"), format!("{settings:?}"));
}

#[test]
fn a_base_url_may_end_in_v1_as_openai_clients_write_it() {
    let prefix = |protocol: &str, url: &str| {
        let text =
            format!("[[upstream]]\nname = \"a\"\nprotocol = {protocol:?}\nendpoints = [{url:?}]");
        read(&text).unwrap().upstreams[0].endpoints[0].prefix.clone()
    };
    assert_eq!(prefix("openai", "http://h/v1"), "");
    assert_eq!(prefix("openai", "http://h/openai/v1/"), "/openai");
    assert_eq!(prefix("http", "http://h/openai/v1/"), "/openai/v1");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let missing = load(Path::new("/nowhere").join(FILE).as_path(), &none(), &Overrides::default());
    assert_eq!(
        errors(missing),
        ["/nowhere/transom.toml: cannot be read: No such file or directory (os error 2)"]
    );
}

fn none() -> Environment {
    Environment::default()
}
