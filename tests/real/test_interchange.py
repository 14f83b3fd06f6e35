"""Captures in the formats of other tools, read by a parser of archives and a library of tables;
and what others have recorded comes in. What sends requests is in test_tools.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pyarrow.parquet
import pytest
from haralyzer import HarParser

from captures import FORMATS, Capture, places_of
from recorded import CANARY, CHATS, chat, shapes, write

TRACES = Path(__file__).with_name("traces")
"""A few lines of each format, as published."""


@pytest.fixture(scope="module")
def capture(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """A capture of which all is known."""
    return write(program, tmp_path_factory.mktemp("interchange"))


def test_no_file_holds_a_credential(capture: Capture, tmp_path: Path) -> None:
    """Not even when the capture that was imported did."""
    for format in FORMATS:
        written = tmp_path / format
        written.write_bytes(capture.export(format).read_bytes())
        assert written.stat().st_size > 0
    assert not places_of([CANARY], tmp_path)


def test_the_interchange_format_comes_back(capture: Capture) -> None:
    """Every member but credentials, whatever was in between."""
    lines = {line.get("request_id"): line for line in capture.lines("jsonl")}
    sent = chat(1)
    for member in ("request", "response_body", "chunks", "usage", "cost_usd", "session", "times"):
        assert lines["chat-1"][member] == sent[member], member
    kept = [line["request_shape"] for line in lines.values() if "request_shape" in line]
    assert shapes()[1]["request_shape"] in kept


def test_an_export_says_what_it_is_not(capture: Capture, tmp_path: Path) -> None:
    """How many were left out, changed, or have words that nobody said, and why."""
    for format, lines in {
        "openai-batch": ["42 exchanges written", "1 left out: batches", "20 asks for no stream"],
        "k6": ["43 exchanges written", "2 with made-up text"],
        "har": ["43 exchanges written", "2 without the request's body"],
        "vllm-timed-trace": ["42 exchanges written", "1 left out: its tokens are not known"],
    }.items():
        told = capture.says("export", "--format", format, "--out", tmp_path / format).splitlines()
        for line in lines:
            assert any(said.startswith(line) for said in told), (line, told)


def test_vllm_and_guidellm_have_what_they_read(capture: Capture) -> None:
    """Members and types as the sources of both have them."""
    for line in capture.lines("vllm-timed-trace"):
        assert isinstance(line["timestamp"], float)
        assert len(line["hash_ids"]) * 256 >= line["input_length"] > 0 < line["output_length"]
    for line in capture.lines("guidellm"):
        assert isinstance(line["relative_timestamp"], float)
        (turn,) = json.loads(line["conversation_turns"])["turns"]
        columns = turn["columns"]
        assert columns["raw_messages_column"][0][1]["role"] == "user"
        # Without a word on its type, guidellm adds a turn to one that has tools.
        assert ("tools_column" in columns) == ("turn_type_column" in columns)


def test_an_archive_is_one(capture: Capture) -> None:
    """With its requests, answers and times."""
    har = HarParser(json.loads(capture.export("har").read_text()))
    entries = har.har_data["entries"]
    assert len(entries) == CHATS + 3
    first = entries[0]
    assert first["request"]["postData"]["text"] == json.dumps(chat(0)["request"])
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
    assert json.loads(rows["chat-1"]["request"]) == chat(1)["request"]
    assert rows["chat-1"]["cost_nano_usd"] == 1500


@pytest.mark.parametrize(("format", "count"), [("openai-batch", CHATS + 2), ("har", CHATS + 3)])
def test_what_went_out_comes_in(
    capture: Capture, program: Path, tmp_path: Path, format: str, count: int
) -> None:
    """Batches and archives; a shape has become a request of made-up words in the one, and none
    in the other."""
    other = Capture.empty(program, tmp_path)
    other.take(capture.export(format))
    lines = other.lines("jsonl")
    assert len(lines) == count
    messages = [line["request"]["messages"] for line in lines if "request" in line]
    assert messages[:CHATS] == [chat(number)["request"]["messages"] for number in range(CHATS)]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("mooncake.jsonl", [(0, 6755, 500), (0, 7319, 490), (3054, 7240, 794)]),
        ("azure-2023.csv", [(0, 4808, 10), (52, 3180, 8), (2110, 110, 27)]),
        ("azure-2024.csv", [(0, 2162, 5), (7, 2399, 6), (990, 76, 15)]),
        ("burstgpt.csv", [(0, 472, 18), (40_000, 1087, 230), (113_000, 417, 276)]),
        ("burstgpt-sessions.csv", [(0, 472, 18), (39_500, 1087, 230)]),
    ],
)
def test_traces_come_in(
    program: Path, tmp_path: Path, name: str, rows: list[tuple[int, int, int]]
) -> None:
    """What they are is told from what is in them; lengths and instants come in, and nothing
    else is made of them."""
    capture = Capture.empty(program, tmp_path)
    capture.take(TRACES / name)
    members = ("timestamp", "input_length", "output_length")
    lines = capture.lines("mooncake-trace")
    assert [tuple(line[member] for member in members) for line in lines] == rows
    assert all("request" not in line for line in capture.lines("jsonl"))
    ids = [line["hash_ids"] for line in lines]
    shared = [sum(a == b for a, b in zip(ids[-2], ids[-1], strict=False)), len(ids[-1])]
    # Of 512 tokens each in the trace, of 256 in what is exported.
    assert shared == ([28, 29] if name.startswith("mooncake") else [0, len(ids[-1])])


def test_payloads_of_goreplay_come_in(program: Path, tmp_path: Path) -> None:
    """Requests, an answer, and no credential."""
    capture = Capture.empty(program, tmp_path)
    capture.take(TRACES / "goreplay.gor")
    answered, other = capture.lines("jsonl")
    assert (answered["status"], answered["response"]) == (200, {"choices": []})
    assert answered["duration_seconds"] == 0.07
    assert answered["request"]["messages"][0]["content"] == "Hello, é"
    assert (other["method"], other["path"], other.get("status")) == ("GET", "/v1/models", None)
    assert not places_of([CANARY], tmp_path)


def test_a_bad_line_is_told_with_its_number(capture: Capture) -> None:
    """Of any file of lines."""
    azure = "TIMESTAMP,ContextTokens,GeneratedTokens\nx,1,1\n"
    assert "line 2" in capture.refuses(azure, "azure-trace")
    assert "line 1" in capture.refuses('{"timestamp": 0}\n', "mooncake-trace")
