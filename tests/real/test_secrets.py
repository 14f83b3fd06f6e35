"""Canaries: secrets of every known kind go through Transom in questions, headers and answers, in
streams a few letters at a time, and are found in no file that it or its commands write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pyarrow.parquet
import pytest

from captures import FORMATS, Capture, places_of
from processes import ran, until
from secrets_of import secrets
from servers import Proxy

SECRETS = secrets()
PIECE = 3
"""Letters of a streamed event."""
HEADERS = {
    "authorization": "Bearer canary-bearer-4f1c",
    "cookie": "session=canary-cookie-77aa",
    "x-api-key": "canary-api-key-0b2e",
    "x-strange": "canary-strange-c3d4",
    "api-key": "canary-azure-51aa",
    "user-agent": "bot (of=jane.agent@example.com)",
    "x-transom-session": "jane.session@example.com",
}
QUERY = "canary-query-91dd"
USER = "jane.query@example.com"
SET_COOKIE = "canary-set-cookie-5e6f"
CREDENTIALS = [re.split("[ =]", value)[-1].rstrip(")") for value in HEADERS.values()]
CREDENTIALS += [QUERY, USER, SET_COOKIE]


class Blabber:
    """A model that gives away a secret in each answer: the one whose number is its seed."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                said = SECRETS[asked["seed"]].sentence
                data = _answer(said, asked.get("stream", False))
                kind = "text/event-stream" if asked.get("stream") else "application/json"
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.send_header("set-cookie", f"id={SET_COOKIE}")
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def left(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Everything that was written while secrets went through, and was made of it afterwards."""
    folder = tmp_path_factory.mktemp("secrets")
    with ExitStack() as stack:
        model = Blabber()
        stack.callback(model.stop)
        proxy = Proxy(program, folder / "proxy", _tables(model.origin))
        stack.callback(lambda: proxy.process.stop())
        captured = Capture(program, proxy.config)
        _give_away(proxy)
        until("all of it", lambda: len(captured.listed()) == 2 * len(SECRETS))
        file = captured.export("jsonl")
        _replay(program, file, model.origin, folder / "runs")
        for format in FORMATS:
            captured.export(format)
        shown = captured.lines("jsonl")
        (folder / "shown.json").write_text(json.dumps(shown, ensure_ascii=False))
        table = pyarrow.parquet.read_table(folder / "proxy" / "out.parquet").to_pylist()
        (folder / "table.json").write_text(json.dumps(table, default=str, ensure_ascii=False))
    yield folder


def test_no_file_holds_a_secret(left: Path) -> None:
    """Neither segments, packed and unpacked, nor exports, logs, runs and reports."""
    written = {file.name for file in left.rglob("*") if file.is_file()}
    assert {"samples.jsonl.zst", "report.html", "report.junit", "out.k6"} <= written
    assert any(name.startswith("seg-") for name in written)
    canaries = [trace for secret in SECRETS for trace in secret.traces]
    assert places_of([*canaries, *CREDENTIALS], left) == []


def test_what_is_around_a_secret_is_there(left: Path) -> None:
    """Nothing is found because it was taken out, not because nothing was written."""
    shown = json.loads((left / "shown.json").read_text())
    for exchange in shown:
        secret = SECRETS[exchange["request"]["seed"]]
        asked = exchange["request"]["messages"][0]["content"]
        assert asked.startswith(f"This is the {secret.kind}: ") and asked.endswith(" and no more.")
        assert "[redacted:" in asked, asked
        assert sum(exchange["redactions"].values()) >= 2
        assert "[redacted:" in json.dumps(exchange.get("response") or exchange["response_body"])


def _tables(origin: str) -> str:
    return f"""\
[[upstream]]
name = "blabber"
endpoints = ["{origin}"]

[[model]]
name = "m"
targets = [{{ upstream = "blabber" }}]

[capture]
models = ["*"]
"""


def _give_away(proxy: Proxy) -> None:
    """A plain call and a stream for each secret; what is answered has the secret still."""
    url = f"{proxy.origin}/v1/chat/completions?api_key={QUERY}&user={USER}"
    with httpx.Client(headers=HEADERS, timeout=30) as client:
        for number, secret in enumerate(SECRETS):
            said = secret.sentence
            message = {"role": "user", "content": said}
            call = {"name": "note", "arguments": json.dumps({"text": said})}
            calls = [{"id": "c", "type": "function", "function": call}]
            messages = [message, {"role": "assistant", "content": "", "tool_calls": calls}]
            for stream in (False, True):
                body: dict[str, Any] = {
                    "model": "m",
                    "messages": messages,
                    "seed": number,
                    "stream": stream,
                }
                reply = client.post(url, json=body)
                assert reply.status_code == 200
                assert reply.content == _answer(said, stream), "traffic is left alone"


def _answer(said: str, stream: bool) -> bytes:
    if not stream:
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 7}
        return json.dumps({"id": "x", "choices": [choice], "usage": usage}).encode()
    pieces = [said[at : at + PIECE] for at in range(0, len(said), PIECE)]
    ends: list[tuple[dict[str, str], str | None]] = [
        *(({"content": piece}, None) for piece in pieces),
        ({}, "stop"),
    ]
    choices = [{"index": 0, "delta": delta, "finish_reason": why} for delta, why in ends]
    events = [json.dumps({"id": "x", "choices": [choice]}) for choice in choices]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


def _replay(program: Path, file: Path, origin: str, out: Path) -> None:
    """Runs and a report of what the model, which does not change, says again."""
    out.mkdir()
    files = [f"--{form}={out / f'report.{form}'}" for form in ("html", "json", "junit", "markdown")]
    target = ("--target", origin, "--key-env", "KEY")
    how = ("--concurrency", "4", "--answers", "--out", out, *files)
    env = {"KEY": HEADERS["x-api-key"]}
    done = ran(program, "replay", "run", file, *target, *how, env=env)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    (out / "said").write_text(done.stdout + done.stderr)
