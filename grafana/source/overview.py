"""Where to look first: is anything wrong, and for which model."""

from __future__ import annotations

from source.dashboard import Dashboard, Row
from source.outcomes import COLOURS
from source.panels import (
    ERRORS,
    GREEN,
    NEVER,
    RED,
    YELLOW,
    Column,
    areas,
    bars,
    lines,
    link,
    stat,
    states,
    table,
)
from source.queries import (
    GEN_AI_MODEL,
    MODEL,
    Query,
    as_model,
    error_ratio,
    increase,
    quantile,
    quantiles,
    rate,
    select,
    total,
)

DURATION = "model_request_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"

NOW = [
    stat(
        "Requests",
        "Requests that ended, per second, whatever became of them.",
        "reqps",
        Query(rate("transom_requests_total", MODEL)),
    ),
    stat(
        "Failing",
        "Share of requests that failed. Callers' own mistakes, cancelled calls and rate limits "
        "are left out on both sides.",
        "percentunit",
        Query(error_ratio(MODEL)),
        ERRORS,
    ),
    stat(
        "First token, P95",
        "95 of 100 streams had their first generated output within this time.",
        "s",
        Query(quantile(0.95, FIRST_TOKEN, GEN_AI_MODEL)),
    ),
    stat(
        "Under way",
        "Requests being worked on at the last scrape.",
        "short",
        Query(total("transom_in_flight_requests", MODEL)),
    ),
    stat(
        "Output tokens",
        "Tokens generated per second, as counted by the upstreams or estimated where they do "
        "not say, in requests that ended.",
        "suffix: tokens/s",
        Query(rate("transom_tokens_total", MODEL, 'direction="output"', 'source!="cache"')),
    ),
    stat(
        "Lowest error budget",
        "What is left of the most consumed error budget of the chosen models, over its whole "
        "window. Below 0 it is overdrawn.",
        "percentunit",
        Query(f"min({select('transom_slo_error_budget_remaining_ratio', MODEL)})"),
        [(None, RED), (0, YELLOW), (0.25, GREEN)],
    ),
    stat(
        "Alerts",
        "Alerts of Transom that Prometheus says are firing, for all models.",
        "short",
        Query('count(ALERTS{alertname=~"Transom.*",alertstate="firing"}) or vector(0)'),
        NEVER,
    ),
    stat(
        "Spent",
        "US dollars that the requests of the shown time range cost, by the configured prices.",
        "currencyUSD",
        Query(increase("transom_cost_usd_total", MODEL)),
    ),
]

TRAFFIC = [
    areas(
        "Requests by outcome",
        "Requests that ended, per second, by how they ended. A stream that broke off after its "
        "200 is not a success.",
        "reqps",
        Query(rate("transom_requests_total", MODEL, by="outcome"), "{{outcome}}"),
        COLOURS,
    ),
    lines(
        "Failing by model",
        "Share of each model's requests that failed. Callers' own mistakes, cancelled calls and "
        "rate limits are left out on both sides.",
        "percentunit",
        Query(error_ratio(MODEL, by="model"), "{{model}}"),
    ),
]

LATENCY = [
    lines(
        "First token",
        "Time from the request to the first generated output of a stream, as its caller saw "
        "it. Answers of the cache are left out. The points are requests whose trace is kept.",
        "s",
        quantiles(FIRST_TOKEN, GEN_AI_MODEL),
    ),
    lines(
        "Whole request",
        "Time from the request to its last byte. Answers of the cache are left out. The points "
        "are requests whose trace is kept.",
        "s",
        quantiles(DURATION, MODEL),
    ),
]

MODELS = table(
    "Models",
    "Each model now. Failing and the percentiles are empty for a model that nobody asked.",
    {"model": "Model"},
    [
        Column("Requests", "reqps", rate("transom_requests_total", MODEL, by="model")),
        Column("Failing", "percentunit", error_ratio(MODEL, by="model"), ERRORS),
        Column(
            "First token, P95",
            "s",
            as_model(quantile(0.95, FIRST_TOKEN, GEN_AI_MODEL, by="gen_ai_request_model")),
        ),
        Column("Request, P95", "s", quantile(0.95, DURATION, MODEL, by="model")),
        Column("Under way", "short", total("transom_in_flight_requests", MODEL, by="model")),
        Column(
            "Tokens out",
            "suffix: tokens/s",
            rate("transom_tokens_total", MODEL, 'direction="output"', 'source!="cache"', by="model"),
        ),
    ],
    [link("This model", "transom-model", "model")],
)

BELOW = [
    bars(
        "Error budgets left",
        "What is left of each error budget, over its whole window and on the worst instance.",
        "percentunit",
        Query(
            f"min by (slo, model) ({select('transom_slo_error_budget_remaining_ratio', MODEL)})",
            "{{slo}} {{model}}",
        ),
        [(None, RED), (0.1, YELLOW), (0.25, GREEN)],
    ),
    states(
        "Upstreams",
        "Whether each upstream answered the last probe.",
        Query(f"min by (upstream) ({select('transom_upstream_up')})", "{{upstream}}"),
        [("down", RED), ("up", GREEN)],
    ),
]

DASHBOARD = Dashboard(
    "overview",
    "Overview",
    "Is anything wrong, and for which model.",
    [
        Row("Now", [NOW]),
        Row("Traffic", [TRAFFIC]),
        Row("Latency", [LATENCY]),
        Row("Models, promises and upstreams", [[MODELS], BELOW]),
    ],
)
