"""Reads Prometheus' text format 0.0.4, independently of the program under test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)')


@dataclass(frozen=True)
class Sample:
    """One series at one moment."""

    name: str
    labels: dict[str, str]
    value: float


class Samples:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self._samples = list(_parse(text))

    def select(self, name: str, **labels: str) -> list[Sample]:
        """All series of `name` with these labels."""
        wanted = labels.items()
        return [s for s in self._samples if s.name == name and wanted <= s.labels.items()]

    def total(self, name: str, **labels: str) -> float:
        """The sum of all series of `name` with these labels; fails when there is none."""
        found = self.select(name, **labels)
        assert found, f"no series {name}{labels}"
        return sum(sample.value for sample in found)

    def label_values(self) -> set[str]:
        """Every value of every label."""
        return {value for sample in self._samples for value in sample.labels.values()}


def _parse(text: str) -> Iterator[Sample]:
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        assert match, f"not a sample: {line!r}"
        name, labels, value = match.groups()
        yield Sample(name, dict(_LABEL.findall(labels or "")), float(value))
