"""The cache: how often it answers, what goes past it, what it holds, what it saves."""

from __future__ import annotations

from source.dashboard import Dashboard, Row
from source.panels import BLUE, GREEN, GREY, NEVER, RED, YELLOW, areas, lines, stat
from source.queries import (
    MODEL,
    Query,
    increase,
    quantile_by,
    rate,
    total,
    without_zeros,
)

REQUESTS = "transom_requests_total"
LOOK_UPS = "transom_cache_requests_total"
REFRESHES = "transom_cache_refreshes_total"
FAILURES = "transom_cache_failures_total"
HIT = 'result="hit"'
# Answered without an upstream, and all that could have been. A request that went past the
# cache is on neither side.
ANSWERED = 'cache=~"hit|stale|collapsed"'
ASKED = 'cache=~"hit|stale|collapsed|miss"'
COLLAPSED = 'cache="collapsed"'

SAID = {
    "hit": GREEN,
    "stale": YELLOW,
    "collapsed": BLUE,
    "miss": GREY,
    "bypass": "purple",
    "none": "light-blue",
}
FOUND = {"hit": GREEN, "stale": YELLOW, "miss": GREY}
RENEWED = {"success": GREEN, "failure": RED, "skipped": GREY}

NOW = [
    stat(
        "Answered",
        "Share of the requests of the shown time range that the cache answered: fresh, past "
        "their time, or out of another caller's exchange. Requests that went past it are left "
        "out on both sides.",
        "percentunit",
        Query(f"{increase(REQUESTS, MODEL, ANSWERED)} / {increase(REQUESTS, MODEL, ASKED)}"),
    ),
    stat(
        "Tokens saved",
        "Tokens that upstreams did not have to process in the shown time range.",
        "short",
        Query(increase("transom_saved_tokens_total", MODEL)),
    ),
    stat(
        "Time saved",
        "Upstream time that was not needed in the shown time range.",
        "s",
        Query(increase("transom_saved_seconds_total", MODEL)),
    ),
    stat(
        "Money saved",
        "US dollars that answers from the cache did not cost in the shown time range, by the "
        "configured prices.",
        "currencyUSD",
        Query(increase("transom_saved_usd_total", MODEL)),
    ),
    stat(
        "Size",
        "Bytes in all tiers at the last scrape. An answer that is in two tiers counts twice.",
        "bytes",
        Query(total("transom_cache_bytes")),
    ),
    stat(
        "Tiers in trouble",
        "How often a tier was moved aside or could not be reached in the shown time range. "
        "Requests went on without it.",
        "short",
        Query(increase(FAILURES)),
        NEVER,
    ),
]

BY_STATUS = [
    areas(
        "Requests by cache status",
        "Requests per second by what the cache had to say to them; none where the model has no "
        "cache.",
        "reqps",
        Query(rate(REQUESTS, MODEL, by="cache"), "{{cache}}"),
        SAID,
    ),
    lines(
        "Answered by model",
        "Share of each model's requests that the cache answered. Those that went past it are "
        "left out on both sides.",
        "percentunit",
        Query(
            f"{rate(REQUESTS, MODEL, ANSWERED, by='model')}"
            f" / {rate(REQUESTS, MODEL, ASKED, by='model')}",
            "{{model}}",
        ),
    ),
    lines(
        "Time of an answer, P95",
        "95 of 100 answers of the cache had reached their caller within this time. A collapsed "
        "one takes as long as the exchange that it waits for.",
        "s",
        quantile_by("transom_cache_answer_seconds", MODEL, by="cache"),
        SAID,
    ),
]

PAST = [
    areas(
        "Bypasses by reason",
        "Requests per second, for all models, that did not ask the cache, by why.",
        "reqps",
        Query(without_zeros("transom_cache_bypass_total", by="reason"), "{{reason}}"),
    ),
    areas(
        "Not stored by reason",
        "Answers of upstreams per second, for all models, that were to be stored and were not, "
        "by why.",
        "cps",
        Query(without_zeros("transom_cache_not_stored_total", by="reason"), "{{reason}}"),
    ),
]

SHARED = [
    lines(
        "Collapsed by model",
        "Requests per second that another caller's exchange with the upstream answered.",
        "reqps",
        Query(rate(REQUESTS, MODEL, COLLAPSED, by="model"), "{{model}}"),
    ),
    areas(
        "Refreshes by result",
        "Answers past their time per second that were asked for again in the background. A "
        "failure leaves the old answer; skipped are those for which too many were under way.",
        "cps",
        Query(rate(REFRESHES, by="result"), "{{result}}"),
        RENEWED,
    ),
]

LOOKED_UP = [
    areas(
        "Look-ups by result",
        "Look-ups per second in all tiers, by what was found. A miss in one tier goes on to the "
        "next.",
        "ops",
        Query(rate(LOOK_UPS, by="result"), "{{result}}"),
        FOUND,
    ),
    lines(
        "Hits by tier",
        "Share of the look-ups in each tier that found a fresh answer.",
        "percentunit",
        Query(f"{rate(LOOK_UPS, HIT, by='tier')} / {rate(LOOK_UPS, by='tier')}", "{{tier}}"),
    ),
]

HELD = [
    areas(
        "Answers held by tier",
        "Answers in each tier.",
        "short",
        Query(total("transom_cache_entries", by="tier"), "{{tier}}"),
    ),
    areas(
        "Size by tier",
        "Bytes in each tier.",
        "bytes",
        Query(total("transom_cache_bytes", by="tier"), "{{tier}}"),
    ),
]

LOST = [
    lines(
        "Evictions",
        "Answers per second that each tier gave up for want of room. Those that expired do "
        "not count.",
        "cps",
        Query(rate("transom_cache_evictions_total", by="tier"), "{{tier}}"),
    ),
    lines(
        "Writes lost",
        "Writes per second that each tier lost: they came faster than it takes them, or it "
        "failed them.",
        "cps",
        Query(rate("transom_cache_dropped_total", by="tier"), "{{tier}}"),
    ),
    lines(
        "Failures",
        "How often per second each tier was moved aside or could not be reached.",
        "cps",
        Query(rate(FAILURES, by="tier"), "{{tier}}"),
    ),
]

SAVED = [
    areas(
        "Tokens saved by model",
        "Tokens per second that upstreams did not have to process.",
        "suffix: tokens/s",
        Query(rate("transom_saved_tokens_total", MODEL, by="model"), "{{model}}"),
    ),
    areas(
        "Time saved by model",
        "Seconds of upstream time that were not needed, per second.",
        "suffix: s/s",
        Query(rate("transom_saved_seconds_total", MODEL, by="model"), "{{model}}"),
    ),
    areas(
        "Money saved per hour",
        "US dollars an hour that answers from the cache did not cost.",
        "currencyUSD",
        Query(f"{rate('transom_saved_usd_total', MODEL, by='model')} * 3600", "{{model}}"),
    ),
]

DASHBOARD = Dashboard(
    "cache",
    "Cache",
    "How often the cache answers, what goes past it, what it holds and what it saves.",
    [
        Row("Shown time range", [NOW]),
        Row("Requests", [BY_STATUS]),
        Row("Past the cache", [PAST]),
        Row("Shared and renewed", [SHARED]),
        Row("Tiers", [LOOKED_UP, HELD, LOST]),
        Row("Savings", [SAVED]),
    ],
)
