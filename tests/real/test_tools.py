"""A capture is sent to Transom by the tools that it was exported for, as they are: what arrives
is what was captured.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from captures import Capture
from processes import installed, ran, until
from recorded import CHATS, GAP, chat, write
from servers import API_KEY, Proxy, Sim, key_table

SENT = CHATS + 2
"""Chats of the capture, those of made-up words included."""
WORDS = "transom/words"
"""A tokenizer for AIPerf, which wants one whatever it does."""


class Target(Proxy):
    """Transom, which captures what it is sent, in front of a simulated model."""

    def __init__(self, program: Path, sim: Sim, folder: Path) -> None:
        super().__init__(
            program,
            folder,
            f"""\
[[upstream]]
name = "sim"
endpoints = ["{sim.origin}"]

[[model]]
name = "m"
targets = [{{ upstream = "sim", model = "{Sim.MODEL}" }}]
capture = "full"

{key_table(API_KEY)}""",
        )
        self.captured = Capture(program, self.config)

    def heard(self, count: int) -> list[dict[str, Any]]:
        """The exchanges captured here, which have to be so many, in the order of arrival."""
        until(f"{count} exchanges", lambda: len(self.captured.listed()) >= count)
        lines = sorted(self.captured.lines("jsonl"), key=lambda line: line["received"])
        assert len(lines) == count
        assert {(line["status"], line["outcome"]) for line in lines} == {(200, "success")}
        return lines


@pytest.fixture(scope="module")
def capture(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """A capture of which all is known."""
    return write(program, tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def sim(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    """A model."""
    sim = Sim(program, tmp_path_factory.mktemp("sim"))
    yield sim
    sim.process.stop()


@pytest.fixture
def target(program: Path, sim: Sim, tmp_path: Path) -> Iterator[Target]:
    """Whom tools send requests to."""
    target = Target(program, sim, tmp_path / "target")
    yield target
    assert target.process.stop() == 0, target.process.last_words()


def test_k6_sends_the_bodies_at_their_instants(
    capture: Capture, target: Target, tmp_path: Path
) -> None:
    """k6 runs the script as it is; the key comes from its environment, and its checks pass."""
    script, summary = capture.export("k6"), tmp_path / "summary.json"
    argv = [installed("k6"), "run", "--quiet", "--no-usage-report", "--summary-export", summary]
    env = {"TARGET": target.origin, "API_KEY": API_KEY}
    said = _says([*argv, script], env, tmp_path, but_late=99)
    metrics = json.loads(summary.read_text())["metrics"]
    checks = metrics["checks"]
    assert (checks["passes"], checks["fails"]) == (SENT + 1, 0), said
    assert (metrics["http_reqs"]["count"], metrics["iterations"]["count"]) == (SENT + 1, SENT + 1)
    streams = metrics["streams_complete"]
    assert (streams["passes"], streams["fails"]) == (CHATS / 2, 0)
    assert metrics["completion_tokens"]["count"] >= Sim.TOKENS * CHATS / 2, "of plain answers"
    lines = target.heard(SENT)
    asked = [line["request"] for line in lines]
    for number in range(CHATS):
        assert chat(number)["request"] in asked
    assert {line["path"] for line in lines[:CHATS]} == {"/v1/chat/completions?a=b"}
    assert _span(lines[:CHATS]) == pytest.approx((CHATS - 1) * GAP, abs=0.5)


def test_k6_sends_them_as_it_is_told(capture: Capture, target: Target, tmp_path: Path) -> None:
    """To a model that nobody knows, twenty times as fast: its checks fail."""
    summary = tmp_path / "summary.json"
    argv = [installed("k6"), "run", "--quiet", "--no-usage-report", "--summary-export", summary]
    env = {"TARGET": f"{target.origin}/", "API_KEY": API_KEY, "SPEED": "20", "MODEL": "nobody"}
    said = _says([*argv, capture.export("k6")], env, tmp_path, but_late=99)
    checks = json.loads(summary.read_text())["metrics"]["checks"]
    assert (checks["passes"], checks["fails"]) == (1, SENT), said
    until("a line for each", lambda: len(target.access_lines()) == SENT + 1)
    assert sorted(line["status"] for line in target.access_lines()) == [200] + [404] * SENT


@pytest.mark.parametrize("format", ["aiperf-raw-payload", "aiperf-payload-trace", "mooncake-trace"])
def test_aiperf_sends_payloads_and_traces(
    capture: Capture, target: Target, tmp_path: Path, format: str
) -> None:
    """By the command that the export names, and AIPerf finds nothing wrong."""
    told = capture.says("export", "--format", format, "--out", tmp_path / "file")
    (line,) = (line for line in told.splitlines() if line.startswith("use: "))
    values = {"MODEL": "m", "URL": target.origin, "NUMBER": str(SENT)}
    words = [values.get(word, word) for word in shlex.split(line)[2:]]
    argv = [installed("aiperf"), *words, "--ui", "none", "--artifact-dir", tmp_path / "artifacts"]
    argv += ["--tokenizer", WORDS, "--use-server-token-count", "--api-key", API_KEY]
    argv += ["--no-gpu-telemetry", "--no-server-metrics"]
    env = {"HF_HOME": str(_tokenizers(tmp_path)), "HF_HUB_OFFLINE": "1"}
    said = _says(argv, env, tmp_path)
    (report,) = (tmp_path / "artifacts").rglob("profile_export_aiperf.json")
    result = json.loads(report.read_text())
    assert result["request_count"]["avg"] == SENT, said
    assert not result.get("error_request_count") and not result.get("error_summary"), said
    lines = target.heard(SENT)
    if format == "mooncake-trace":
        assert all(line["request"]["max_completion_tokens"] in (8, 9) for line in lines)
        return
    asked = [line["request"] for line in lines]
    for number in range(CHATS):
        assert chat(number)["request"] in asked
    if "--fixed-schedule" in words:
        assert _span(lines[:CHATS]) == pytest.approx((CHATS - 1) * GAP, abs=0.5)


def test_lines_of_a_batch_are_calls_of_the_sdk(capture: Capture, target: Target) -> None:
    """Each is posted as it is, and what comes back is what a batch would hold."""
    lines = capture.lines("openai-batch")
    assert len({line["custom_id"] for line in lines}) == len(lines) == SENT
    with OpenAI(base_url=f"{target.origin}/v1", api_key=API_KEY, max_retries=0) as client:
        for line in lines:
            assert line.keys() == {"custom_id", "method", "url", "body"}
            assert line["method"] == "POST" and not line["body"].get("stream")
            path = line["url"].removeprefix("/v1")
            reply = client.post(path, body=line["body"], cast_to=ChatCompletion)
            assert reply.choices[0].message.content
    asked = [line["request"] for line in target.heard(SENT)]
    assert asked == [line["body"] for line in lines]


def test_targets_of_vegeta_are_requests(capture: Capture, target: Target) -> None:
    """As vegeta's schema of a target says: a method, a URL, lists of values, base64. No
    registry has vegeta itself, so they are sent by hand."""
    targets = capture.lines("vegeta")
    assert len(targets) == SENT + 1
    with httpx.Client(headers={"authorization": f"Bearer {API_KEY}"}) as client:
        for line in targets:
            assert {"method", "url"} <= line.keys() <= {"method", "url", "header", "body"}
            body = base64.b64decode(line.get("body", ""), validate=True)
            headers = [(name, value) for name, all in line["header"].items() for value in all]
            url = line["url"].replace("http://127.0.0.1:7080", target.origin)
            reply = client.request(line["method"], url, content=body, headers=headers)
            assert reply.status_code == 200, reply.text
    asked = [line["request"] for line in target.heard(SENT)]
    assert asked[:CHATS] == [chat(number)["request"] for number in range(CHATS)]


def _says(argv: list[Any], env: dict[str, str], folder: Path, but_late: int | None = None) -> str:
    """What a program says that has to succeed; `but_late` is the status by which it says that a
    busy machine made it late."""
    done = ran(*argv, cwd=folder, env=env, seconds=120)
    said = done.stdout + done.stderr
    assert done.returncode in (0, but_late), said
    return said


def _span(lines: list[dict[str, Any]]) -> float:
    """Seconds from the first exchange to the last."""
    first, *_, last = (datetime.fromisoformat(line["received"]) for line in lines)
    return (last - first).total_seconds()


def _tokenizers(folder: Path) -> Path:
    """A cache of models with a tokenizer in it that knows two words."""
    model = folder / "hub" / f"models--{WORDS.replace('/', '--')}"
    files = model / "snapshots" / "0"
    files.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("0")
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "the": 1}, "unk_token": "[UNK]"},
    }
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    (files / "tokenizer.json").write_text(json.dumps(tokenizer))
    (files / "tokenizer_config.json").write_text(json.dumps(kind))
    return folder
