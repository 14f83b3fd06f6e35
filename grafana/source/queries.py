"""PromQL, written once.

Every selector is narrowed to the chosen jobs and instances. A histogram's `le` is summed by
and never selected: how its values are written depends on the format of the scrape.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL = 'model=~"$model"'
GEN_AI_MODEL = 'gen_ai_request_model=~"$model"'
UPSTREAM = 'upstream=~"$upstream"'
SLO = 'slo=~"$slo"'

# What the caller did is on neither side of an error ratio: its own mistakes, limits it ran
# into, calls it gave up.
FAILED = 'outcome=~"upstream_error|timeout|stream_truncated|stream_error_event|internal_error"'
JUDGED = 'outcome!~"client_error|client_cancelled|rate_limited"'

QUANTILES = {"P50": 0.5, "P95": 0.95, "P99": 0.99}

# Histograms whose buckets carry exemplars.
WITH_EXEMPLARS = {
    "model_request_duration_seconds",
    "gen_ai_server_request_duration_seconds",
    "gen_ai_server_time_to_first_token_seconds",
    "gen_ai_server_time_per_output_token_seconds",
    "http_request_duration_seconds",
    "transom_overhead_seconds",
}


@dataclass(frozen=True)
class Query:
    """One expression and how its series are called, with `{{label}}` for a label's value."""

    expr: str
    legend: str = ""
    exemplars: bool = False


def select(metric: str, *matchers: str) -> str:
    """The series of `metric` that the dashboard's variables and `matchers` leave."""
    chosen = ",".join(['job=~"$job"', 'instance=~"$instance"', *matchers])
    return f"{metric}{{{chosen}}}"


def total(metric: str, *matchers: str, by: str = "") -> str:
    """The sum of gauges."""
    return f"sum{_by(by)} ({select(metric, *matchers)})"


def rate(counter: str, *matchers: str, by: str = "") -> str:
    """What was counted, per second."""
    return f"sum{_by(by)} (rate({select(counter, *matchers)}[$__rate_interval]))"


def increase(counter: str, *matchers: str, by: str = "") -> str:
    """What was counted within the shown time range."""
    return f"sum{_by(by)} (increase({select(counter, *matchers)}[$__range]))"


def error_ratio(*matchers: str, by: str = "") -> str:
    """The share of requests that failed; a ratio of sums, never a mean of ratios."""
    requests = "transom_requests_total"
    return (
        f"{rate(requests, FAILED, *matchers, by=by)} / {rate(requests, JUDGED, *matchers, by=by)}"
    )


def without_zeros(counter: str, *matchers: str, by: str) -> str:
    """Rates by `by` without those at 0, or a single 0 called "none" when all are."""
    rates = rate(counter, *matchers, by=by)
    none = f"(({rate(counter, *matchers)}) or vector(0)) == 0"
    return f'({rates} > 0) or label_replace({none}, "{by.split(", ")[0]}", "none", "", "")'


def quantile(share: float, histogram: str, *matchers: str, by: str = "") -> str:
    """The value that `share` of the observations stay below."""
    buckets = rate(f"{histogram}_bucket", *matchers, by=f"le, {by}" if by else "le")
    return f"histogram_quantile({share}, {buckets})"


def quantiles(histogram: str, *matchers: str) -> list[Query]:
    """Median, 95th and 99th percentile, with the exemplars once."""
    return [
        Query(
            quantile(share, histogram, *matchers),
            name,
            exemplars=histogram in WITH_EXEMPLARS and name == "P95",
        )
        for name, share in QUANTILES.items()
    ]


def quantile_by(histogram: str, *matchers: str, by: str, share: float = 0.95) -> Query:
    """One quantile for each value of a label, or of several."""
    return Query(
        quantile(share, histogram, *matchers, by=by),
        " ".join(f"{{{{{label}}}}}" for label in by.split(", ")),
        exemplars=histogram in WITH_EXEMPLARS,
    )


def buckets(histogram: str, *matchers: str) -> Query:
    """How many observations fell into each bucket, for a heat map."""
    observed = select(f"{histogram}_bucket", *matchers)
    return Query(
        f"sum by (le) (increase({observed}[$__rate_interval]))",
        "{{le}}",
        exemplars=histogram in WITH_EXEMPLARS,
    )


def as_model(expr: str) -> str:
    """Values by `gen_ai_request_model`, under the label that the other metrics have."""
    return f'max by (model) (label_replace({expr}, "model", "$1", "gen_ai_request_model", "(.+)"))'


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""
