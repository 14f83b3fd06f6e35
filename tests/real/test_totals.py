"""Last, the sums: what was sent, counted, logged and scraped is one and the same.

Runs after the other files, whose names come before it, and takes their calls into account.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from openai import OpenAI

from ledger import DURATION, FIRST_TOKEN, Ledger
from servers import API_KEY, MODEL, Prometheus, Transom


def test_sums_close(client: OpenAI, transom: Transom, ledger: Ledger) -> None:
    """Requests sent = requests counted = requests by HTTP = access-log lines."""
    with ledger.one_call("embeddings"):
        client.embeddings.create(model=MODEL, input="so that this test is true on its own")
    sent = ledger.requests.total()
    metrics, lines = transom.metrics(), transom.access_lines()
    assert metrics.total("transom_requests_total") == sent
    assert metrics.total("http_requests_total") == sent
    assert len(lines) == sent
    assert Counter(line["outcome"] for line in lines) == _by_outcome(ledger)
    assert len({line["trace_id"] for line in lines}) == sent
    assert metrics.total("transom_telemetry_dropped_total") == 0


def test_a_real_prometheus_has_the_same_numbers(prometheus: Prometheus, ledger: Ledger) -> None:
    """Requests, tokens and first tokens by PromQL equal the tally of the calls made."""
    requests: Counter[tuple[str, ...]] = Counter()
    for (model, _operation, outcome), count in ledger.requests.items():
        requests[model, outcome] += count
    ran = sum(n for (model, *_), n in ledger.requests.items() if model == MODEL)
    queries: list[tuple[str, tuple[str, ...], Mapping[tuple[str, ...], int]]] = [
        ("sum by (model, outcome) (transom_requests_total)", ("model", "outcome"), requests),
        (
            f'sum by (direction) (transom_tokens_total{{source="upstream", model="{MODEL}"}})',
            ("direction",),
            {(direction,): count for direction, count in ledger.tokens.items()},
        ),
        (
            f"sum by (gen_ai_operation_name) ({FIRST_TOKEN}_count)",
            ("gen_ai_operation_name",),
            {(operation,): count for operation, count in ledger.first_tokens.items()},
        ),
        (
            f'sum by (gen_ai_request_model) ({DURATION}_count{{gen_ai_request_model="{MODEL}"}})',
            ("gen_ai_request_model",),
            {(MODEL,): ran},
        ),
        ("sum by (job) (transom_in_flight_requests + transom_open_streams)", ("job",), {}),
    ]
    for promql, by, expected in queries:
        wanted = {key: float(count) for key, count in expected.items() if count}
        prometheus.comes_to(promql, by, wanted)


def test_no_event_is_lost_to_a_late_birth(prometheus: Prometheus, ledger: Ledger) -> None:
    """Every counter was scraped at 0 before its first event, so `increase` sees them all."""
    born = f'count by (outcome) (min_over_time(transom_requests_total{{model="{MODEL}"}}[1h]) == 0)'
    outcomes = {outcome for model, _, outcome in ledger.requests if model == MODEL}
    assert outcomes <= {outcome for (outcome,) in prometheus.query(born, ("outcome",))}


def test_promtool_finds_nothing_to_say(parts: Path, transom: Transom) -> None:
    """The exposition is valid and follows the naming rules."""
    run = subprocess.run(
        [str(parts / "bin/promtool"), "check", "metrics"],
        input=transom.metrics_text(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_the_key_is_in_no_sink(transom: Transom) -> None:
    """Neither logs nor metrics hold the caller's key or words."""
    process = transom.process
    sinks = process.stdout.read_text() + process.stderr.read_text() + transom.metrics_text()
    assert API_KEY not in sinks
    assert "Count from one" not in sinks


def _by_outcome(ledger: Ledger) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for (_model, _operation, outcome), count in ledger.requests.items():
        outcomes[outcome] += count
    return outcomes
