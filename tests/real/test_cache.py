"""The response cache between real clients, a real model and a real Valkey: the same bytes
again, for nobody else, in every tier, and never in the way.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI, Stream

from processes import until
from recording import Recorder
from servers import MODEL, Llm, Proxy, Sim
from valkey import Valkey

QUESTION: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Name three rivers of Europe."}],
    "max_tokens": 32,
    "temperature": 0,
}
STREAM = {"stream": True}
WITH_USAGE = STREAM | {"stream_options": {"include_usage": True}}
SEEDS = count(1)
"""So that each test asks what nobody has asked before."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where these tests keep their files."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def cached(program: Path, llm: Llm, home: Path) -> Iterator[Proxy]:
    """Transom with a cache, in front of the model."""
    proxy = Proxy(program, home / "cached", _tables(llm.origin, MODEL, "smollm2-135m"))
    yield proxy
    assert proxy.process.stop() == 0, proxy.process.last_words()


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """What the SDK is sent."""
    return Recorder()


@pytest.fixture(scope="module")
def sdk(cached: Proxy, recorder: Recorder) -> Iterator[OpenAI]:
    """The official SDK, pointed at the proxy with the cache."""
    options: dict[str, Any] = {"api_key": "sk-caller", "max_retries": 0}
    http_client = httpx.Client(transport=recorder, timeout=60)
    with OpenAI(base_url=f"{cached.origin}/v1", http_client=http_client, **options) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def valkey(home: Path) -> Iterator[Valkey]:
    """The shared tier."""
    valkey = Valkey(home / "valkey")
    yield valkey
    if valkey.process.is_running():
        valkey.process.stop()


@pytest.fixture(scope="module")
def pair(program: Path, home: Path, valkey: Valkey) -> Iterator[tuple[Proxy, Proxy]]:
    """Two Transoms in front of one model, with one Valkey between them."""
    with ExitStack() as stack:
        sim = Sim(program, home / "sim")
        stack.callback(sim.process.stop)
        tables = _tables(sim.origin, Sim.MODEL, Sim.MODEL) + f'[cache]\nredis = "{valkey.url}"\n'
        proxies = [Proxy(program, home / name, tables) for name in ("one", "two")]
        for proxy in proxies:
            stack.callback(proxy.process.stop)
        yield proxies[0], proxies[1]


@pytest.mark.parametrize("options", [{}, STREAM, WITH_USAGE], ids=["plain", "stream", "usage"])
def test_the_second_call_is_a_hit_with_the_same_bytes(
    sdk: OpenAI, recorder: Recorder, cached: Proxy, llm: Llm, options: dict[str, Any]
) -> None:
    """The SDK reads the same from the same bytes, and the model is not asked."""

    def ask() -> tuple[Any, bytes, dict[str, Any]]:
        raw = sdk.chat.completions.with_raw_response.create(**QUESTION, **options)
        parsed = list(raw.parse()) if options else raw.parse()
        return parsed, recorder.body, _line(cached, raw.headers)

    parsed, sent, first = ask()
    assert (first["cache"], first["cache_tier"]) == ("miss", None)
    counted = llm.counted()
    for _ in range(2):
        again, given, line = ask()
        assert (line["cache"], line["cache_tier"]) == ("hit", "memory")
        assert again == parsed and given == sent
        for tokens in ("tokens_in", "tokens_out"):
            assert line[tokens] == first[tokens] > 0
    assert llm.counted() == counted, "a hit reached the model"


def test_embeddings_are_kept_without_a_seed(sdk: OpenAI, recorder: Recorder) -> None:
    """The same text has the same vector."""
    words, bodies = [], []
    for _ in range(2):
        raw = sdk.embeddings.with_raw_response.create(model=MODEL, input="the Danube")
        assert len(raw.parse().data[0].embedding) == 576
        words.append(raw.headers["x-cache"])
        bodies.append(recorder.body)
    assert words == ["MISS", "HIT"] and bodies[0] == bodies[1]


def test_what_is_drawn_anew_is_not_kept(sdk: OpenAI) -> None:
    """No temperature is not a temperature of 0."""
    sampled = {key: value for key, value in QUESTION.items() if key != "temperature"}
    for _ in range(2):
        raw = sdk.chat.completions.with_raw_response.create(**sampled)
        assert raw.headers["x-cache"] == "BYPASS"
        assert raw.headers["cache-status"] == "transom; fwd=bypass; detail=sampled"


def test_another_caller_gets_no_hit(sdk: OpenAI) -> None:
    """Who shows another key is another caller."""
    question = QUESTION | {"seed": next(SEEDS)}
    for client, expected in [
        (sdk, "MISS"),
        (sdk, "HIT"),
        (sdk.with_options(api_key="sk-other"), "MISS"),
    ]:
        raw = client.chat.completions.with_raw_response.create(**question)
        assert raw.headers["x-cache"] == expected


def test_many_callers_at_once_ask_the_model_once(cached: Proxy, llm: Llm) -> None:
    """All streams are equal, and the model has generated one of them."""
    question = QUESTION | {"seed": next(SEEDS)}
    before = llm.counted()

    def ask(_caller: int) -> tuple[list[Any], dict[str, Any]]:
        base_url = f"{cached.origin}/v1"
        with OpenAI(base_url=base_url, api_key="sk-crowd", max_retries=0) as client:
            raw = client.chat.completions.with_raw_response.create(**question, **STREAM)
            return list(raw.parse()), _line(cached, raw.headers)

    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(ask, range(16)))
    first, line = answers[0]
    assert first and all(other == first for other, _ in answers)
    assert [line["cache"] for _, line in answers].count("miss") == 1
    counted = llm.counted() - before
    assert (counted.input, counted.output) == (line["tokens_in"], line["tokens_out"])


def test_hits_go_on_after_a_restart(sdk: OpenAI, recorder: Recorder, cached: Proxy) -> None:
    """Disk gives what memory has forgotten, to the byte."""
    question = QUESTION | {"seed": next(SEEDS)}
    bodies = []
    for options in ({}, STREAM):
        raw = sdk.chat.completions.with_raw_response.create(**question, **options)
        assert raw.headers["x-cache"] == "MISS"
        _read(raw)
        bodies.append(recorder.body)
    cached.restart()
    for options, body in zip(({}, STREAM), bodies, strict=True):
        raw = sdk.chat.completions.with_raw_response.create(**question, **options)
        _read(raw)
        assert _line(cached, raw.headers)["cache_tier"] == "disk"
        assert recorder.body == body


def test_two_transoms_share_what_one_was_told(pair: tuple[Proxy, Proxy]) -> None:
    """A hit of the one is an answer to the other, and from then on its own."""
    one, two = pair
    seed = until("a hit from Valkey", lambda: _comes_from_valkey(one, two))
    line = _asks(two, seed)
    assert (line["cache"], line["cache_tier"]) == ("hit", "memory")


def test_a_purge_at_one_reaches_the_other(pair: tuple[Proxy, Proxy]) -> None:
    """What is purged is gone from every tier of both: memory, disk and Valkey."""
    one, two = pair
    for what in ({"model": Sim.MODEL}, {"route": "/v1/chat/completions"}, {"all": True}):
        seed = _known_to(*pair)
        purged = _purge(one, what)
        assert purged["memory"] >= 1 and purged["complete"], purged
        until("the other has forgotten it", lambda: _asks(two, seed)["cache"] == "miss")
    seed = _known_to(*pair)
    _purge(one, {"model": "nobody"})
    assert _asks(two, seed)["cache"] == "hit", "what was not named is still there"


def test_without_valkey_nobody_notices(pair: tuple[Proxy, Proxy], valkey: Valkey) -> None:
    """Hits from memory go on, misses are answered, nothing fails; when it is back it is used."""
    one, two = pair
    known = _known_to(*pair)
    valkey.process.kill()
    for proxy in pair:
        assert _asks(proxy, known)["cache_tier"] == "memory"
        for seed in islice(SEEDS, 20):
            assert [_asks(proxy, seed)["cache"] for _ in range(2)] == ["miss", "hit"]
        failures = ("transom_cache_failures_total", "redis")
        until("the failure is counted", partial(_is_counted, proxy, *failures))
        assert all(line["outcome"] == "success" for line in proxy.access_lines())
        assert proxy.metrics().total("request_errors_total") == 0

    valkey.start()
    until("Valkey is used again", lambda: _comes_from_valkey(one, two), seconds=60)


def _tables(origin: str, model: str, served: str) -> str:
    return f"""\
[[upstream]]
name = "llm"
protocol = "openai"
endpoints = ["{origin}"]

[[model]]
name = "{model}"
targets = [{{ upstream = "llm", model = "{served}" }}]
cache = true

"""


def _asks(proxy: Proxy, seed: int) -> dict[str, Any]:
    """The line of a question of this number; its answer has to be a good one."""
    answer = proxy.chat(Sim.MODEL, temperature=0, seed=seed)
    assert answer.status == 200
    return _line(proxy, answer.headers)


def _known_to(*proxies: Proxy) -> int:
    """The number of a new question whose answer all of these have in memory."""
    seed = next(SEEDS)
    for proxy in proxies:
        _asks(proxy, seed)
        assert _asks(proxy, seed)["cache_tier"] == "memory"
    return seed


def _comes_from_valkey(one: Proxy, two: Proxy) -> int | None:
    """The number of a new question, if the answer that `one` got comes to `two` by Valkey."""
    seed = next(SEEDS)
    _asks(one, seed)
    return seed if _asks(two, seed)["cache_tier"] == "redis" else None


def _purge(proxy: Proxy, what: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{proxy.admin}/api/v1/cache/purge",
        json.dumps(what).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as reply:
        return dict(json.load(reply))


def _is_counted(proxy: Proxy, name: str, tier: str) -> bool:
    return proxy.metrics().total(name, tier=tier) > 0


def _read(raw: Any) -> None:
    """Reads an answer to its end."""
    parsed = raw.parse()
    if isinstance(parsed, Stream):
        list(parsed)


def _line(proxy: Proxy, headers: Mapping[str, str]) -> dict[str, Any]:
    """The access-log line of the answer with these headers: written once all is done that is
    to be done for it. It says of the cache what the headers say."""

    def told() -> dict[str, Any] | None:
        lines = (line for line in reversed(proxy.access_lines()) if line["origin"] == "client")
        return next((line for line in lines if line["trace_id"] == headers["x-trace-id"]), None)

    line = until("the line of an answer", told)
    words = {"collapsed": "MISS"}
    assert headers["x-cache"] == words.get(line["cache"], line["cache"].upper())
    return line
