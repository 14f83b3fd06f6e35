"""Captures of a test: the commands that fill and read them, and what is left behind."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard

from processes import free_port, output_of, ran

FORMATS = (
    "jsonl",
    "openai-batch",
    "aiperf-raw-payload",
    "aiperf-payload-trace",
    "mooncake-trace",
    "vllm-timed-trace",
    "guidellm",
    "k6",
    "vegeta",
    "har",
    "parquet",
)
ZSTD = b"\x28\xb5\x2f\xfd"


class Capture:
    """The captures of the proxy with this configuration, by `transom capture`."""

    def __init__(self, program: Path, config: Path) -> None:
        self._program = program
        self._config = config
        self._folder = config.parent

    @classmethod
    def empty(cls, program: Path, folder: Path) -> Capture:
        """Captures of a proxy that never runs."""
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "transom.toml"
        config.write_text(f"""\
[server]
listen = ["127.0.0.1:{free_port()}"]
admin = "127.0.0.1:{free_port()}"
data_dir = "{folder / "data"}"

[[upstream]]
name = "llm"
endpoints = ["http://127.0.0.1:{free_port()}"]

[[model]]
name = "m"
targets = [{{ upstream = "llm" }}]
""")
        return cls(program, config)

    def take(self, file: Path, *options: str) -> str:
        """Imports a file, and returns what the command says."""
        return self.says("import", *options, file)

    def take_text(self, text: str, format: str) -> str:
        """Imports a file that says this."""
        file = self._folder / "file"
        file.write_text(text)
        return self.take(file, "--format", format)

    def refuses(self, text: str, format: str) -> str:
        """What the command says about a file that cannot be read."""
        file = self._folder / "bad"
        file.write_text(text)
        done = ran(*self._argv("import", "--format", format, file), cwd=self._folder)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def export(self, format: str) -> Path:
        """All of it as a file of this format."""
        out = self._folder / f"out.{format}"
        self.says("export", "--format", format, "--out", out)
        return out

    def lines(self, format: str) -> list[dict[str, Any]]:
        """The same, where it has a line for each exchange."""
        data = unpacked(self.export(format).read_bytes())
        return [json.loads(line) for line in data.splitlines()]

    def listed(self, *options: str) -> list[dict[str, Any]]:
        """What `ls` lists."""
        said = self.says("ls", "--json", "--limit", "0", *options)
        return [json.loads(line) for line in said.splitlines()]

    def shown(self, id: str) -> dict[str, Any]:
        """What `show` shows."""
        return dict(json.loads(self.says("show", id)))

    def says(self, verb: str, *words: object) -> str:
        """What a command says; it has to succeed."""
        return output_of(*self._argv(verb, *words), cwd=self._folder)

    def _argv(self, verb: str, *words: object) -> tuple[object, ...]:
        return (self._program, "capture", verb, "--config", self._config, *words)


def unpacked(data: bytes) -> bytes:
    """What is in a file of zstd; else the bytes themselves."""
    if not data.startswith(ZSTD):
        return data
    reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    return bytes(reader.read())


def places_of(secrets: Iterable[str], folder: Path) -> list[str]:
    """Which of these stand in which file below a folder: as it lies there, in what is packed
    anywhere in it, and in what is base64."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    assert files, f"no files in {folder}"
    wanted = [(secret, secret.encode()) for secret in secrets]
    found = []
    for file in files:
        texts = [data for layer in _layers(file.read_bytes()) for data in (layer, *_decoded(layer))]
        there = [secret for secret, bytes in wanted if any(bytes in text for text in texts)]
        found += [f"{secret} in {file.relative_to(folder)}" for secret in there]
    return found


def _layers(data: bytes) -> Iterator[bytes]:
    """The data, and every frame of zstd that begins anywhere in it."""
    yield data
    for frame in re.finditer(re.escape(ZSTD), data):
        try:
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[frame.start() :])
        except zstandard.ZstdError:
            continue


def _decoded(data: bytes) -> Iterator[bytes]:
    """What may be base64."""
    for run in re.findall(rb"[A-Za-z0-9+/]{16,}", data):
        yield base64.b64decode(run[: len(run) // 4 * 4])
