"""The model dies while it speaks, stays down, and comes back; callers come and go."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import islice
from typing import Any

import openai
import pytest
from openai import OpenAI

from ledger import Ledger
from processes import until
from servers import API_KEY, MODEL, Llm, Transom
from test_errors import assert_openai_error

LONG: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Count from one to a thousand."}],
    "max_tokens": 1500,
    "temperature": 0,
    "stream": True,
}
ENDLESS = {"ignore_eos": True}
TRUNCATED = {"stream": True, "outcome": "stream_truncated", "error_type": "stream_truncated"}


@pytest.fixture(autouse=True)
def the_model_is_back(llm: Llm) -> Iterator[None]:
    """Leaves a model to the tests that follow."""
    yield
    if not llm.process.is_running():
        llm.start()


def test_the_model_dies_mid_stream_seen_by_an_sdk(
    client: OpenAI, llm: Llm, transom: Transom, ledger: Ledger
) -> None:
    """The SDK raises instead of taking half an answer for a whole one."""
    with ledger.one_call("chat", **TRUNCATED) as seen:
        raw = client.chat.completions.with_raw_response.create(**LONG, extra_body=ENDLESS)
        stream = raw.parse()
        assert len(list(islice(stream, 5))) == 5
        gauges = transom.metrics()
        assert gauges.total("transom_open_streams", model=MODEL) == 1
        assert gauges.total("transom_in_flight_requests", model=MODEL) == 1
        llm.process.kill()
        with pytest.raises(openai.APIError):
            list(stream)
        seen.answer(raw.headers)
    assert seen.line["level"] == "error"


def test_calls_get_502_while_it_is_down_and_succeed_once_it_is_back(
    client: OpenAI, llm: Llm, ledger: Ledger
) -> None:
    """No hung or broken connection while it is away, and not one lost call after that."""
    question = LONG | {"max_tokens": 8, "stream": False}
    llm.process.kill()
    down = {"outcome": "upstream_error", "status": 502, "error_type": "connect_refused"}
    with ledger.one_call("chat", **down) as seen:
        with pytest.raises(openai.APIStatusError) as raised:
            client.chat.completions.create(**question)
        seen.answer(raised.value.response.headers)
    assert raised.value.status_code == 502
    assert_openai_error(raised.value.response.json(), seen.line["trace_id"])

    llm.start()
    with ledger.one_call("chat") as seen:
        raw = client.chat.completions.with_raw_response.create(**question)
        seen.answer(raw.headers, raw.parse().usage)


def test_the_model_dies_mid_stream_seen_on_the_wire(
    llm: Llm, transom: Transom, ledger: Ledger
) -> None:
    """An error event, then the end of the connection, and never the terminator."""
    with ledger.one_call("chat", **TRUNCATED) as seen:
        with socket.create_connection(("127.0.0.1", transom.port), timeout=20) as wire:
            wire.sendall(_request(LONG | ENDLESS))
            answer = b""
            while answer.count(b"data: ") < 5:
                more = _receive(wire)
                assert more, f"the stream ended too early: {answer!r}"
                answer += more
            llm.process.kill()
            while more := _receive(wire):
                answer += more
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"[DONE]" not in answer
    events = [line for line in answer.splitlines() if line.startswith(b"data: ")]
    last = json.loads(events[-1].removeprefix(b"data: "))
    assert_openai_error(last, seen.line["trace_id"])


def test_a_caller_that_leaves_frees_the_model(
    client: OpenAI, llm: Llm, transom: Transom, ledger: Ledger
) -> None:
    """Leaving is nobody's error, and the model stops working for no one."""
    left = {"stream": True, "outcome": "client_cancelled", "status": 499}
    with ledger.one_call("chat", **left) as seen:
        raw = client.chat.completions.with_raw_response.create(**LONG, extra_body=ENDLESS)
        stream = raw.parse()
        assert len(list(islice(stream, 5))) == 5
        stream.close()
        seen.answer(raw.headers)
    until("the model to be idle", llm.is_idle, seconds=3)
    assert transom.metrics().total("request_errors_total", error_type="_OTHER") == 0


def _request(body: dict[str, Any]) -> bytes:
    payload = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: transom\r\n"
        f"authorization: Bearer {API_KEY}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def _receive(wire: socket.socket) -> bytes:
    """What comes next; nothing at the end of the connection, however it ends."""
    try:
        return wire.recv(65536)
    except ConnectionResetError:
        return b""
