"""Holds every call against what Transom, and the model itself, tell of it.

`Ledger.one_call` brackets a single request and, when it is over, demands that exactly that
request is told, alike, by the metrics, the access log, the response headers, the client and
the model's own counters. It keeps the tally that the run's totals are checked against.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from exposition import Samples
from processes import until
from servers import KEY_ALIAS, MODEL, Llm, Tokens, Transom

ROUTES = {
    "chat": "/v1/chat/completions",
    "text_completion": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "models": "/v1/models",
}
ACCESS_KEYS = set(
    "timestamp level trace_id span_id request_id route model upstream status outcome error_type"
    " stream tokens_in tokens_out ttft_ms duration_ms overhead_ms cache attempts key bytes_in"
    " bytes_out".split()
)
DURATION = "gen_ai_server_request_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"


@dataclass(frozen=True)
class Expected:
    """What must be told of one call."""

    operation: str
    stream: bool = False
    outcome: str = "success"
    status: int = 200
    error_type: str | None = None
    model: str = MODEL

    @property
    def ran(self) -> bool:
        """Whether a model answered it in full."""
        return self.outcome == "success" and self.operation != "models"


class UsageLike(Protocol):
    """The `usage` of any SDK; embeddings have no completion tokens."""

    prompt_tokens: int


@dataclass
class Seen:
    """What the client saw, and after the call what was told of it."""

    headers: Mapping[str, str] | None = None
    usage: Tokens | None = None
    line: dict[str, Any] = field(default_factory=dict)

    def answer(self, headers: Mapping[str, str], usage: UsageLike | None = None) -> None:
        """Keeps what the client was told."""
        self.headers = headers
        if usage is not None:
            self.usage = Tokens(usage.prompt_tokens, getattr(usage, "completion_tokens", 0))


class Delta:
    """What two scrapes differ by."""

    def __init__(self, before: Samples, after: Samples) -> None:
        self._before, self._after = before, after

    def of(self, name: str, **labels: str) -> float:
        """The growth of all series of `name` with these labels."""
        before = sum(sample.value for sample in self._before.select(name, **labels))
        return sum(sample.value for sample in self._after.select(name, **labels)) - before


class Ledger:
    """The calls made so far."""

    def __init__(self, transom: Transom, llm: Llm) -> None:
        self._transom, self._llm = transom, llm
        self.requests: Counter[tuple[str, str, str]] = Counter()
        """Calls by model, operation and outcome."""
        self.tokens: Counter[str] = Counter()
        """Tokens by direction, as the upstream counted them."""
        self.first_tokens: Counter[str] = Counter()
        """Streams that began to speak, by operation."""

    @contextmanager
    def one_call(self, operation: str, **expected: Any) -> Iterator[Seen]:
        """Brackets exactly one request and checks what is told of it; see [`Expected`]."""
        call = Expected(operation, **expected)
        lines = len(self._transom.access_lines())
        before = self._transom.metrics()
        counted = self._llm.counted() if call.outcome != "upstream_error" else None
        seen = Seen()
        yield seen

        told = until("one more access-log line", lambda: self._transom.access_lines()[lines:])
        after = until("one more request counted", lambda: self._counted_since(before))
        assert len(told) == 1, f"one request, {len(told)} lines: {told}"
        seen.line = told[0]
        delta = Delta(before, after)
        self._count(call, delta)
        if call.operation != "models":
            self._check_times(call, seen, delta)
        if call.ran and counted is not None:
            self._check_tokens(seen, delta, counted)
        elif call.outcome == "client_error":
            assert self._llm.counted() == counted, "a refused call reached the model"
        _check_line(call, seen)

    def _counted_since(self, before: Samples) -> Samples | None:
        """A scrape once a request was counted and none is under way."""
        now = self._transom.metrics()
        one_more = Delta(before, now).of("transom_requests_total") > 0
        under_way = now.total("transom_in_flight_requests") + now.total("transom_open_streams")
        return now if one_more and under_way == 0 else None

    def _count(self, call: Expected, delta: Delta) -> None:
        """Adds to the tally once the counters tell this call and no other."""
        labels = {"model": call.model, "operation": call.operation, "outcome": call.outcome}
        assert delta.of("transom_requests_total", cache="none", **labels) == 1, labels
        assert delta.of("transom_requests_total") == 1, "another request was counted, too"
        http = {"route": ROUTES[call.operation], "status": str(call.status)}
        assert delta.of("http_requests_total", **http) == 1, http
        assert delta.of("http_requests_total") == 1
        errors = 0 if call.error_type is None else 1
        assert delta.of("request_errors_total") == errors
        if call.error_type is not None:
            error = {"model": call.model, "error_type": call.error_type}
            assert delta.of("request_errors_total", **error) == 1, error
        if not call.ran:
            assert delta.of("transom_tokens_total", source="upstream") == 0
        self.requests[call.model, call.operation, call.outcome] += 1

    def _check_tokens(self, seen: Seen, delta: Delta, counted: Tokens) -> None:
        """Client, metrics, log and model agree on the tokens, to the token."""

        def counter(direction: str, source: str) -> int:
            labels = {"model": MODEL, "direction": direction, "source": source}
            return int(delta.of("transom_tokens_total", **labels))

        told = Tokens(counter("input", "upstream"), counter("output", "upstream"))
        if seen.usage is not None:
            assert told == seen.usage, "metrics and client disagree"
        assert told == self._llm.counted() - counted, "metrics and model disagree"
        assert counter("input", "estimated") == counter("output", "estimated") == 0
        assert (seen.line["tokens_in"], seen.line["tokens_out"]) == (told.input, told.output)
        seen.usage = told
        self.tokens.update(input=told.input, output=told.output)

    def _check_times(self, call: Expected, seen: Seen, delta: Delta) -> None:
        """Every call has one duration, every stream one first token before its end."""
        labels = {
            "gen_ai_operation_name": call.operation,
            "gen_ai_provider_name": "openai",
            "gen_ai_request_model": call.model,
            "error_type": call.error_type or "",
        }
        duration = delta.of(f"{DURATION}_sum", **labels)
        assert delta.of(f"{DURATION}_count", **labels) == delta.of(f"{DURATION}_count") == 1
        assert abs(seen.line["duration_ms"] - duration * 1e3) < 0.1
        assert 0 < seen.line["overhead_ms"] <= seen.line["duration_ms"]
        assert delta.of(f"{FIRST_TOKEN}_count") == int(call.stream)
        if call.stream:
            first = delta.of(f"{FIRST_TOKEN}_sum", **labels)
            assert 0 < first < duration, "the first token comes before the end"
            assert abs(seen.line["ttft_ms"] - first * 1e3) < 0.1
            self.first_tokens[call.operation] += 1


def _check_line(call: Expected, seen: Seen) -> None:
    """The access-log line tells the call as the client saw it."""
    line = seen.line
    assert line.keys() >= ACCESS_KEYS, f"missing: {ACCESS_KEYS - line.keys()}"
    assert line["route"] == ROUTES[call.operation]
    assert (line["status"], line["outcome"]) == (call.status, call.outcome)
    assert line["error_type"] == call.error_type
    assert line["cache"] == "none"
    if call.ran:
        assert (line["model"], line["upstream"]) == (MODEL, "llm")
        assert (line["stream"], line["attempts"]) == (call.stream, 1)
    assert line["key"] == (None if call.status == 401 else KEY_ALIAS)
    assert re.fullmatch("[0-9a-f]{32}", line["trace_id"])
    assert re.fullmatch("[0-9a-f]{16}", line["span_id"])
    if seen.headers is not None:
        assert seen.headers["x-trace-id"] == line["trace_id"]
        assert seen.headers["x-request-id"] == line["request_id"]
        assert re.search(r"\btransom;dur=[\d.]+", seen.headers["server-timing"])
