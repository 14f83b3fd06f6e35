"""The servers of a run: models, Transom in front of them, Prometheus beside it."""

from __future__ import annotations

import hashlib
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

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


class Sim:
    """A simulated model, as quick as can be."""

    MODEL = "sim-small"
    TOKENS = 4
    """In each of its answers."""

    def __init__(self, program: Path, folder: Path) -> None:
        listen = f"127.0.0.1:{free_port()}"
        self.origin = f"http://{listen}"
        pace = ["--ttft-ms", "1", "--itl-ms", "0", "--tokens", str(self.TOKENS)]
        self.process = Process([str(program), "sim", "--listen", listen, *pace], folder)
        self.process.ready_at(f"{self.origin}/v1/models")


@dataclass(frozen=True)
class Answer:
    """What a caller gets."""

    status: int
    headers: Mapping[str, str]


class Proxy:
    """The program under test; `tables` is its configuration beyond addresses and the log."""

    def __init__(self, program: Path, folder: Path, tables: str) -> None:
        self.port, admin = free_port(), free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.admin = f"http://127.0.0.1:{admin}"
        self.config = folder / "transom.toml"
        folder.mkdir(parents=True)
        self.config.write_text(f"""\
[server]
listen = ["127.0.0.1:{self.port}"]
admin = "127.0.0.1:{admin}"

[log]
format = "json"

{tables}""")
        self.process = Process([str(program), "serve", "--config", str(self.config)], folder)
        self.process.ready_at(f"{self.admin}/ready")

    def restart(self) -> None:
        """Stops it as an operator would, and starts it again where it was."""
        assert self.process.stop() == 0, self.process.last_words()
        self.process = Process(self.process.argv, self.config.parent)
        self.process.ready_at(f"{self.admin}/ready")

    def chat(self, model: str, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """One chat, read to its end. Raises `OSError` when there is no answer in 5 seconds."""
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}
        request = urllib.request.Request(
            f"{self.origin}/v1/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json", **(headers or {})},
        )
        try:
            reply = urllib.request.urlopen(request, timeout=5)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            reply.read()
            return Answer(reply.status, reply.headers)

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


def key_table(key: str) -> str:
    """The table of a key."""
    return f"""\
[[key]]
alias = "{KEY_ALIAS}"
sha256 = "{hashlib.sha256(key.encode()).hexdigest()}"
"""


class Transom(Proxy):
    """The program under test, in front of the model."""

    def __init__(self, program: Path, llm: Llm, folder: Path) -> None:
        tables = f"""\
[[upstream]]
name = "llm"
protocol = "openai"
endpoints = ["{llm.origin}"]

[[model]]
name = "{MODEL}"
aliases = ["gpt-*"]
targets = [{{ upstream = "llm", model = "smollm2-135m" }}]

{key_table(API_KEY)}"""
        super().__init__(program, folder, tables)


class Scraped(Protocol):
    """Whatever has metrics."""

    admin: str


class Prometheus:
    """A real Prometheus that scrapes every second, or only tells what is in `folder / "data"`."""

    def __init__(self, program: Path, scraped: Scraped | None, folder: Path, *flags: str) -> None:
        targets = [scraped.admin.removeprefix("http://")] if scraped else []
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "prometheus.yml"
        config.write_text(f"""\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: transom
    static_configs:
      - targets: {json.dumps(targets)}
""")
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self._process = Process(
            [
                str(program),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                *flags,
            ],
            folder,
        )
        self._process.ready_at(f"{self.origin}/-/ready")
        if scraped:
            until("a first scrape", lambda: self.query("up") == {("transom",): 1.0})

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        url = f"{self.origin}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        return json.loads(http_get(url))["data"]

    def query(self, promql: str, by: tuple[str, ...] = ("job",)) -> Values:
        """An instant query's values other than 0, keyed by the labels `by`."""
        result = self.get("query", query=promql)["result"]
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
