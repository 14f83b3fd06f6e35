"""A real OTLP receiver, the spans it has received, and receivers that are of no use."""

from __future__ import annotations

import importlib.util
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from processes import Process, free_port, until

_HEAD = re.compile(r"^ *(Trace ID|Parent ID|ID|Name|Kind|Status code|Start time|End time) *: (.*)$")
_ATTRIBUTE = re.compile(r"^     -> ([\w.]+): \w+\((.*)\)$")
_EVENT = re.compile(r"^     -> Name: (.+)\n     -> Timestamp: (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """One span, as it was received."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    status: str
    start: int
    end: int
    """Nanoseconds since the Unix epoch."""
    attributes: dict[str, str]
    events: dict[str, int]
    """When they happened, by their names."""


class Rotel:
    """A real receiver, over HTTP and gRPC, that writes down whatever it receives."""

    def __init__(self, folder: Path) -> None:
        package = importlib.util.find_spec("rotel")
        assert package and package.origin, "rotel is not installed"
        http, grpc = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.endpoints = {"http": f"http://{http}", "grpc": f"http://{grpc}"}
        self.process = Process(
            [
                str(Path(package.origin).with_name("rotel-agent")),
                "start",
                f"--otlp-http-endpoint={http}",
                f"--otlp-grpc-endpoint={grpc}",
                "--exporter=blackhole",
                "--debug-log=traces",
                "--debug-log-verbosity=detailed",
            ],
            folder,
        )
        until("rotel to listen", lambda: all(map(_listens, (http, grpc))))

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace, once they are there. Transom sends a trace as one, and rotel
        writes it as one."""

        def received() -> list[Span]:
            return [span for span in self.spans() if span.trace_id == trace_id]

        return until(f"the trace {trace_id}", received, seconds=15)

    def spans(self) -> list[Span]:
        """Everything received so far."""
        _, *blocks = re.split(r"^Span #\d+\n", self.process.stdout.read_text(), flags=re.MULTILINE)
        return [_span(block) for block in blocks]


class Dead:
    """An address that refuses connections for as long as it is held."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        # Bound but not listening: nobody else can take it either.
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.origin = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Gives the address back."""
        self._socket.close()


class Hanging:
    """Takes whatever it is sent, and never says a word."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._connections: list[socket.socket] = []
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def is_sent_something(self) -> bool:
        """Whether somebody has connected and waits for a word."""
        try:
            self._connections.append(self._listener.accept()[0])
        except BlockingIOError:
            pass
        return any(map(_has_bytes, self._connections))

    def close(self) -> None:
        """Hangs up."""
        for held in (self._listener, *self._connections):
            held.close()


def _has_bytes(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False


def _listens(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _span(block: str) -> Span:
    lines = block.splitlines()
    head: dict[str, str] = {}
    for found in filter(None, map(_HEAD.match, lines)):
        head.setdefault(found[1], found[2])
    return Span(
        trace_id=head["Trace ID"],
        span_id=head["ID"],
        parent_id=head["Parent ID"],
        name=head["Name"],
        kind=head["Kind"].removeprefix("SPAN_KIND_"),
        status=head["Status code"].removeprefix("STATUS_CODE_"),
        start=int(head["Start time"]),
        end=int(head["End time"]),
        attributes={found[1]: found[2] for found in filter(None, map(_ATTRIBUTE.match, lines))},
        events={name: int(at) for name, at in _EVENT.findall(block)},
    )
