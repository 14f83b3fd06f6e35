"""Transom itself: what it takes, what it adds, and whether its numbers are complete."""

from __future__ import annotations

from source.dashboard import Dashboard, Row
from source.panels import (
    GREEN,
    NEVER,
    ORANGE,
    RED,
    Column,
    areas,
    heatmap,
    lines,
    stat,
    states,
    table,
)
from source.queries import (
    MODEL,
    Query,
    buckets,
    increase,
    quantile_by,
    quantiles,
    rate,
    select,
    total,
    without_zeros,
)

OVERHEAD = "transom_overhead_seconds"
DROPPED = "transom_telemetry_dropped_total"
# The start, with the version that was started.
STARTED = (
    f"{select('transom_build_info')} * on (job, instance) group_left ()"
    f" {select('process_start_time_seconds')}"
)

NOW = [
    stat(
        "Scraped",
        "Transoms that Prometheus reached at the last scrape.",
        "short",
        Query(total("up")),
        [(None, RED), (1, GREEN)],
    ),
    stat(
        "Added, P99",
        "99 of 100 requests had less than this added to them by Transom itself.",
        "s",
        quantiles(OVERHEAD, MODEL)[-1],
        [(None, GREEN), (0.005, ORANGE), (0.05, RED)],
    ),
    stat(
        "Processor",
        "Cores in use, over all chosen instances.",
        "suffix: cores",
        Query(rate("process_cpu_seconds_total")),
    ),
    stat(
        "Memory",
        "Resident memory, over all chosen instances.",
        "bytes",
        Query(total("process_resident_memory_bytes")),
    ),
    stat(
        "Telemetry lost",
        "Log lines, spans and events that a sink lost in the shown time range. Metrics count "
        "their requests all the same.",
        "short",
        Query(increase(DROPPED)),
        NEVER,
    ),
    stat(
        "Refused reloads",
        "Configurations that were refused in the shown time range; the one before stayed in use.",
        "short",
        Query(increase("transom_config_reloads_total", 'result="failure"')),
        NEVER,
    ),
]

INSTANCES = table(
    "Instances",
    "Each Transom: its version, when it started, and what it takes.",
    {"instance": "Instance", "version": "Version"},
    [
        Column("Started", "dateTimeFromNow", f"max by (instance, version) ({STARTED}) * 1000"),
        Column("Cores", "short", rate("process_cpu_seconds_total", by="instance")),
        Column("Memory", "bytes", total("process_resident_memory_bytes", by="instance")),
        Column("Under way", "short", total("transom_in_flight_requests", by="instance")),
    ],
)

ADDED = [
    lines(
        "Added by Transom",
        "Time of a request that was spent neither waiting for the upstream nor for the caller. "
        "The points are requests whose trace is kept.",
        "s",
        quantiles(OVERHEAD, MODEL),
    ),
    heatmap(
        "Added by Transom, spread",
        "How the time that Transom adds spreads. The points are requests whose trace is kept.",
        "s",
        buckets(OVERHEAD, MODEL),
    ),
    lines(
        "Waiting for a turn, P95 by model",
        "95 of 100 requests for each model waited in the queue for less than this.",
        "s",
        quantile_by("transom_queue_wait_seconds", MODEL, by="model"),
    ),
]

SERVED = [
    areas(
        "Answers by status",
        "Answers per second by the status that the caller saw; 499 is a caller that left.",
        "reqps",
        Query(without_zeros("http_requests_total", by="status"), "{{status}}"),
    ),
    lines(
        "Duration, P95 by route",
        "95 of 100 requests of each route ended within this time. The points are requests "
        "whose trace is kept.",
        "s",
        quantile_by("http_request_duration_seconds", by="route"),
    ),
    lines(
        "Under way",
        "Requests and streams being worked on, by instance.",
        "short",
        [
            Query(total("transom_in_flight_requests", by="instance"), "{{instance}} requests"),
            Query(total("transom_open_streams", by="instance"), "{{instance}} streams"),
        ],
    ),
]

TAKEN = [
    lines(
        "Processor",
        "Cores in use.",
        "suffix: cores",
        Query(rate("process_cpu_seconds_total", by="instance"), "{{instance}}"),
    ),
    lines(
        "Memory",
        "Resident memory.",
        "bytes",
        Query(total("process_resident_memory_bytes", by="instance"), "{{instance}}"),
    ),
    lines(
        "Open files",
        "File descriptors in use, connections included, and how many there may be.",
        "short",
        [
            Query(total("process_open_fds", by="instance"), "{{instance}}"),
            Query(f"min({select('process_max_fds')})", "limit"),
        ],
    ),
    lines(
        "Threads",
        "Threads of the process.",
        "short",
        Query(total("process_threads", by="instance"), "{{instance}}"),
    ),
]

COMPLETE = [
    lines(
        "Telemetry lost by sink",
        "Records, spans or events per second that a sink lost. Metrics count their requests "
        "all the same.",
        "cps",
        Query(rate(DROPPED, by="sink"), "{{sink}}"),
    ),
    lines(
        "Names without a label",
        "Names per second that were counted under _other because the cap was reached.",
        "cps",
        Query(rate("transom_label_overflow_total", by="label"), "{{label}}"),
    ),
    lines(
        "Captures",
        "Requests per second that were offered to the capture, by what became of them.",
        "reqps",
        Query(rate("transom_capture_records_total", by="result"), "{{result}}"),
    ),
    states(
        "Scrape",
        "Whether Prometheus reached each Transom. Nothing is known of the time when it did not.",
        Query(f"min by (instance) ({select('up')})", "{{instance}}"),
        [("failed", RED), ("read", GREEN)],
    ),
]

DASHBOARD = Dashboard(
    "proxy-health",
    "Proxy health",
    "What Transom itself takes, what it adds to requests, and whether its numbers are complete.",
    [
        Row("Now", [NOW, [INSTANCES]]),
        Row("Overhead", [ADDED]),
        Row("Served", [SERVED]),
        Row("Resources", [TAKEN]),
        Row("Completeness of what is measured", [COMPLETE]),
    ],
)
