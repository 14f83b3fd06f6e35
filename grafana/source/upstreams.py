"""Upstreams: whether they answer, how fast, and what is done when they do not."""

from __future__ import annotations

from source.dashboard import Dashboard, Row, variable
from source.panels import ERRORS, GREEN, ORANGE, RED, Column, areas, lines, states, table
from source.queries import (
    GEN_AI_MODEL,
    UPSTREAM,
    Query,
    quantile,
    quantile_by,
    rate,
    select,
    without_zeros,
)

ATTEMPTS = "transom_upstream_attempts_total"
FAILED_ATTEMPT = 'result!="success"'
DURATION = "gen_ai_client_operation_duration_seconds"
FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"
UP = f"min by (upstream) ({select('transom_upstream_up', UPSTREAM)})"
FAILING = (
    f"{rate(ATTEMPTS, UPSTREAM, FAILED_ATTEMPT, by='upstream')}"
    f" / {rate(ATTEMPTS, UPSTREAM, by='upstream')}"
)

STATES = [
    states(
        "Answering",
        "Whether each upstream answered the last probe of every chosen instance.",
        Query(UP, "{{upstream}}"),
        [("down", RED), ("up", GREEN)],
    ),
    states(
        "Circuit breaker",
        "Whether requests are let through to each upstream, on the instance that is strictest.",
        Query(
            f"max by (upstream) ({select('transom_upstream_circuit_state', UPSTREAM)})",
            "{{upstream}}",
        ),
        [("closed", GREEN), ("half open", ORANGE), ("open", RED)],
    ),
]

UPSTREAMS = table(
    "Upstreams",
    "Each upstream now. Attempts failed for whatever reason, callers' own mistakes included.",
    {"upstream": "Upstream"},
    [
        Column("Up", "bool_yes_no", UP, [(None, RED), (1, GREEN)]),
        Column("Attempts", "reqps", rate(ATTEMPTS, UPSTREAM, by="upstream")),
        Column("Failing", "percentunit", FAILING, ERRORS),
        Column(
            "Attempt, P95",
            "s",
            quantile(0.95, DURATION, UPSTREAM, GEN_AI_MODEL, by="upstream"),
        ),
        Column(
            "First chunk, P95",
            "s",
            quantile(0.95, FIRST_CHUNK, UPSTREAM, GEN_AI_MODEL, by="upstream"),
        ),
        Column("Retried", "reqps", rate("transom_retries_total", UPSTREAM, by="upstream")),
    ],
)

TRIED = [
    lines(
        "Attempts",
        "Attempts per second at each upstream. A request that is tried again is several.",
        "reqps",
        Query(rate(ATTEMPTS, UPSTREAM, by="upstream"), "{{upstream}}"),
    ),
    lines(
        "Failing",
        "Share of the attempts at each upstream that failed for whatever reason.",
        "percentunit",
        Query(FAILING, "{{upstream}}"),
    ),
    areas(
        "Failed attempts",
        "Failed attempts per second, by upstream and what went wrong.",
        "reqps",
        Query(
            without_zeros(ATTEMPTS, UPSTREAM, FAILED_ATTEMPT, by="result, upstream"),
            "{{upstream}} {{result}}",
        ),
    ),
]

LATENCY = [
    lines(
        "Attempt, median",
        "Half of the attempts at each upstream took less than this.",
        "s",
        quantile_by(DURATION, UPSTREAM, GEN_AI_MODEL, by="upstream", share=0.5),
    ),
    lines(
        "Attempt, P95",
        "95 of 100 attempts at each upstream took less than this.",
        "s",
        quantile_by(DURATION, UPSTREAM, GEN_AI_MODEL, by="upstream"),
    ),
    lines(
        "First chunk, P95",
        "95 of 100 attempts at each upstream had a first chunk of the body within this time.",
        "s",
        quantile_by(FIRST_CHUNK, UPSTREAM, GEN_AI_MODEL, by="upstream"),
    ),
]

RESCUED = [
    areas(
        "Retries",
        "Attempts per second that were followed by another one, by what went wrong.",
        "reqps",
        Query(
            without_zeros("transom_retries_total", UPSTREAM, by="reason, upstream"),
            "{{upstream}} {{reason}}",
        ),
    ),
    areas(
        "Fallbacks",
        "Requests per second that another model answered than the one asked for.",
        "reqps",
        Query(
            without_zeros("transom_fallbacks_total", by="reason, from, to"),
            "{{from}} {{to}} {{reason}}",
        ),
    ),
]

DASHBOARD = Dashboard(
    "upstreams",
    "Upstreams",
    "Whether upstreams answer, how fast, and what is done when they do not.",
    [
        Row("State", [STATES, [UPSTREAMS]]),
        Row("Attempts", [TRIED]),
        Row("Latency", [LATENCY]),
        Row("Retries and fallbacks", [RESCUED]),
    ],
    [
        variable(
            "upstream",
            "Upstream",
            select("transom_upstream_up"),
            "upstream",
            "The configured upstreams.",
        )
    ],
)
