"""Official clients through Transom to a real model: they work, and every number is right."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import OpenAI

from ledger import Ledger
from servers import API_KEY, MODEL, OTHER_MODEL, Transom

QUESTION: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Write one sentence about the sea."}],
    "max_tokens": 24,
    "temperature": 0,
    "seed": 7,
    # The model's own option, unknown to the OpenAI API: the same question, the same answer.
    "extra_body": {"cache_prompt": False},
}
WITH_USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
WEATHER: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 60,
    "temperature": 0,
    # So small a model calls a tool only when it is shown how. It is shown another city.
    "messages": [
        *2
        * (
            {"role": "user", "content": "How is the weather?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "id": "call-1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city": "Cairo"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call-1", "content": "Sunny."},
            {"role": "assistant", "content": "Sunny."},
        ),
        {"role": "user", "content": "How is the weather?"},
    ],
    "tool_choice": "required",
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string", "enum": ["Zanzibar"]}},
                    "required": ["city"],
                },
            },
        }
    ],
}


def test_chat(client: OpenAI, direct: OpenAI, ledger: Ledger) -> None:
    """A plain chat call answers as the model itself does."""
    with ledger.one_call("chat") as seen:
        raw = client.chat.completions.with_raw_response.create(**QUESTION)
        reply = raw.parse()
        seen.answer(raw.headers, reply.usage)
    assert reply.choices[0].message.content
    itself = direct.chat.completions.create(**QUESTION)
    assert reply.choices == itself.choices
    assert reply.usage == itself.usage


def test_chat_stream_with_usage(client: OpenAI, ledger: Ledger) -> None:
    """A caller that asks for usage gets it once, in a chunk of its own at the end."""
    with ledger.one_call("chat", stream=True) as seen:
        raw = client.chat.completions.with_raw_response.create(**QUESTION, **WITH_USAGE)
        chunks = list(raw.parse())
        seen.answer(raw.headers, chunks[-1].usage)
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []


def test_chat_stream_without_usage(client: OpenAI, direct: OpenAI, ledger: Ledger) -> None:
    """Tokens are counted exactly though the caller sees none of it."""
    with ledger.one_call("chat") as plain:
        usage = client.chat.completions.create(**QUESTION).usage
    with ledger.one_call("chat", stream=True) as seen:
        raw = client.chat.completions.with_raw_response.create(**QUESTION, stream=True)
        chunks = list(raw.parse())
        seen.answer(raw.headers)
    assert usage is not None
    assert seen.usage == plain.usage
    assert all(chunk.usage is None for chunk in chunks)
    itself = list(direct.chat.completions.create(**QUESTION, stream=True))
    assert [chunk.choices for chunk in chunks] == [chunk.choices for chunk in itself]


@pytest.mark.parametrize("options", [{}, WITH_USAGE, {"stream": True}], ids=repr)
def test_text_completion(client: OpenAI, ledger: Ledger, options: dict[str, Any]) -> None:
    """The older completions, whole, streamed with usage and streamed without."""
    prompt: dict[str, Any] = {
        "model": MODEL,
        "prompt": "The sea is",
        "max_tokens": 16,
        "temperature": 0,
    }
    streamed = "stream" in options
    with ledger.one_call("text_completion", stream=streamed) as seen:
        raw = client.completions.with_raw_response.create(**prompt, **options)
        reply = raw.parse()
        parts = list(reply) if streamed else [reply]
        seen.answer(raw.headers, parts[-1].usage)
    assert "".join(part.choices[0].text for part in parts if part.choices)
    # This server counts in its last chunk, asked or not, and nothing is taken from it.
    assert parts[-1].usage is not None
    assert seen.usage is not None and seen.usage.output == 16


@pytest.mark.parametrize("text", ["the sea", ["the sea", "a mountain", "sand"]], ids=repr)
def test_embeddings(client: OpenAI, ledger: Ledger, text: str | list[str]) -> None:
    """Vectors come back for one text and for many; only input tokens are counted."""
    with ledger.one_call("embeddings") as seen:
        raw = client.embeddings.with_raw_response.create(model=MODEL, input=text)
        reply = raw.parse()
        seen.answer(raw.headers, reply.usage)
    assert [len(item.embedding) for item in reply.data] == [576] * len(reply.data)
    assert len(reply.data) == (1 if isinstance(text, str) else len(text))


def test_models_are_listed(client: OpenAI, ledger: Ledger) -> None:
    """The configured model is the one offered."""
    with ledger.one_call("models", model=OTHER_MODEL) as seen:
        raw = client.models.with_raw_response.list()
        seen.answer(raw.headers)
    assert [model.id for model in raw.parse().data] == [MODEL]


def test_an_alias_counts_as_its_model(client: OpenAI, ledger: Ledger, transom: Transom) -> None:
    """Whatever a caller calls the model, one label counts it."""
    with ledger.one_call("chat") as seen:
        raw = client.chat.completions.with_raw_response.create(**QUESTION | {"model": "gpt-4o"})
        reply = raw.parse()
        seen.answer(raw.headers, reply.usage)
    assert reply.model == "smollm2-135m", "the upstream's answer is not rewritten"
    assert "gpt-4o" not in transom.metrics().label_values()


def test_ids_of_the_caller_are_kept(client: OpenAI, ledger: Ledger) -> None:
    """A caller's request id comes back, in the header, the SDK and the log."""
    with ledger.one_call("embeddings") as seen:
        raw = client.embeddings.with_raw_response.create(
            model=MODEL, input="x", extra_headers={"x-request-id": "order-66"}
        )
        seen.answer(raw.headers, raw.parse().usage)
    assert raw.request_id == seen.line["request_id"] == "order-66"


def test_tool_calls(client: OpenAI, ledger: Ledger) -> None:
    """The schema reaches the model: Zanzibar could come from nowhere else."""
    with ledger.one_call("chat") as seen:
        raw = client.chat.completions.with_raw_response.create(**WEATHER)
        reply = raw.parse()
        seen.answer(raw.headers, reply.usage)
    assert reply.choices[0].finish_reason == "tool_calls"
    (call,) = reply.choices[0].message.tool_calls
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Zanzibar"}


def test_tool_calls_are_streamed(client: OpenAI, ledger: Ledger) -> None:
    """A stream of nothing but a tool call has a first token, too."""
    with ledger.one_call("chat", stream=True) as seen:
        raw = client.chat.completions.with_raw_response.create(**WEATHER, stream=True)
        choices = [choice for chunk in raw.parse() for choice in chunk.choices]
        seen.answer(raw.headers)
    assert not any(choice.delta.content for choice in choices)
    calls = [call for choice in choices for call in choice.delta.tool_calls or []]
    arguments = "".join(call.function.arguments or "" for call in calls)
    assert json.loads(arguments) == {"city": "Zanzibar"}


def test_unknown_fields_survive_both_ways(client: OpenAI, ledger: Ledger) -> None:
    """A grammar, no OpenAI field, binds the answer; its timings, no OpenAI field, come back."""
    extra = {"grammar": 'root ::= "forty-two"', "timings_per_token": True}
    with ledger.one_call("chat") as seen:
        raw = client.chat.completions.with_raw_response.create(**QUESTION | {"extra_body": extra})
        reply = raw.parse()
        seen.answer(raw.headers, reply.usage)
    assert reply.choices[0].message.content == "forty-two"
    assert reply.model_extra is not None and "timings" in reply.model_extra


@pytest.mark.parametrize("operation", ["chat", "stream", "embeddings"])
def test_the_npm_client(parts: Path, transom: Transom, ledger: Ledger, operation: str) -> None:
    """The official SDK for Node sees the same numbers."""
    script = str(Path(__file__).with_name("client.cjs"))
    argv = [str(parts / "bin/node"), script, f"{transom.origin}/v1", API_KEY, operation]
    expected = "embeddings" if operation == "embeddings" else "chat"
    with ledger.one_call(expected, stream=operation == "stream") as seen:
        env = {"NODE_PATH": str(parts / "node/node_modules")}
        run = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout)
        seen.answer(told["headers"], _Usage(told["usage"]))
    assert told["text"]


def test_langchain_invoke(transom: Transom, ledger: Ledger) -> None:
    """LangChain's chat model gets an answer and the usage that is counted."""
    with ledger.one_call("chat") as seen:
        reply = _langchain(transom).invoke("Name a river.")
        seen.answer(reply.response_metadata["headers"], _Usage(reply.usage_metadata))
    assert reply.content


def test_langchain_stream(transom: Transom, ledger: Ledger) -> None:
    """LangChain's stream adds up to the usage that is counted."""
    with ledger.one_call("chat", stream=True) as seen:
        first, *rest = _langchain(transom).stream("Name a river.")
        reply = sum(rest, first)
        seen.answer(reply.response_metadata["headers"], _Usage(reply.usage_metadata))
    assert reply.content and len(rest) > 1


def test_langchain_embeddings(transom: Transom, ledger: Ledger) -> None:
    """LangChain's embeddings, which tell no usage, are counted as the model counts."""
    # Without the check it sends text; with it, token numbers of another model's tokenizer.
    model = OpenAIEmbeddings(**_langchain_client(transom), check_embedding_ctx_length=False)
    with ledger.one_call("embeddings") as seen:
        vector = model.embed_query("the sea")
    assert len(vector) == 576
    assert seen.usage is not None and seen.usage.input > 0


def _langchain(transom: Transom) -> ChatOpenAI:
    told: dict[str, Any] = {"stream_usage": True, "include_response_headers": True}
    return ChatOpenAI(**_langchain_client(transom), max_completion_tokens=16, temperature=0, **told)


def _langchain_client(transom: Transom) -> dict[str, Any]:
    base_url = f"{transom.origin}/v1"
    return {"base_url": base_url, "api_key": API_KEY, "model": "gpt-4o", "max_retries": 0}


class _Usage:
    """A `usage` object as JSON or LangChain tell it."""

    def __init__(self, told: Any) -> None:
        self.prompt_tokens: int = told.get("prompt_tokens", told.get("input_tokens"))
        self.completion_tokens: int = told.get("completion_tokens", told.get("output_tokens", 0))
