"""What Transom tells others, as they understand it: spans at a real OTLP receiver, exemplars
in a real Prometheus, error budgets next to Prometheus' own arithmetic, and objectives in the
languages of other tools. A receiver of spans that is of no use costs spans, no request.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from processes import built, output_of, until
from servers import Answer, Prometheus, Proxy, Sim
from spans import Dead, Hanging, Rotel, Span

PROTOCOLS = ("http", "grpc")
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds_bucket"

KEEP_ALL = """\
max_traces_per_second = 1000000
floor = { low = "100%", medium = "100%", high = "100%" }
"""

OBJECTIVES = """\
[[slo]]
name = "answered"
model = "steady"
objective = 90.0
window = "7d"

[[slo]]
name = "first-token"
model = "st*"
kind = "ttft"
threshold = "10s"
objective = 95.0
"""


@dataclass(frozen=True)
class Call:
    """One request with a span of its caller's around it."""

    trace_id: str
    parent_id: str
    answer: Answer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where these tests keep their files."""
    return tmp_path_factory.mktemp("telemetry")


@pytest.fixture(scope="module")
def sim(program: Path, home: Path) -> Iterator[Sim]:
    """The model behind everything here."""
    sim = Sim(program, home / "sim")
    yield sim
    sim.process.stop()


@pytest.fixture(scope="module")
def rotel(home: Path) -> Iterator[Rotel]:
    """Where spans go."""
    rotel = Rotel(home / "rotel")
    yield rotel
    rotel.process.stop()


@pytest.fixture(scope="module")
def dead() -> Iterator[Dead]:
    """Where nobody is, neither a model nor a receiver of spans."""
    dead = Dead()
    yield dead
    dead.close()


@pytest.fixture(scope="module")
def proxies(
    program: Path, sim: Sim, rotel: Rotel, dead: Dead, home: Path
) -> Iterator[dict[str, Proxy]]:
    """One by each protocol."""
    with ExitStack() as ending:
        proxies = {}
        for protocol in PROTOCOLS:
            tables = tables_of(sim, rotel.endpoints[protocol], protocol, dead)
            proxies[protocol] = Proxy(program, home / protocol, tables)
            ending.callback(ends_well, proxies[protocol])
        yield proxies


@pytest.fixture(scope="module")
def prometheus(parts: Path, proxies: dict[str, Proxy], home: Path) -> Iterator[Prometheus]:
    """Scrapes one of these, in place of the one that the other files share."""
    scrapes = parts / "bin/prometheus", proxies["http"], home / "prometheus"
    prometheus = Prometheus(*scrapes, "--enable-feature=exemplar-storage")
    yield prometheus
    prometheus.stop()


@pytest.fixture(scope="module")
def calls(proxies: dict[str, Proxy], prometheus: Prometheus) -> dict[tuple[str, str], Call]:
    """The only requests to these two: a stream, a retry and a failure, each by protocol."""
    return {
        (protocol, what): called(proxy, model, headers, stream=what == "streamed")
        for protocol, proxy in proxies.items()
        for what, model, headers in (
            ("streamed", "steady", {}),
            ("retried", "half-away", {}),
            ("failed", "steady", {"x-sim-status": "503"}),
        )
    }


# Spans


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stream_is_a_tree_of_spans(
    calls: dict[tuple[str, str], Call], proxies: dict[str, Proxy], rotel: Rotel, protocol: str
) -> None:
    call = calls[protocol, "streamed"]
    server, [attempt] = tree(rotel, call)
    assert call.answer.status == 200
    assert (server.name, server.status) == ("POST /v1/chat/completions", "UNSET")
    assert server.attributes.items() >= {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": "200",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "steady",
        "gen_ai.response.model": Sim.MODEL,
        "gen_ai.usage.output_tokens": str(Sim.TOKENS),
        "transom.outcome": "success",
        "transom.request_id": call.answer.headers["x-request-id"],
    }.items()
    assert server.start < server.events["gen_ai.first_token"] < server.end
    assert (attempt.name, attempt.status) == ("chat steady", "UNSET")
    assert attempt.attributes["transom.upstream"] == "sim"
    [line] = [one for one in proxies[protocol].access_lines() if one["trace_id"] == call.trace_id]
    assert line["span_id"] == server.span_id


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_attempt_of_a_retried_request_has_a_span(
    calls: dict[tuple[str, str], Call], rotel: Rotel, dead: Dead, protocol: str
) -> None:
    call = calls[protocol, "retried"]
    server, [refused, answered] = tree(rotel, call)
    assert call.answer.status == 200
    assert (server.status, server.attributes["transom.keep_reason"]) == ("UNSET", "retried")
    assert (refused.status, refused.attributes["error.type"]) == ("ERROR", "connect_refused")
    assert refused.attributes["server.port"] == str(dead.port)
    assert refused.end <= answered.start
    assert (answered.status, answered.attributes["http.response.status_code"]) == ("UNSET", "200")
    assert answered.attributes["http.request.resend_count"] == "1"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_failure_is_one_in_both_spans(
    calls: dict[tuple[str, str], Call], rotel: Rotel, protocol: str
) -> None:
    call = calls[protocol, "failed"]
    server, [attempt] = tree(rotel, call)
    assert call.answer.status == 503
    assert server.attributes["transom.outcome"] == "upstream_error"
    assert server.attributes["transom.keep_reason"] == "error"
    for span in (server, attempt):
        assert (span.status, span.attributes["error.type"]) == ("ERROR", "503")


def test_an_exemplar_leads_to_the_span_of_a_request(
    calls: dict[tuple[str, str], Call], prometheus: Prometheus, rotel: Rotel
) -> None:
    """From a point in a graph to a trace, and both tell the same time."""
    now = time.time()
    period = {"start": str(now - 600), "end": str(now + 600)}
    found = until(
        "an exemplar", lambda: prometheus.get("query_exemplars", query=FIRST_TOKEN, **period)
    )
    [series] = found
    [exemplar] = series["exemplars"]
    assert series["seriesLabels"]["gen_ai_request_model"] == "steady"
    call = calls["http", "streamed"]
    server, _ = tree(rotel, call)
    assert exemplar["labels"] == {"trace_id": call.trace_id, "span_id": server.span_id}
    first_token = (server.events["gen_ai.first_token"] - server.start) / 1e9
    assert float(exemplar["value"]) == pytest.approx(first_token, abs=1e-6)


# Objectives


def test_budgets_are_what_prometheus_reckons(parts: Path, tmp_path: Path) -> None:
    """Four days with restarts: what the ring says and what the counters say, to 6 digits."""
    counters, budgets = tmp_path / "counters.om", tmp_path / "budgets.json"
    output_of(built("SIMULATED_DAYS"), counters, budgets)
    promtool = parts / "bin/promtool", "tsdb", "create-blocks-from", "openmetrics"
    output_of(*promtool, counters, tmp_path / "data")
    forever = "--storage.tsdb.retention.time=100y"
    prometheus = Prometheus(parts / "bin/prometheus", None, tmp_path, forever)
    told = json.loads(budgets.read_text())

    def reckoned(promql: str) -> float:
        [series] = prometheus.get("query", query=promql, time=str(told["end"]))["result"]
        return float(series["value"][1])

    answers = told["answers"]
    assert len(answers) == 8, "two models, two objectives, two windows"
    for answer in answers:
        series = f'{{slo="{answer["slo"]}", model="{answer["model"]}"}}[{answer["window"]}]'
        total = f"increase(transom_slo_events_total{series})"
        bad = f"increase(transom_slo_bad_events_total{series})"
        assert answer["bad"] > 100 and answer["total"] > 1000 * int(answer["window"][0])
        assert reckoned(total) == pytest.approx(answer["total"], rel=1e-6), answer
        assert reckoned(bad) == pytest.approx(answer["bad"], rel=1e-6), answer
        assert reckoned(f"{bad} / {total}") == pytest.approx(answer["ratio"], rel=1e-6), answer
    prometheus.stop()


def test_status_prints_the_budgets(
    program: Path, calls: dict[tuple[str, str], Call], proxies: dict[str, Proxy]
) -> None:
    """The worst first: one of two requests failed where one in ten may."""
    status = program, "slo", "status", "--admin", proxies["http"].admin

    def rows() -> list[list[str]] | None:
        head, *rows = [re.split(" {2,}", line) for line in output_of(*status).splitlines()]
        assert head[:6] == ["slo", "model", "objective", "events", "bad", "budget left"]
        return rows if rows[0][3] == "2" else None

    worst, other = until("both requests to be told", rows)
    assert worst[:6] == ["answered", "steady", "90.000 %", "2", "1", "-400.000 %"]
    assert other[:6] == ["first-token", "steady", "95.000 %", "1", "0", "100.000 %"]


def exported(program: Path, proxy: Proxy, language: str) -> str:
    """The objectives of a proxy's configuration in this language."""
    return output_of(program, "slo", "export", "--format", language, "--config", proxy.config)


def test_objectives_are_exported_as_rules(
    program: Path, parts: Path, proxies: dict[str, Proxy], tmp_path: Path
) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(exported(program, proxies["http"], "prometheus"))
    output_of(parts / "bin/promtool", "check", "rules", "--lint-fatal", file)
    groups = yaml.safe_load(file.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    alerts = Counter(rule["alert"] for rule in rules if "alert" in rule)
    each = "TransomSloPage", "TransomSloTicket", "TransomErrorBudgetExhausted"
    assert alerts == dict.fromkeys(each, 2)


def test_objectives_are_exported_to_openslo(program: Path, proxies: dict[str, Proxy]) -> None:
    text = exported(program, proxies["http"], "openslo")
    service, *objectives = yaml.safe_load_all(text)
    assert (service["apiVersion"], service["kind"]) == ("openslo/v1", "Service")
    assert {objective["kind"] for objective in objectives} == {"SLO"}
    assert {
        objective["metadata"]["name"]: (
            objective["spec"]["objectives"][0]["target"],
            objective["spec"]["timeWindow"][0]["duration"],
        )
        for objective in objectives
    } == {"answered": (0.9, "7d"), "first-token": (0.95, "30d")}


def test_objectives_are_exported_to_sloth(program: Path, proxies: dict[str, Proxy]) -> None:
    document = yaml.safe_load(exported(program, proxies["http"], "sloth"))
    assert (document["version"], document["service"]) == ("prometheus/v1", "transom")
    objectives = {slo["name"]: slo["objective"] for slo in document["slos"]}
    assert objectives == {"answered": 90, "first-token": 95}


# Receivers of no use


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_dead_receiver_costs_spans_and_no_request(
    program: Path, sim: Sim, dead: Dead, tmp_path: Path, protocol: str
) -> None:
    """Each of them is counted, request and span, to the last one."""
    tables = tables_of(sim, dead.origin, protocol, dead) + KEEP_ALL
    proxy = Proxy(program, tmp_path / "proxy", tables)
    all_are_answered(proxy, lambda: dropped(proxy) > 0)
    # A span of the server and one of the attempt, each 600 times.
    until("all spans to be given up", lambda: dropped(proxy) == 1200, seconds=20)
    ends_well(proxy)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_hanging_receiver_costs_spans_and_no_request(
    program: Path, sim: Sim, dead: Dead, tmp_path: Path, protocol: str
) -> None:
    """It does not hold up the end either, which says how many spans are lost."""
    hanging = Hanging()
    tables = tables_of(sim, hanging.origin, protocol, dead) + KEEP_ALL
    proxy = Proxy(program, tmp_path / "proxy", tables)
    all_are_answered(proxy, hanging.is_sent_something)
    given_up = dropped(proxy)
    ends_well(proxy)
    last = json.loads(proxy.process.stderr.read_text().splitlines()[-1])
    assert last["message"] == "spans were not exported in time before the end"
    assert given_up + last["spans"] == 1200
    hanging.close()


def all_are_answered(proxy: Proxy, receiver_was_tried: Callable[[], bool]) -> None:
    """300 requests before spans are sent to a receiver of no use, or meanwhile, and 300 more."""
    for _ in range(2):
        with ThreadPoolExecutor(8) as callers:
            answers = callers.map(lambda _: proxy.chat("steady"), range(300))
            assert [answer.status for answer in answers] == [200] * 300
        until("spans to be sent", receiver_was_tried)
    until("all lines to be written", lambda: len(proxy.access_lines()) >= 600)
    assert len(proxy.access_lines()) == 600
    metrics = proxy.metrics()
    assert metrics.total("transom_requests_total", model="steady", outcome="success") == 600
    assert metrics.total("transom_requests_total") == 600
    assert metrics.total("transom_telemetry_dropped_total", sink="log") == 0


def dropped(proxy: Proxy) -> float:
    """Spans that did not arrive."""
    return proxy.metrics().total("transom_telemetry_dropped_total", sink="traces")


def ends_well(proxy: Proxy) -> None:
    """Ends it within a few seconds, whatever it still has to say."""
    status = proxy.process.stop(seconds=8)
    assert status == 0, proxy.process.last_words()


def tables_of(sim: Sim, receiver: str, protocol: str, dead: Dead) -> str:
    """A configuration whose last table is `[tracing]`."""
    return f"""\
[[upstream]]
name = "sim"
endpoints = ["{sim.origin}"]

[[upstream]]
name = "half-away"
endpoints = ["{dead.origin}", "{sim.origin}"]
balance = "round_robin"

[[model]]
name = "steady"
targets = [{{ upstream = "sim", model = "{Sim.MODEL}" }}]

[[model]]
name = "half-away"
targets = [{{ upstream = "half-away", model = "{Sim.MODEL}" }}]

{OBJECTIVES}
[tracing]
otlp = "{receiver}"
protocol = "{protocol}"
"""


def called(proxy: Proxy, model: str, headers: dict[str, str], stream: bool) -> Call:
    """Makes a call as part of a trace."""
    trace_id, parent_id = secrets.token_hex(16), secrets.token_hex(8)
    context = {"traceparent": f"00-{trace_id}-{parent_id}-01"}
    return Call(trace_id, parent_id, proxy.chat(model, context | headers, stream=stream))


def tree(rotel: Rotel, call: Call) -> tuple[Span, list[Span]]:
    """The server's span, below the caller's, and those of its attempts, within and below it."""
    spans = rotel.trace(call.trace_id)
    [server] = [span for span in spans if span.kind == "SERVER"]
    attempts = [span for span in spans if span.kind == "CLIENT"]
    assert len(spans) == 1 + len(attempts)
    assert server.parent_id == call.parent_id
    assert call.answer.headers["x-trace-id"] == call.trace_id
    for number, attempt in enumerate(attempts, 1):
        assert attempt.parent_id == server.span_id
        assert attempt.attributes["transom.attempt"] == str(number)
        assert server.start <= attempt.start <= attempt.end <= server.end
    return server, attempts
