"""Captures in the formats of other tools, read by those tools: k6 sends them, AIPerf loads them,
a HAR parser and pyarrow read them; and what others have recorded comes in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet
import pytest
import zstandard
from haralyzer import HarParser

from processes import free_port, output_of

BEGAN = 1767225600
"""2026-01-01T00:00:00Z"""
CANARY = "canary-7d1f"
"""In every place where a credential could be."""
CHATS = 40
GAP = 0.025
"""Seconds from one chat to the next."""
FORMATS = (
    "jsonl",
    "openai-batch",
    "aiperf-raw-payload",
    "aiperf-payload-trace",
    "mooncake-trace",
    "vllm-timed-trace",
    "guidellm",
    "k6",
    "vegeta",
    "har",
    "parquet",
)


class Capture:
    """A capture of its own, and the commands that fill and read it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._config = folder / "transom.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(f"""\
[server]
listen = ["127.0.0.1:{free_port()}"]
admin = "127.0.0.1:{free_port()}"
data_dir = "{folder / "data"}"

[[upstream]]
name = "llm"
endpoints = ["http://127.0.0.1:{free_port()}"]

[[model]]
name = "m"
targets = [{{ upstream = "llm" }}]
""")

    def take(self, text: str | bytes, format: str, name: str = "file") -> str:
        """Imports a file that says this, and returns what the command says."""
        file = self._folder / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return output_of(*self._command("import"), "--format", format, file)

    def refuses(self, text: str, format: str) -> str:
        """What the command says about a file that cannot be read."""
        file = self._folder / "bad"
        file.write_text(text)
        argv = [str(word) for word in (*self._command("import"), "--format", format, file)]
        done = subprocess.run(argv, text=True, capture_output=True, timeout=60)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def export(self, format: str) -> Path:
        """The capture as a file of this format."""
        out = self._folder / f"out.{format}"
        output_of(*self._command("export"), "--format", format, "--out", out)
        return out

    def lines(self, format: str) -> list[dict[str, Any]]:
        """The same, where it has a line for each exchange."""
        data = self.export(format).read_bytes()
        if data.startswith(b"\x28\xb5\x2f\xfd"):
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        return [json.loads(line) for line in data.splitlines()]

    def _command(self, verb: str) -> tuple[object, ...]:
        return (self._program, "capture", verb, "--config", self._config)


class Target:
    """A server that answers at once and remembers what it was sent, and when."""

    def __init__(self) -> None:
        seen: list[SimpleNamespace] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["content-length"])))

            def _answer(self, body: bytes) -> None:
                now = time.monotonic()
                seen.append(
                    SimpleNamespace(at=now, path=self.path, headers=self.headers, body=body)
                )
                streams = body and json.loads(body).get("stream")
                usage = b'{"usage":{"completion_tokens":2}}'
                data = b"data: " + usage + b"\n\ndata: [DONE]\n\n" if streams else usage
                kind = "text/event-stream" if streams else "application/json"
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self.seen = seen
        self._server = Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def capture(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Chats of a second, a list of models, and two requests of which the shape is known."""
    capture = Capture(program, tmp_path_factory.mktemp("interchange"))
    lines = [*(_chat(number) for number in range(CHATS)), _models(), *_shapes()]
    # As they end, which is not as they began.
    lines[3], lines[4] = lines[4], lines[3]
    capture.take("".join(json.dumps(line) + "\n" for line in lines), "jsonl")
    return capture


@pytest.fixture
def target() -> Iterator[Target]:
    """Whom tools send requests to."""
    target = Target()
    yield target
    target.stop()


@pytest.mark.parametrize("format", FORMATS)
def test_no_file_holds_a_credential(capture: Capture, format: str) -> None:
    """Not even when the capture that was imported did."""
    data = capture.export(format).read_bytes()
    if format == "jsonl":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    assert data and CANARY.encode() not in data


def test_the_interchange_format_comes_back(capture: Capture) -> None:
    """Every member but credentials, whatever was in between."""
    lines = {line.get("request_id"): line for line in capture.lines("jsonl")}
    sent = _chat(1)
    for member in ("request", "response_body", "chunks", "usage", "cost_usd", "session", "times"):
        assert lines["chat-1"][member] == sent[member], member
    shapes = [line["request_shape"] for line in lines.values() if "request_shape" in line]
    assert _shapes()[1]["request_shape"] in shapes


def test_k6_sends_the_bodies_at_their_instants(capture: Capture, target: Target) -> None:
    """k6 runs the script as it is; the key comes from its environment."""
    script = capture.export("k6")
    argv = [_tool("k6"), "run", "--quiet", "--no-usage-report", str(script)]
    env = os.environ | {"TARGET": target.origin, "API_KEY": "sk-here"}
    done = subprocess.run(argv, env=env, text=True, capture_output=True, timeout=120)
    # 99 says that requests were sent late, which a busy machine does.
    assert done.returncode in (0, 99), done.stdout + done.stderr
    chats = sorted((seen for seen in target.seen if seen.body), key=lambda seen: seen.at)
    bodies = [json.dumps(_chat(number)["request"]).encode() for number in range(CHATS)]
    assert sorted(seen.body for seen in chats) == sorted(bodies), "byte for byte"
    assert {seen.headers["authorization"] for seen in target.seen} == {"Bearer sk-here"}
    assert {seen.path for seen in chats} == {"/v1/chat/completions?a=b"}
    assert len(target.seen) == CHATS + 1, "a shape is no request"
    span = chats[-1].at - chats[0].at
    assert span == pytest.approx((CHATS - 1) * GAP, abs=0.25)
    assert "streams_complete" in done.stdout and "100.00%" in done.stdout, done.stdout


def test_aiperf_loads_payloads_and_traces(capture: Capture) -> None:
    """With the loaders and the models that `aiperf profile` reads its files with."""
    pytest.importorskip("aiperf")
    from aiperf.dataset.loader.mooncake_trace import MooncakeTraceDatasetLoader
    from aiperf.dataset.loader.models import MooncakeTrace
    from aiperf.dataset.loader.raw_payload import RawPayloadDatasetLoader

    payloads = capture.lines("aiperf-raw-payload")
    assert len(payloads) == CHATS and all(map(RawPayloadDatasetLoader.can_load, payloads))
    assert payloads == [_chat(number)["request"] for number in range(CHATS)]
    timed = [MooncakeTrace.model_validate(line) for line in capture.lines("aiperf-payload-trace")]
    assert [trace.payload for trace in timed] == payloads
    assert timed[-1].timestamp == pytest.approx((CHATS - 1) * GAP * 1000)
    lines = capture.lines("mooncake-trace")
    assert all(map(MooncakeTraceDatasetLoader.can_load, lines))
    shaped = [line for line in lines if "hash_ids" in line]
    assert [len(line["hash_ids"]) for line in shaped] == [6, 6]
    shared = [a == b for a, b in zip(*(line["hash_ids"] for line in shaped))]
    assert shared == [True] * 4 + [False] * 2


def test_vllm_and_guidellm_have_what_they_read(capture: Capture) -> None:
    """Members and types as the sources of both have them."""
    for line in capture.lines("vllm-timed-trace"):
        assert isinstance(line["timestamp"], float)
        assert len(line["hash_ids"]) * 256 >= line["input_length"] > 0 < line["output_length"]
    for line in capture.lines("guidellm"):
        assert isinstance(line["relative_timestamp"], float)
        (turn,) = json.loads(line["conversation_turns"])["turns"]
        assert turn["columns"]["raw_messages_column"][0][1]["role"] == "user"


def test_an_archive_is_one(capture: Capture) -> None:
    """With its requests, answers and times."""
    har = HarParser(json.loads(capture.export("har").read_text()))
    entries = har.har_data["entries"]
    assert len(entries) == CHATS + 3
    first = entries[0]
    assert first["request"]["postData"]["text"] == json.dumps(_chat(0)["request"])
    assert (first["response"]["status"], first["time"]) == (200, 250.5)
    dates = [datetime.fromisoformat(entry["startedDateTime"]) for entry in entries]
    assert dates == sorted(dates), "in the order of arrival"


def test_a_table_has_types(capture: Capture) -> None:
    """What pyarrow makes of it."""
    table = pyarrow.parquet.read_table(capture.export("parquet"))
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert types["received"] == "timestamp[us, tz=UTC]"
    assert types["chunk_after_us"].startswith("list<element: int64")
    assert (types["status"], types["complete"], types["model"]) == ("int64", "bool", "string")
    rows = {row["request_id"]: row for row in table.to_pylist()}
    assert rows["chat-1"]["chunk_after_us"] == [1000, 200]
    assert json.loads(rows["chat-1"]["request"]) == _chat(1)["request"]
    assert rows["chat-1"]["cost_nano_usd"] == 1500


def test_what_went_out_comes_in(capture: Capture, program: Path, tmp_path: Path) -> None:
    """Batches and archives."""
    for format, count in (("openai-batch", CHATS), ("har", CHATS + 3)):
        other = Capture(program, tmp_path / format)
        other.take(capture.export(format).read_bytes(), format)
        lines = other.lines("jsonl")
        assert len(lines) == count
        messages = [line["request"]["messages"] for line in lines if "request" in line]
        assert messages == [_chat(number)["request"]["messages"] for number in range(CHATS)]


@pytest.mark.parametrize(
    ("format", "text", "lengths"),
    [
        (
            "mooncake-trace",
            '{"timestamp": 0, "input_length": 1100, "output_length": 52, "hash_ids": [46, 7, 8]}\n'
            '{"timestamp": 500, "input_length": 600, "output_length": 5, "hash_ids": [46, 51]}\n',
            [(0, 1100, 52), (500, 600, 5)],
        ),
        (
            "azure-trace",
            "TIMESTAMP,ContextTokens,GeneratedTokens\n"
            "2026-01-01 00:00:00.0000000,4808,10\n2026-01-01 00:00:00.2500000,110,27\n",
            [(0, 4808, 10), (250, 110, 27)],
        ),
        (
            "burstgpt",
            "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,"
            "Total tokens,Log Type\n5,1,2.5,ChatGPT,472,18,490,Conversation log\n"
            "45,1,1,GPT-4,1087,230,1317,Conversation log\n",
            [(0, 472, 18), (40_000, 1087, 230)],
        ),
    ],
)
def test_traces_come_in(
    program: Path, tmp_path: Path, format: str, text: str, lengths: list[tuple[int, int, int]]
) -> None:
    """Lengths and instants, and nothing else is made of them."""
    capture = Capture(program, tmp_path)
    capture.take(text, format)
    names = ("timestamp", "input_length", "output_length")
    lines = capture.lines("mooncake-trace")
    assert [tuple(line[name] for name in names) for line in lines] == lengths
    shared = lines[0]["hash_ids"][:2] == lines[1]["hash_ids"][:2]
    assert shared == (format == "mooncake-trace")
    assert all("request" not in line for line in capture.lines("jsonl"))


def test_payloads_of_goreplay_come_in(program: Path, tmp_path: Path) -> None:
    """A request, its answer, and no credential."""
    body = '{"model":"m","messages":[]}'
    request = (
        f"1 a1 {BEGAN}000000000\nPOST /v1/chat/completions HTTP/1.1\r\n"
        f"Authorization: Bearer {CANARY}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    answer = (
        f"2 a1 {BEGAN}050000000 20000000\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nhi\r\n0\r\n\r\n"
    )
    capture = Capture(program, tmp_path)
    capture.take("".join(f"{payload}\n🐵🙈🙉\n" for payload in (request, answer)), "goreplay")
    (line,) = capture.lines("jsonl")
    assert (line["status"], line["response_body"], line["duration_seconds"]) == (200, "hi", 0.07)
    assert line["request"] == json.loads(body) and CANARY not in json.dumps(line)


def test_a_bad_line_is_told_with_its_number(capture: Capture) -> None:
    """Of any file of lines."""
    azure = "TIMESTAMP,ContextTokens,GeneratedTokens\nx,1,1\n"
    assert "line 2" in capture.refuses(azure, "azure-trace")
    assert "line 1" in capture.refuses('{"timestamp": 0}\n', "mooncake-trace")


def _chat(number: int) -> dict[str, Any]:
    """A line of the interchange format."""
    messages = [
        {"role": "system", "content": "You are helpful. " * 30},
        {"role": "user", "content": f"Question {number}: é\u2028 `${{x}}` </script>"},
    ]
    return {
        "v": 1,
        "received": round(BEGAN + number * GAP, 3),
        "request_id": f"chat-{number}",
        "session": {"id": f"s{number % 3}", "turn": number // 3},
        "path": f"/v1/chat/completions?api_key={CANARY}&a=b",
        "dialect": "openai",
        "operation": "chat",
        "model": "m",
        "headers": {"content-type": "application/json", "authorization": f"Bearer {CANARY}"},
        "request": {"model": "m", "messages": messages, "stream": number % 2 == 0},
        "status": 200,
        "response_headers": {"content-type": "text/event-stream", "set-cookie": CANARY},
        "response_body": "data: {}\n\ndata: [DONE]\n\n",
        "chunks": [[1000, 10, 0], [200, 14, 1]],
        "complete": True,
        "duration_seconds": 0.2505,
        "times": {"sent": 0.0001, "headers": 0.05, "first_byte": 0.051},
        "usage": {"input_tokens": 150, "output_tokens": 8, "source": "upstream"},
        "cost_usd": 0.0000015,
        "outcome": "success",
    }


def _models() -> dict[str, Any]:
    return {"received": BEGAN + 0.01, "method": "GET", "path": "/v1/models", "status": 200}


def _shapes() -> list[dict[str, Any]]:
    """Two turns of a conversation that begin alike."""
    first = [
        {"role": "system", "length": 1500, "blocks": [2**64 - 1, 7]},
        {"role": "user", "length": 3000, "blocks": [1, 2, 3]},
    ]
    next_ = [*first, {"role": "assistant", "length": 100, "blocks": [9]}]

    def line(at: float, messages: list[dict[str, Any]], tokens: int) -> dict[str, Any]:
        return {
            "received": BEGAN + at,
            "path": "/v1/chat/completions",
            "request_shape": {"length": 5200, "messages": messages, "tools": 500},
            "usage": {"input_tokens": tokens, "output_tokens": 9},
            "status": 200,
        }

    return [line(1.5, first, 1300), line(1.6, next_, 1350)]


def _tool(name: str) -> str:
    """A program that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))
