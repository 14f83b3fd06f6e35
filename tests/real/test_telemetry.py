"""Telemetry as others get it: spans at an OTLP receiver, exemplars in Prometheus, error
budgets beside Prometheus' own arithmetic, objectives in the languages of other tools."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from processes import Process, free_port, http_get, until

PARENT = "00f067aa0ba902b7"


@dataclass
class Span:
    """A span as rotel writes it out."""

    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


class Rotel:
    """A real OTLP receiver that writes down what it gets."""

    def __init__(self, parts: Path, folder: Path) -> None:
        self.grpc, self.http = free_port(), free_port()
        (program,) = parts.glob("venv/lib/python*/site-packages/rotel/rotel-agent")
        self.process = Process(
            [
                str(program),
                "start",
                f"--otlp-grpc-endpoint=127.0.0.1:{self.grpc}",
                f"--otlp-http-endpoint=127.0.0.1:{self.http}",
                "--exporter=blackhole",
                "--debug-log=traces",
                "--debug-log-verbosity=detailed",
            ],
            folder,
        )
        until("rotel to start", lambda: "Starting Rotel" in self._log())

    def trace(self, trace_id: str, count: int) -> list[Span]:
        """The spans of a trace, once there are so many."""

        def found() -> list[Span] | None:
            spans = [span for span in self._spans() if span.fields["Trace ID"] == trace_id]
            return spans if len(spans) >= count else None

        return until(f"{count} spans of {trace_id}", found, 20)

    def _log(self) -> str:
        return self.process.stdout.read_text() + self.process.stderr.read_text()

    def _spans(self) -> list[Span]:
        spans: list[Span] = []
        for text in re.split(r"^Span #\d+\n", self._log(), flags=re.M)[1:]:
            span = Span()
            for line in text.splitlines():
                if match := re.match(r"    (Trace ID|Parent ID|ID|Name|Kind|Status code) *: (.*)", line):
                    span.fields.setdefault(match[1], match[2])
                elif match := re.match(r"     -> ([a-z_.]+): \w+\((.*)\)", line):
                    span.attributes[match[1]] = match[2]
            if "Kind" in span.fields:
                spans.append(span)
        return spans


class Proxy:
    """A Transom before a simulated model, with the tables a test gives it."""

    def __init__(self, folder: Path, tables: str) -> None:
        program = os.environ["TRANSOM_BIN"]
        sim, data, admin = free_port(), free_port(), free_port()
        argv = ["sim", f"--listen=127.0.0.1:{sim}", "--models=m", "--ttft-ms=5", "--itl-ms=1"]
        self._sim = Process([program, *argv, "--tokens=5"], folder / "sim")
        self._sim.ready_at(f"http://127.0.0.1:{sim}/v1/models")
        self.origin, self.admin = f"http://127.0.0.1:{data}", f"http://127.0.0.1:{admin}"
        config = folder / "transom.toml"
        config.write_text(f"""\
[server]
listen = ["127.0.0.1:{data}"]
admin = "127.0.0.1:{admin}"
[[upstream]]
name = "u"
endpoints = ["http://127.0.0.1:{sim}"]
[[upstream]]
name = "half-away"
endpoints = ["http://127.0.0.1:1", "http://127.0.0.1:{sim}"]
balance = "round_robin"
[[upstream]]
name = "away"
endpoints = ["http://127.0.0.1:1"]
[[model]]
name = "m"
targets = [{{ upstream = "u" }}]
[[model]]
name = "retried"
targets = [{{ upstream = "half-away", model = "m" }}]
[[model]]
name = "away"
targets = [{{ upstream = "away" }}]
{tables}
""")
        self._transom = Process([program, "serve", f"--config={config}"], folder / "transom")
        self._transom.ready_at(f"{self.admin}/ready")

    def chat(self, model: str, trace_id: str | None = None) -> int:
        """A streamed chat; returns its status."""
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        request = urllib.request.Request(
            f"{self.origin}/v1/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        if trace_id is not None:
            request.add_header("traceparent", f"00-{trace_id}-{PARENT}-01")
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                reply.read()
                return int(reply.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def total(self, metric: str, labels: str = "") -> float:
        """The sum of a metric's series whose labels hold this text."""
        lines = http_get(f"{self.admin}/metrics").splitlines()
        mine = (line for line in lines if line.startswith(metric + "{") and labels in line)
        return sum(float(line.rpartition(" ")[2]) for line in mine)

    def stop(self) -> None:
        """Ends both; a clean end is part of every test."""
        assert self._transom.stop() == 0, self._transom.last_words()
        self._sim.stop()


@pytest.fixture(scope="module")
def rotel(parts: Path, folder: Path) -> Iterator[Rotel]:
    rotel = Rotel(parts, folder / "rotel")
    yield rotel
    rotel.process.stop()


@pytest.fixture(params=["http", "grpc"])
def traced(request: pytest.FixtureRequest, rotel: Rotel, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy whose spans go to rotel, by either protocol."""
    port = rotel.http if request.param == "http" else rotel.grpc
    table = f'[tracing]\notlp = "http://127.0.0.1:{port}"\nprotocol = "{request.param}"\n'
    proxy = Proxy(tmp_path, table)
    yield proxy
    proxy.stop()


def test_spans_arrive_as_a_tree(traced: Proxy, rotel: Rotel) -> None:
    plain, retried, failed = (os.urandom(16).hex() for _ in range(3))
    assert traced.chat("m", plain) == 200
    assert traced.chat("retried", retried) == 200
    assert traced.chat("away", failed) == 502
    for trace_id, attempts in ((plain, 1), (retried, 2), (failed, 1)):
        spans = rotel.trace(trace_id, 1 + attempts)
        (server,) = [span for span in spans if span.fields["Kind"] == "SPAN_KIND_SERVER"]
        clients = [span for span in spans if span.fields["Kind"] == "SPAN_KIND_CLIENT"]
        assert server.fields["Parent ID"] == PARENT
        assert server.fields["Name"] == "POST /v1/chat/completions"
        assert len(clients) == attempts
        assert {span.fields["Parent ID"] for span in clients} == {server.fields["ID"]}
        assert server.attributes["gen_ai.operation.name"] == "chat"
        worked = trace_id != failed
        assert server.attributes["transom.outcome"] == ("success" if worked else "upstream_error")
        if attempts == 2:
            assert clients[0].attributes["error.type"] == "connect_refused"
        if worked:
            assert server.attributes["gen_ai.usage.output_tokens"] == "5"


def test_an_exemplar_leads_to_a_span(
    traced: Proxy, rotel: Rotel, parts: Path, tmp_path: Path
) -> None:
    for _ in range(3):
        assert traced.chat("m") == 200
    prometheus = Store(parts, tmp_path / "prometheus", f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: transom
    static_configs: [{{targets: ["{traced.admin.removeprefix("http://")}"]}}]
""")
    query = 'gen_ai_server_time_to_first_token_seconds_bucket{gen_ai_request_model="m"}'

    def exemplars() -> list[dict[str, Any]]:
        found = prometheus.ask("query_exemplars", query=query, start="0", end="9999999999")
        return [exemplar for series in found for exemplar in series["exemplars"]]

    labels = until("an exemplar", exemplars, 20)[0]["labels"]
    prometheus.process.stop()
    spans = rotel.trace(labels["trace_id"], 2)
    (server,) = [span for span in spans if span.fields["Kind"] == "SPAN_KIND_SERVER"]
    assert server.fields["ID"] == labels["span_id"]


class Store:
    """A real Prometheus with a configuration of its own, or over data of its own."""

    def __init__(self, parts: Path, folder: Path, config: str = "", *more: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(config)
        port = free_port()
        self._origin = f"http://127.0.0.1:{port}"
        self.process = Process(
            [
                str(parts / "bin/prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
                *more,
            ],
            folder,
        )
        self.process.ready_at(f"{self._origin}/-/ready")

    def ask(self, what: str, **arguments: str) -> Any:
        """The data of an answer of its API."""
        url = f"{self._origin}/api/v1/{what}?" + urllib.parse.urlencode(arguments)
        return json.loads(http_get(url))["data"]


def test_budgets_agree_with_prometheus_over_days_with_restarts(
    parts: Path, tmp_path: Path
) -> None:
    counters, answers = tmp_path / "counters.om", tmp_path / "budgets.json"
    subprocess.run([os.environ["SIMULATED_DAYS"], counters, answers], check=True, timeout=60)
    promtool = [parts / "bin/promtool", "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(
        [*promtool, counters, tmp_path / "p/data"], check=True, timeout=60, capture_output=True
    )
    prometheus = Store(parts, tmp_path / "p", "", "--storage.tsdb.retention.time=100y")
    ring = json.loads(answers.read_text())

    def increase(metric: str, answer: dict[str, Any]) -> float:
        labels = f'slo="{answer["slo"]}",model="{answer["model"]}"'
        query = f"sum(increase({metric}{{{labels}}}[{answer['window']}]))"
        (series,) = prometheus.ask("query", query=query, time=str(ring["end"]))["result"]
        return float(series["value"][1])

    assert {answer["window"] for answer in ring["answers"]} == {"1d", "3d"}
    for answer in ring["answers"]:
        total = increase("transom_slo_events_total", answer)
        bad = increase("transom_slo_bad_events_total", answer)
        assert total == pytest.approx(answer["total"], rel=1e-6), answer
        assert bad == pytest.approx(answer["bad"], rel=1e-6) and bad > 0, answer
    prometheus.process.stop()


def test_budgets_and_objectives_for_people_and_other_tools(parts: Path, tmp_path: Path) -> None:
    table = """
[[slo]]
name = "availability"
objective = 99.0
[[slo]]
name = "first-token"
model = "m"
kind = "ttft"
threshold = "1.5s"
objective = 95.0
"""
    proxy = Proxy(tmp_path, table)
    assert (proxy.chat("m"), proxy.chat("away")) == (200, 502)

    def run(*arguments: str) -> str:
        argv = [os.environ["TRANSOM_BIN"], "slo", *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout

    status = run("status", "--admin", proxy.admin)
    worst = status.splitlines()[1].split()
    assert worst[:2] == ["availability", "away"], status
    proxy.stop()

    def export(language: str) -> str:
        return run("export", f"--format={language}", f"--config={tmp_path / 'transom.toml'}")

    rules = tmp_path / "rules.yml"
    rules.write_text(export("prometheus"))
    argv = [str(parts / "bin/promtool"), "check", "rules", "--lint-fatal", str(rules)]
    checked = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    documents = list(yaml.safe_load_all(export("openslo")))
    slos = [document for document in documents if document["kind"] == "SLO"]
    assert [slo["metadata"]["name"] for slo in slos] == ["availability", "first-token"]
    assert slos[1]["spec"]["objectives"][0]["target"] == 0.95
    sloth = yaml.safe_load(export("sloth"))
    assert [slo["objective"] for slo in sloth["slos"]] == [99, 95]


def test_a_receiver_that_is_not_there_costs_spans_and_nothing_else(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path, f'[tracing]\notlp = "http://127.0.0.1:{free_port()}"\n')
    assert all(proxy.chat("m") == 200 for _ in range(300))
    assert proxy.total("transom_requests_total", 'model="m"') == 300
    lost = lambda: proxy.total("transom_telemetry_dropped_total", 'sink="traces"')  # noqa: E731
    assert until("spans to be given up", lost, 20) > 0
    assert proxy.total("transom_telemetry_dropped_total", 'sink="log"') == 0
    proxy.stop()
