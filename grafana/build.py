#!/usr/bin/env python3
"""Builds the dashboards in `dashboards/` from `source/`.

grafana/build.py            writes them
grafana/build.py --check    fails, naming them, where they are not what would be written
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from source import (  # noqa: E402
    cache,
    model,
    overview,
    proxy_health,
    slo,
    streaming,
    upstreams,
)

FOLDER = Path(__file__).resolve().parent / "dashboards"
DASHBOARDS = [
    overview.DASHBOARD,
    model.DASHBOARD,
    streaming.DASHBOARD,
    slo.DASHBOARD,
    upstreams.DASHBOARD,
    cache.DASHBOARD,
    proxy_health.DASHBOARD,
]


def main(arguments: list[str]) -> int:
    """Writes or checks every file; returns the exit status."""
    files = {
        FOLDER / f"{dashboard.slug}.json": json.dumps(
            dashboard.document(), indent=2, ensure_ascii=False
        )
        + "\n"
        for dashboard in DASHBOARDS
    }
    if arguments == ["--check"]:
        return check(files)
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    return 0


def check(files: dict[Path, str]) -> int:
    """Says which files differ from `files`, are missing or are too many."""
    present = {file: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    stale = {file for file in files.keys() | present.keys() if files.get(file) != present.get(file)}
    for file in sorted(stale):
        print(f"{file.name} is not what build.py writes", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
