"""Hears what an SDK is sent, byte for byte, while the SDK reads it as ever."""

from __future__ import annotations

from collections.abc import Iterator

import httpx


class Recorder(httpx.BaseTransport):
    """Passes everything on, and keeps the body of the last answer."""

    def __init__(self) -> None:
        self._wire = httpx.HTTPTransport()
        self._heard: _Heard | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What httpx calls for each request."""
        response = self._wire.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        self._heard = response.stream = _Heard(response.stream)
        return response

    @property
    def body(self) -> bytes:
        """The body of the last answer, as far as it was read."""
        assert self._heard is not None, "nothing was asked yet"
        return bytes(self._heard.body)

    def close(self) -> None:
        """Closes its connections."""
        self._wire.close()


class _Heard(httpx.SyncByteStream):
    """A body that is kept while it is read."""

    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream
        self.body = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self.body += part
            yield part

    def close(self) -> None:
        self._stream.close()
