"""A capture of which everything is known, because it was written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from captures import Capture

BEGAN = 1767225600
"""2026-01-01T00:00:00Z"""
CANARY = "canary-7d1f"
"""In every place where a credential could be."""
CHATS = 40
GAP = 0.025
"""Seconds from one chat to the next."""


def write(program: Path, folder: Path) -> Capture:
    """Chats of a second, a list of models, and two requests of which the shape is known."""
    capture = Capture.empty(program, folder)
    lines = [*(chat(number) for number in range(CHATS)), _models(), *shapes()]
    # As they end, which is not as they began.
    lines[3], lines[4] = lines[4], lines[3]
    capture.take_text("".join(json.dumps(line) + "\n" for line in lines), "jsonl")
    return capture


def chat(number: int) -> dict[str, Any]:
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


def shapes() -> list[dict[str, Any]]:
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
            "model": "m",
            "headers": {"content-type": "application/json"},
            "request_shape": {"length": 5200, "messages": messages, "tools": 500},
            "usage": {"input_tokens": tokens, "output_tokens": 9},
            "status": 200,
        }

    return [line(1.5, first, 1300), line(1.6, next_, 1350)]


def _models() -> dict[str, Any]:
    return {"received": BEGAN + 0.01, "method": "GET", "path": "/v1/models", "status": 200}
