"""One model, or several: what was asked of it, how long it took, what it cost."""

from __future__ import annotations

from source.dashboard import Dashboard, Row
from source.outcomes import COLOURS
from source.panels import areas, heatmap, lines
from source.queries import (
    GEN_AI_MODEL,
    MODEL,
    Query,
    buckets,
    quantile,
    quantile_by,
    quantiles,
    rate,
    total,
    without_zeros,
)

DURATION = "gen_ai_server_request_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"
PER_TOKEN = "gen_ai_server_time_per_output_token_seconds"
TOKEN_USAGE = "gen_ai_client_token_usage"

REQUESTS = [
    areas(
        "Requests by outcome",
        "Requests that ended, per second, by how they ended.",
        "reqps",
        Query(rate("transom_requests_total", MODEL, by="outcome"), "{{outcome}}"),
        COLOURS,
    ),
    lines(
        "Requests by operation",
        "Requests that ended, per second, by what was asked for.",
        "reqps",
        Query(rate("transom_requests_total", MODEL, by="operation"), "{{operation}}"),
    ),
    areas(
        "Errors by type",
        "Requests that did not end well, per second, by what went wrong, callers' own mistakes "
        "included.",
        "reqps",
        Query(without_zeros("request_errors_total", MODEL, by="error_type"), "{{error_type}}"),
    ),
]

DURATIONS = [
    heatmap(
        "Whole requests",
        "How long requests took, from the request to the last byte. Answers of the cache are "
        "left out here and below. The points are requests whose trace is kept.",
        "s",
        buckets("model_request_duration_seconds", MODEL),
    ),
    heatmap(
        "First token",
        "How long streams took to their first generated output. The points are requests whose "
        "trace is kept.",
        "s",
        buckets(FIRST_TOKEN, GEN_AI_MODEL),
    ),
    heatmap(
        "Per output token",
        "Seconds per output token after the first, in streams whose upstream counts tokens.",
        "s",
        buckets(PER_TOKEN, GEN_AI_MODEL),
    ),
]

COMPARED = [
    lines(
        "Request, P95 by operation",
        "95 of 100 requests of each operation ended within this time.",
        "s",
        quantile_by(DURATION, GEN_AI_MODEL, by="gen_ai_operation_name"),
    ),
    lines(
        "First token, P95 by model",
        "95 of 100 streams of each model had their first output within this time.",
        "s",
        quantile_by(FIRST_TOKEN, GEN_AI_MODEL, by="gen_ai_request_model"),
    ),
    lines(
        "Per output token, P95 by model",
        "95 of 100 streams of each model spent less than this on a token after the first.",
        "s",
        quantile_by(PER_TOKEN, GEN_AI_MODEL, by="gen_ai_request_model"),
    ),
]

WHERE_TIME_GOES = [
    lines(
        "Attempt, P95 by upstream",
        "95 of 100 attempts at each upstream took less than this.",
        "s",
        quantile_by("gen_ai_client_operation_duration_seconds", GEN_AI_MODEL, by="upstream"),
    ),
    lines(
        "Waiting for a turn",
        "How long requests waited in the queue before they were sent on.",
        "s",
        quantiles("transom_queue_wait_seconds", MODEL),
    ),
    lines(
        "Added by Transom",
        "Time that was spent neither waiting for the upstream nor for the caller.",
        "s",
        quantiles("transom_overhead_seconds", MODEL),
    ),
]

TOKENS = [
    areas(
        "Tokens",
        "Tokens per second, in and out, by who counted them: the upstream, an estimate where "
        "it does not say, or the cache.",
        "suffix: tokens/s",
        Query(
            rate("transom_tokens_total", MODEL, by="direction, source"),
            "{{direction}}, {{source}}",
        ),
    ),
    lines(
        "Tokens per request",
        "Median and 95th percentile of the tokens of a request, as counted by the upstream.",
        "short",
        [
            Query(
                quantile(share, TOKEN_USAGE, GEN_AI_MODEL, by="gen_ai_token_type"),
                f"{name} {{{{gen_ai_token_type}}}}",
            )
            for name, share in (("P50", 0.5), ("P95", 0.95))
        ],
    ),
    lines(
        "Under way",
        "Requests and streams being worked on.",
        "short",
        [
            Query(total("transom_in_flight_requests", MODEL), "requests"),
            Query(total("transom_open_streams", MODEL), "streams"),
        ],
    ),
]

MONEY = [
    areas(
        "Cost per hour",
        "US dollars an hour at the rate of the moment, by the configured prices. Models "
        "without a price stand at 0.",
        "currencyUSD",
        Query(f"{rate('transom_cost_usd_total', MODEL, by='model')} * 3600", "{{model}}"),
    ),
    areas(
        "Saved by the cache per hour",
        "US dollars an hour that answers from the cache did not cost.",
        "currencyUSD",
        Query(f"{rate('transom_saved_usd_total', MODEL, by='model')} * 3600", "{{model}}"),
    ),
]

DASHBOARD = Dashboard(
    "model",
    "Model",
    "What was asked of the chosen models, how long it took and what it cost.",
    [
        Row("Requests", [REQUESTS]),
        Row("Latency", [DURATIONS, COMPARED]),
        Row("Where the time goes", [WHERE_TIME_GOES]),
        Row("Tokens", [TOKENS]),
        Row("Money", [MONEY]),
    ],
)
