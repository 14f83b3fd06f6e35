"""The three servers of a run: the model, Transom in front of it, Prometheus beside it."""

from __future__ import annotations

import hashlib
import json
import sys
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exposition import Samples
from processes import Process, free_port, http_get, until

API_KEY = "sk-real-5f1d7c90a2"
KEY_ALIAS = "team-test"
MODEL = "smollm2"
OTHER_MODEL = "_other"
"""The label of every model that is not configured."""

Values = dict[tuple[str, ...], float]
"""The values of a query by their labels."""


@dataclass(frozen=True)
class Tokens:
    """Tokens in and out of the model."""

    input: int
    output: int

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(self.input - other.input, self.output - other.output)


class Llm:
    """The model's server, always on the same port."""

    def __init__(self, gguf: Path, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder
        self._gguf = gguf
        self.origin = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Starts it and waits until the model is loaded."""
        program = str(Path(__file__).with_name("llm.py"))
        argv = [sys.executable, program, str(self._gguf), str(self._port)]
        self.process = Process(argv, self._folder)
        self.process.ready_at(f"{self.origin}/health")

    def counted(self) -> Tokens:
        """What it says it has read and generated since its start, once it is idle."""
        samples = until("the model to be idle", self._metrics_when_idle)
        read = samples.total("llamacpp:prompt_tokens_total")
        cached = samples.total("llamacpp:prompt_tokens_cached_total")
        return Tokens(int(read + cached), int(samples.total("llamacpp:tokens_predicted_total")))

    def is_idle(self) -> bool:
        """Whether it works on no request."""
        return self._metrics_when_idle() is not None

    def _metrics_when_idle(self) -> Samples | None:
        samples = Samples(http_get(f"{self.origin}/metrics"))
        return samples if samples.total("llamacpp:requests_processing") == 0 else None


class Transom:
    """The program under test."""

    def __init__(self, program: Path, llm: Llm, folder: Path) -> None:
        self.port, admin = free_port(), free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.admin = f"http://127.0.0.1:{admin}"
        folder.mkdir(parents=True)
        config = folder / "transom.toml"
        config.write_text(f"""\
[server]
listen = ["127.0.0.1:{self.port}"]
admin = "127.0.0.1:{admin}"

[[upstream]]
name = "llm"
protocol = "openai"
endpoints = ["{llm.origin}"]

[[model]]
name = "{MODEL}"
aliases = ["gpt-*"]
targets = [{{ upstream = "llm", model = "smollm2-135m" }}]

[[key]]
alias = "{KEY_ALIAS}"
sha256 = "{hashlib.sha256(API_KEY.encode()).hexdigest()}"

[log]
format = "json"
""")
        self.process = Process([str(program), "serve", "--config", str(config)], folder)
        self.process.ready_at(f"{self.admin}/ready")

    def metrics_text(self) -> str:
        """The exposition as scraped."""
        return http_get(f"{self.admin}/metrics")

    def metrics(self) -> Samples:
        """The exposition, read."""
        return Samples(self.metrics_text())

    def access_lines(self) -> list[dict[str, Any]]:
        """Every access-log line so far, oldest first."""
        whole, _, _partial = self.process.stdout.read_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if "outcome" in line]


class Prometheus:
    """A real Prometheus that scrapes Transom every second."""

    def __init__(self, program: Path, transom: Transom, folder: Path) -> None:
        target = transom.admin.removeprefix("http://")
        folder.mkdir(parents=True)
        config = folder / "prometheus.yml"
        config.write_text(f"""\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: transom
    static_configs:
      - targets: ["{target}"]
""")
        port = free_port()
        self._origin = f"http://127.0.0.1:{port}"
        self._process = Process(
            [
                str(program),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            folder,
        )
        self._process.ready_at(f"{self._origin}/-/ready")
        until("a first scrape", lambda: self.query("up") == {("transom",): 1.0})

    def query(self, promql: str, by: tuple[str, ...] = ("job",)) -> Values:
        """An instant query's values other than 0, keyed by the labels `by`."""
        url = f"{self._origin}/api/v1/query?" + urllib.parse.urlencode({"query": promql})
        result = json.loads(http_get(url))["data"]["result"]
        values = {
            tuple(series["metric"].get(label, "") for label in by): float(series["value"][1])
            for series in result
        }
        return {key: value for key, value in values.items() if value != 0}

    def comes_to(self, promql: str, by: tuple[str, ...], wanted: Values) -> None:
        """Waits for the scrape after which a query has the wanted values, no more, no less."""
        deadline = time.monotonic() + 10
        while (found := self.query(promql, by)) != wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        assert found == wanted, promql

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()
