"""What the files of the shipped stack say, and a way to run it on this machine."""

from __future__ import annotations

import re
import tomllib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from processes import Process, free_port

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))

ADDRESS = re.compile(r"(127\.0\.0\.1|0\.0\.0\.0):(\d+)")
PAUSE = re.compile(r"\b((?:\w+_)?interval|scrape_timeout): \w+")


def document(path: str) -> Any:
    """A YAML file of the repository, read."""
    return yaml.safe_load((ROOT / path).read_text())


def services() -> dict[str, Any]:
    """The services of compose.yaml, in order, their common parts merged in."""
    return document("compose.yaml")["services"]


def command(service: dict[str, Any]) -> str:
    """A service's arguments as one line."""
    return " ".join(service.get("command", []))


def alerts() -> list[dict[str, Any]]:
    """Every alert that is shipped."""
    rules = [rule for file in RULES for rule in grouped(file)]
    return [rule for rule in rules if "alert" in rule]


def grouped(file: Path) -> list[dict[str, Any]]:
    """The rules of a file, whatever their group."""
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def bind_mounts(service: dict[str, Any]) -> dict[str, Path]:
    """What a service is given of the repository, by where it finds it."""
    mounts = (mount.split(":") for mount in service.get("volumes", []))
    return {mount[1]: ROOT / mount[0] for mount in mounts if mount[0].startswith(".")}


def listeners() -> list[tuple[str, int]]:
    """Who listens on which port inside the pod."""
    found = [("grafana", 3000)]
    for name, service in services().items():
        flags = r"--(?:web\.listen-address=|listen )\S+:(\d+)"
        found += [(name, int(port)) for port in re.findall(flags, command(service))]
        for source in bind_mounts(service).values():
            if source.suffix == ".toml":
                server = tomllib.loads(source.read_text())["server"]
                found += [(name, port_of(at)) for at in (*server["listen"], server["admin"])]
    collector, jaeger = (document(f"otel-collector/{file}.yaml") for file in ("config", "jaeger"))
    query = jaeger["extensions"]["jaeger_query"]
    endpoints = [
        ("otel-collector", [*collector["receivers"]["otlp"]["protocols"].values()]),
        ("otel-collector", [collector["receivers"]["webhookevent"]]),
        ("otel-collector", [collector["exporters"]["prometheus"]]),
        ("jaeger", [*jaeger["receivers"]["otlp"]["protocols"].values()]),
        ("jaeger", [query["http"], query["grpc"]]),
    ]
    return found + [(name, port_of(at["endpoint"])) for name, all in endpoints for at in all]


def port_of(address: str) -> int:
    """The port of `host:port`."""
    return int(address.rsplit(":", 1)[1])


def spoken_to() -> list[tuple[str, int]]:
    """Which ports inside the pod are called, and where that is written."""
    calls = []
    for name, service in services().items():
        texts = {name: command(service), f"{name}'s health check": str(service.get("healthcheck"))}
        for source in bind_mounts(service).values():
            files = [source] if source.is_file() else sorted(source.rglob("*.y*ml"))
            texts |= {str(file.relative_to(ROOT)): without_comments(file) for file in files}
        for where, text in texts.items():
            calls += [(where, int(port)) for _, port in ADDRESS.findall(text)]
    return calls


def without_comments(file: Path) -> str:
    """A configuration's lines that count."""
    lines = file.read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


class Machine:
    """Runs services of compose.yaml as plain processes: each port becomes a free one of
    127.0.0.1, each path in a container one below `folder`, each pause a second."""

    def __init__(self, folder: Path, programs: dict[str, Path]) -> None:
        self._folder = folder
        self._programs = programs
        self._ports: dict[int, int] = {}
        self._running: list[Process] = []

    def address(self, port: int) -> str:
        """Where that port of the pod is on this machine."""
        if port not in self._ports:
            self._ports[port] = free_port()
        return f"127.0.0.1:{self._ports[port]}"

    def start(self, name: str) -> Process:
        """Starts a service with a copy of everything it is given."""
        service = services()[name]
        home = self._folder / name
        places = [*bind_mounts(service), *service.get("tmpfs", [])]
        places += [v.split(":")[1] for v in service.get("volumes", []) if v[0] not in "./"]
        for place in places:
            source = bind_mounts(service).get(place)
            self._give(home, place, source, places)
        program = next(self._programs[i] for i in self._programs if i in service["image"])
        line = [self._moved(argument, home, places) for argument in service["command"]]
        process = Process([str(program), *line], home)
        self._running.append(process)
        return process

    def stop(self) -> list[int]:
        """Ends everything, the last first, and returns how each of them ended."""
        ended: list[int] = []
        with ExitStack() as ending:
            for process in self._running:
                ending.callback(lambda process: ended.append(process.stop()), process)
        return ended

    def _give(self, home: Path, place: str, source: Path | None, places: list[str]) -> None:
        target = home / place.lstrip("/")
        if source is None:
            target.mkdir(parents=True)
            return
        files = [source] if source.is_file() else [f for f in source.rglob("*") if f.is_file()]
        for file in files:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(self._moved(file.read_text(), home, places))

    def _moved(self, text: str, home: Path, places: list[str]) -> str:
        anywhere = "|".join(re.escape(place) for place in places)
        if anywhere:
            text = re.sub(rf"(?<![\w/])(?={anywhere})", str(home), text)
        text = ADDRESS.sub(lambda found: self.address(int(found[2])), text)
        return PAUSE.sub(r"\1: 1s", text)
