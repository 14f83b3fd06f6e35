"""The cache: how often it answers, what it holds, what it saves."""

from __future__ import annotations

from source.dashboard import Dashboard, Row
from source.panels import BLUE, GREEN, GREY, areas, lines, stat
from source.queries import MODEL, Query, increase, rate, total

LOOK_UPS = "transom_cache_requests_total"
HIT = 'result="hit"'
RESULTS = {"hit": GREEN, "stale": BLUE, "miss": GREY}

NOW = [
    stat(
        "Hits",
        "Share of the look-ups of the shown time range that found a fresh answer.",
        "percentunit",
        Query(f"{increase(LOOK_UPS, HIT)} / {increase(LOOK_UPS)}"),
    ),
    stat(
        "Answers held",
        "Answers in all tiers at the last scrape. One that is in two tiers counts twice.",
        "short",
        Query(total("transom_cache_entries")),
    ),
    stat(
        "Size",
        "Bytes in all tiers at the last scrape.",
        "bytes",
        Query(total("transom_cache_bytes")),
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
]

ASKED = [
    areas(
        "Look-ups by result",
        "Look-ups per second in all tiers, by what was found.",
        "reqps",
        Query(rate(LOOK_UPS, by="result"), "{{result}}"),
        RESULTS,
    ),
    lines(
        "Hits by tier",
        "Share of the look-ups in each tier that found a fresh answer.",
        "percentunit",
        Query(f"{rate(LOOK_UPS, HIT, by='tier')} / {rate(LOOK_UPS, by='tier')}", "{{tier}}"),
    ),
    areas(
        "Requests by cache status",
        "Requests per second by what the cache had to say to them; none where it was not asked.",
        "reqps",
        Query(rate("transom_requests_total", MODEL, by="cache"), "{{cache}}"),
    ),
]

HELD = [
    areas(
        "Answers held",
        "Answers in each tier.",
        "short",
        Query(total("transom_cache_entries", by="tier"), "{{tier}}"),
    ),
    areas(
        "Size",
        "Bytes in each tier.",
        "bytes",
        Query(total("transom_cache_bytes", by="tier"), "{{tier}}"),
    ),
    lines(
        "Evictions",
        "Answers per second that each tier gave up for want of room. Those that expired do "
        "not count.",
        "cps",
        Query(rate("transom_cache_evictions_total", by="tier"), "{{tier}}"),
    ),
]

SAVED = [
    areas(
        "Tokens saved",
        "Tokens per second that upstreams did not have to process.",
        "suffix: tokens/s",
        Query(rate("transom_saved_tokens_total", MODEL, by="model"), "{{model}}"),
    ),
    areas(
        "Time saved",
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
    "How often the cache answers, what it holds and what it saves.",
    [
        Row("Shown time range", [NOW]),
        Row("Look-ups", [ASKED]),
        Row("Contents", [HELD]),
        Row("Savings", [SAVED]),
    ],
)
