"""Streams: how soon they speak, how evenly, and whether they finish."""

from __future__ import annotations

from source.dashboard import Dashboard, Row
from source.outcomes import COLOURS
from source.panels import areas, heatmap, lines, stat
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
)

FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"
PER_TOKEN = "gen_ai_server_time_per_output_token_seconds"
FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"
GAP = "transom_inter_chunk_seconds"
LONGEST_GAP = "transom_stream_max_gap_seconds"

NOW = [
    stat(
        "Open streams",
        "Streamed answers under way at the last scrape.",
        "short",
        Query(total("transom_open_streams", MODEL)),
    ),
    stat(
        "Streams",
        "Streams that ended, per second, of those that sent anything. Those of the cache are left "
        "out here, as they are of every time below.",
        "suffix: streams/s",
        Query(rate(f"{LONGEST_GAP}_count", MODEL)),
    ),
    stat(
        "First token, P95",
        "95 of 100 streams had their first generated output within this time.",
        "s",
        Query(quantile(0.95, FIRST_TOKEN, GEN_AI_MODEL)),
    ),
    stat(
        "Speed, median",
        "Output tokens per second of a stream once it speaks, in streams whose upstream counts "
        "tokens.",
        "suffix: tokens/s",
        Query(f"1 / {quantile(0.5, PER_TOKEN, GEN_AI_MODEL)}"),
    ),
]

BEGINNING = [
    lines(
        "First token",
        "Time from the request to the first generated output: content, reasoning or a tool "
        "call. Role-only frames and pings do not count.",
        "s",
        quantiles(FIRST_TOKEN, GEN_AI_MODEL),
    ),
    heatmap(
        "First token, spread",
        "How long streams took to their first generated output. The points are requests whose "
        "trace is kept.",
        "s",
        buckets(FIRST_TOKEN, GEN_AI_MODEL),
    ),
    lines(
        "First chunk, P95 by upstream",
        "95 of 100 attempts at each upstream had a first chunk of the body, whatever was in "
        "it, within this time.",
        "s",
        quantile_by(FIRST_CHUNK, GEN_AI_MODEL, by="upstream"),
    ),
]

FLOW = [
    lines(
        "Between chunks",
        "Time between two chunks of a stream. A chunk may hold several tokens. Counted when "
        "the stream ends.",
        "s",
        quantiles(GAP, MODEL),
    ),
    heatmap(
        "Between chunks, spread",
        "How the times between two chunks spread, of streams that ended.",
        "s",
        buckets(GAP, MODEL),
    ),
    lines(
        "Per output token",
        "Seconds per output token after the first, in streams whose upstream counts tokens.",
        "s",
        quantiles(PER_TOKEN, GEN_AI_MODEL),
    ),
]

SILENCE = [
    lines(
        "Longest silence",
        "The longest time in which a stream that had begun to speak said nothing.",
        "s",
        quantiles(LONGEST_GAP, MODEL),
    ),
    lines(
        "Longest silence, P95 by model",
        "95 of 100 streams of each model were never silent for longer.",
        "s",
        quantile_by(LONGEST_GAP, MODEL, by="model"),
    ),
    lines(
        "Chunks",
        "Chunks per second in streams that ended.",
        "suffix: chunks/s",
        Query(
            f"{rate(f'{GAP}_count', MODEL, by='model')} "
            f"+ {rate(f'{LONGEST_GAP}_count', MODEL, by='model')}",
            "{{model}}",
        ),
    ),
]

ENDS = [
    areas(
        "Broken streams",
        "Streams per second that did not reach their end after a 200: cut off, or ended by an "
        "error event.",
        "suffix: streams/s",
        Query(
            rate(
                "transom_requests_total",
                MODEL,
                'outcome=~"stream_truncated|stream_error_event"',
                by="outcome",
            ),
            "{{outcome}}",
        ),
        COLOURS,
    ),
    areas(
        "Silent too long",
        "Requests per second that were given up because an upstream took too long, by which "
        "limit it ran into.",
        "reqps",
        Query(
            rate("request_errors_total", MODEL, 'error_type=~"timeout_.*"', by="error_type"),
            "{{error_type}}",
        ),
    ),
    lines(
        "Left by the caller",
        "Requests per second whose caller left before the end. That is no failure, but many "
        "of them may mean impatience.",
        "reqps",
        Query(
            rate("transom_requests_total", MODEL, 'outcome="client_cancelled"', by="model"),
            "{{model}}",
        ),
    ),
]

DASHBOARD = Dashboard(
    "streaming",
    "Streaming",
    "How soon streams speak, how evenly, and whether they finish.",
    [
        Row("Now", [NOW]),
        Row("Beginning", [BEGINNING]),
        Row("Flow", [FLOW, SILENCE]),
        Row("End", [ENDS]),
    ],
)
