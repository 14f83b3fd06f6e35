"""How requests end, and the colours of that in every dashboard."""

from __future__ import annotations

from source.panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW

COLOURS = {
    "success": GREEN,
    "client_error": BLUE,
    "client_cancelled": GREY,
    "rate_limited": YELLOW,
    "upstream_error": RED,
    "timeout": ORANGE,
    "stream_truncated": "dark-red",
    "stream_error_event": "light-red",
    "internal_error": "purple",
}
