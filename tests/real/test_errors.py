"""Refusals in OpenAI's form, told as the caller's own errors; the model never hears of them."""

from __future__ import annotations

import http.client
import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from ledger import Ledger
from servers import API_KEY, MODEL, OTHER_MODEL, Transom

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def test_a_wrong_key_is_401(client: OpenAI, ledger: Ledger) -> None:
    """The SDK raises its authentication error."""
    refused = {"outcome": "client_error", "status": 401, "error_type": "401"}
    stranger = client.with_options(api_key="sk-wrong")
    with ledger.one_call("chat", model=OTHER_MODEL, **refused) as seen:
        with pytest.raises(openai.AuthenticationError) as raised:
            stranger.chat.completions.create(model=MODEL, messages=HELLO)
        seen.answer(raised.value.response.headers)
    assert_openai_error(raised.value.response.json(), seen.line["trace_id"])


def test_an_unknown_model_is_404(client: OpenAI, ledger: Ledger, transom: Transom) -> None:
    """The SDK raises its not-found error; the name becomes no label."""
    refused = {"outcome": "client_error", "status": 404, "error_type": "404"}
    with ledger.one_call("chat", model=OTHER_MODEL, **refused) as seen:
        with pytest.raises(openai.NotFoundError) as raised:
            client.chat.completions.create(model="no-such-model", messages=HELLO)
        seen.answer(raised.value.response.headers)
    assert_openai_error(raised.value.response.json(), seen.line["trace_id"])
    assert raised.value.code == "model_not_found"
    assert "no-such-model" not in transom.metrics().label_values()


def test_malformed_json_is_400(transom: Transom, ledger: Ledger) -> None:
    """Bytes in and out are counted as sent."""
    body = b'{"model": "smollm2", "messages": ['
    refused = {"outcome": "client_error", "status": 400, "error_type": "400"}
    with ledger.one_call("chat", model=OTHER_MODEL, **refused) as seen:
        connection = http.client.HTTPConnection("127.0.0.1", transom.port, timeout=10)
        headers = {"authorization": f"Bearer {API_KEY}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", body, headers)
        reply = connection.getresponse()
        answer = reply.read()
        connection.close()
        seen.answer({name.lower(): value for name, value in reply.getheaders()})
    assert reply.status == 400
    assert_openai_error(json.loads(answer), seen.line["trace_id"])
    assert (seen.line["bytes_in"], seen.line["bytes_out"]) == (len(body), len(answer))


def assert_openai_error(body: dict[str, Any], trace_id: str) -> None:
    """An error of Transom's own, as an OpenAI client reads it."""
    error = body["error"]
    assert error.keys() == {"message", "type", "param", "code", "trace_id"}
    assert error["message"] and error["type"]
    assert error["trace_id"] == trace_id
