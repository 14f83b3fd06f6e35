"""What official clients asked a real model is captured, sent to it again by turns as two arms,
and compared; and their key is nowhere.
"""

from __future__ import annotations

import html
import json
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from openai import OpenAI

from captures import FORMATS, Capture, places_of, unpacked
from processes import installed, ran, until
from servers import KEY_ALIAS, MODEL, Llm, Proxy, key_table
from test_clients import QUESTION, WEATHER, WITH_USAGE

KEY = "sk-canary-8c41d09b7f"
"""The caller's, and that of whoever replays."""
STREAM: dict[str, Any] = {"stream": True}
SHORT = QUESTION | {"max_tokens": 12}
SESSION = "talk-7"
STREAMS = 3
TURNS = ("Name a river.", "Name another one.", "Which of them is longer?")
RUNS = 3
"""Of each arm."""
VALID, INVALID = 0, 3
"""How `transom replay run` ends; a machine that is too busy to send in time makes it invalid."""
VERDICTS = {"EQUIVALENT": 0, "IMPROVED": 0, "INCONCLUSIVE": 2, "INVALID": 3}


class Recorded:
    """Transom in front of the model, and what it was asked while it captured."""

    def __init__(self, program: Path, llm: Llm, folder: Path) -> None:
        tables = f"""\
[[upstream]]
name = "llm"
protocol = "openai"
endpoints = ["{llm.origin}"]

[[model]]
name = "{MODEL}"
targets = [{{ upstream = "llm", model = "smollm2-135m" }}]
capture = true

{key_table(KEY)}"""
        self.folder = folder
        self.program = program
        self.proxy = Proxy(program, folder / "proxy", tables)
        self.captured = Capture(program, self.proxy.config)
        self.said: dict[str, str] = {}
        with OpenAI(base_url=f"{self.proxy.origin}/v1", api_key=KEY, max_retries=0) as client:
            self._ask(client)
        until("all of it", lambda: len(self.captured.listed()) == len(self.said))
        self.files = {format: self.captured.export(format) for format in ("jsonl", "k6")}

    def _ask(self, client: OpenAI) -> None:
        create = client.chat.completions.with_raw_response.create
        plain: dict[str, Any] = {}
        for options in (plain, WITH_USAGE, STREAM):
            self._keep(create(**SHORT, **options))
        for options in (plain, STREAM):
            self._keep(create(**WEATHER, **options))
        talk: list[dict[str, str]] = []
        for turn in TURNS:
            talk.append({"role": "user", "content": turn})
            question = SHORT | {"messages": talk}
            said = self._keep(create(**question, extra_headers={"x-transom-session": SESSION}))
            talk.append({"role": "assistant", "content": said})

    def _keep(self, raw: Any) -> str:
        """What was said in answer to a call, by its id."""
        reply = raw.parse()
        if hasattr(reply, "choices"):
            said = reply.choices[0].message.content or ""
        else:
            deltas = [choice.delta for chunk in reply for choice in chunk.choices]
            said = "".join(delta.content or "" for delta in deltas)
        self.said[raw.headers["x-request-id"]] = said
        return said

    def replay(self, *words: object) -> subprocess.CompletedProcess[str]:
        """What came of `transom replay`."""
        env = {"REPLAY_KEY": KEY}
        folder = self.proxy.config.parent
        return ran(self.program, "replay", *words, cwd=folder, env=env, seconds=120)


class Page(HTMLParser):
    """A page, and what it would load from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elsewhere: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """What the parser calls for each element."""
        self.tags.append(tag)
        loads = {"src", "srcset", "data"} | ({"href"} if tag in ("link", "use") else set())
        values = (value or "" for name, value in attrs if name in loads)
        self.elsewhere += [value for value in values if not value.startswith(("data:", "#"))]


@pytest.fixture(scope="module")
def recorded(
    program: Path, llm: Llm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recorded]:
    """Calls of the official SDK to the model: streamed and not, with tools, a conversation."""
    recorded = Recorded(program, llm, tmp_path_factory.mktemp("replay"))
    yield recorded
    assert recorded.proxy.process.stop() == 0, recorded.proxy.process.last_words()


@pytest.fixture(scope="module")
def runs(recorded: Recorded) -> dict[str, list[Path]]:
    """Runs of two arms that are one and the same, by turns: A, B, B, A, A, B."""
    arms: dict[str, list[Path]] = {"a": [], "b": []}
    for arm in "abbaab":
        out = recorded.folder / "runs" / arm
        before = set(out.glob("*/"))
        target = ("--target", recorded.proxy.origin, "--key-env", "REPLAY_KEY")
        how = ("--concurrency", "1", "--answers", "--out", out)
        done = recorded.replay("run", recorded.files["jsonl"], *target, *how)
        assert done.returncode in (VALID, INVALID), done.stdout + done.stderr
        # Beside a run lies what it was for, a file.
        (run,) = set(out.glob("*/")) - before
        arms[arm].append(run)
    return arms


def test_what_was_said_is_captured(recorded: Recorded) -> None:
    """Every call is listed and shown, with the words that the SDK was told."""
    listed = recorded.captured.listed()
    assert [line["request_id"] for line in listed] == list(recorded.said)
    known = {(line["model"], line["key"], line["outcome"]) for line in listed}
    assert known == {(MODEL, KEY_ALIAS, "success")}
    talk = recorded.captured.listed("--session", SESSION)
    assert [line["request_id"] for line in talk] == list(recorded.said)[-len(TURNS) :]
    exported = {line["request_id"]: line for line in recorded.captured.lines("jsonl")}
    for id, said in recorded.said.items():
        shown = recorded.captured.shown(id)
        assert shown == exported[id]
        assert _words(shown) == said
        assert shown["usage"]["source"] == "upstream" and shown["usage"]["output_tokens"] > 0
        came = sum(length for _, length, _ in shown["chunks"])
        asked = shown["request"]
        # What Transom asked for itself came, and was not passed on.
        asks_for_usage = asked.get("stream", False) and "stream_options" not in asked
        assert (came > shown["response_bytes"]) == asks_for_usage
    turns = [exported[line["request_id"]]["session"]["turn"] for line in talk]
    assert turns == list(range(turns[0], turns[0] + len(TURNS)))


def test_it_is_sent_again_and_answered_alike(
    recorded: Recorded, runs: dict[str, list[Path]]
) -> None:
    """Each run asked everything once, and a model without chance said the same."""
    for run in runs["a"] + runs["b"]:
        head = json.loads((run / "run.json").read_text())
        figures = head["figures"]
        asked = len(recorded.said)
        assert figures["requests"] == figures["succeeded"] == asked and not figures["failures"]
        assert figures["tokens"]["guessed"] == 0 < figures["tokens"]["output"]
        assert len(unpacked((run / "samples.jsonl.zst").read_bytes()).splitlines()) == asked
    count = len(recorded.said) * (1 + 2 * RUNS)
    until("a line for each", lambda: len(recorded.proxy.access_lines()) == count)
    lines = recorded.proxy.access_lines()
    assert {(line["outcome"], line["key"]) for line in lines} == {("success", KEY_ALIAS)}


def test_arms_are_compared(recorded: Recorded, runs: dict[str, list[Path]], tmp_path: Path) -> None:
    """In every form, whatever the verdict is; three runs an arm are too few to accuse anybody."""
    files = {form: tmp_path / f"report.{form}" for form in ("json", "junit", "html", "markdown")}
    words = [word for form, file in files.items() for word in (f"--{form}", file)]
    arms = ("--a", *runs["a"], "--b", *runs["b"], "--interleaved", "--answers")
    done = recorded.replay("compare", *arms, *words)
    told = json.loads(files["json"].read_text())
    assert VERDICTS[told["outcome"]] == done.returncode, done.stdout + done.stderr
    assert told["outcome"] in done.stdout and told["headline"] in done.stdout
    valid = [json.loads((run / "run.json").read_text())["validity"]["is"] for run in _all(runs)]
    assert (told["outcome"] == "INVALID") == (set(valid) != {"valid"})
    assert [arm["letter"] for arm in told["arms"]] == ["A", "B"]
    suites = ElementTree.parse(files["junit"]).getroot()
    cases = suites.findall(".//testcase")
    assert len(cases) == int(suites.attrib["tests"]) >= 2 * RUNS
    assert int(suites.attrib["failures"]) == 0
    page = Page(files["html"].read_text())
    assert page.elsewhere == [] and {"html", "svg", "table"} <= set(page.tags)
    assert told["headline"] in html.unescape(files["markdown"].read_text())


def test_k6_asks_it_again(recorded: Recorded, tmp_path: Path) -> None:
    """What was captured of a real client is a script as well; all of its checks pass."""
    summary = tmp_path / "summary.json"
    argv = ("run", "--quiet", "--no-usage-report", "--summary-export", summary)
    env = {"TARGET": recorded.proxy.origin, "API_KEY": KEY, "SPEED": "2"}
    done = ran(installed("k6"), *argv, recorded.files["k6"], env=env)
    # 99 says that a busy machine sent too late.
    assert done.returncode in (0, 99), done.stdout + done.stderr
    metrics = json.loads(summary.read_text())["metrics"]
    checks, streams = metrics["checks"], metrics["streams_complete"]
    assert (checks["passes"], checks["fails"]) == (len(recorded.said), 0), done.stdout
    assert (streams["passes"], streams["fails"]) == (STREAMS, 0)


def test_a_report_of_one_arm(
    recorded: Recorded, runs: dict[str, list[Path]], tmp_path: Path
) -> None:
    """Shows what each run was, though nothing is compared."""
    file = tmp_path / "report.json"
    done = recorded.replay("report", *runs["a"], "--json", file)
    assert done.returncode == 0, done.stderr
    (arm,) = json.loads(file.read_text())["arms"]
    assert arm["target"] == recorded.proxy.origin


def test_the_key_is_nowhere(recorded: Recorded, runs: dict[str, list[Path]]) -> None:
    """Not in captures, logs, exports, runs and reports."""
    reports = recorded.folder / "reports"
    reports.mkdir()
    words = [f"--{form}={reports / form}" for form in ("json", "junit", "html", "markdown")]
    recorded.replay("report", *_all(runs), *words)
    for format in FORMATS:
        assert recorded.captured.export(format).stat().st_size > 0
    assert len(list(reports.iterdir())) == 4
    assert places_of([KEY], recorded.folder) == []


def _all(runs: dict[str, list[Path]]) -> list[Path]:
    return runs["a"] + runs["b"]


def _words(shown: dict[str, Any]) -> str:
    """What an exchange was answered."""
    if "response" in shown:
        return shown["response"]["choices"][0]["message"]["content"] or ""
    events = shown["response_body"].split("\n\n")
    data = [event.removeprefix("data: ") for event in events]
    chunks = [json.loads(text) for text in data if text.startswith("{")]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)
