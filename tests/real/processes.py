"""Processes that the tests start on 127.0.0.1, wait for on conditions and end by their id."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def until(what: str, probe: Callable[[], T | None], seconds: float = 10) -> T:
    """Asks `probe` until it yields something true, and fails naming `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last seen: {found!r})")
        time.sleep(0.01)
    return found


def built(variable: str) -> Path:
    """The program that this environment variable names."""
    program = shutil.which(os.environ.get(variable, ""))
    assert program, f"{variable} names no program: build one and run `make test-real`"
    return Path(program).resolve()


def ran(
    *argv: object, cwd: Path | None = None, env: dict[str, str] | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """What came of a program that had this time, with `env` added to its environment."""
    return subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=os.environ | (env or {}),
        text=True,
        capture_output=True,
        timeout=seconds,
    )


def output_of(*argv: object, cwd: Path | None = None) -> str:
    """What a program says, on stdout and then stderr, in less than a minute; it has to
    succeed."""
    done = ran(*argv, cwd=cwd)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{argv}:\n{said}"
    return said


def installed(name: str) -> Path:
    """A program that is installed beside this Python."""
    return Path(sys.executable).with_name(name)


def free_port() -> int:
    """A TCP port that nobody listens on, given out once.

    From below the range out of which the kernel serves `bind(0)` and outgoing
    connections, so nobody takes it before the process it is for has started.
    """
    for port in _PORTS:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port from 20000 to 31999 was given out")


_PORTS = iter(random.sample(range(20_000, 32_000), 12_000))


def http_get(url: str) -> str:
    """The body of a 2xx answer.

    Raises `OSError` for any other status and when nobody answers.
    """
    with urllib.request.urlopen(url, timeout=5) as reply:
        return str(reply.read().decode())


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with 2xx."""
    try:
        http_get(url)
    except OSError:
        return False
    return True


class Process:
    """One child process that works in `folder` and writes its stdout and stderr there."""

    def __init__(self, argv: list[str], folder: Path) -> None:
        self.argv = argv
        self.stdout = folder / "stdout.log"
        self.stderr = folder / "stderr.log"
        folder.mkdir(parents=True, exist_ok=True)
        with self.stdout.open("ab") as out, self.stderr.open("ab") as err:
            self._child = subprocess.Popen(
                argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    def ready_at(self, url: str, seconds: float = 30) -> None:
        """Waits until `url` answers; fails at once when the process ends instead."""

        def probe() -> bool:
            assert self.is_running(), (
                f"{self.argv} ended with {self._child.returncode}:\n{self.last_words()}"
            )
            return answers(url)

        until(f"an answer at {url} from {self.argv}", probe, seconds)

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._child.poll() is None

    def last_words(self) -> str:
        """The end of what it wrote."""
        return "\n".join(file.read_text()[-2000:] for file in (self.stdout, self.stderr))

    def kill(self) -> None:
        """Ends it as a crash would: no chance to say goodbye."""
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()

    def stop(self, seconds: float = 20) -> int:
        """Asks it to end and returns its exit status; kills it and fails at the deadline."""
        if self.is_running():
            self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.argv} did not end within {seconds} s of SIGTERM:\n{self.last_words()}"
            ) from None
