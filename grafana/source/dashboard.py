"""A dashboard around its panels: where they are, the variables, the links.

Not known here: what is measured, but for the names that variables are filled from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from source.panels import DATA_SOURCE, Json
from source.queries import select

# The last version of this schema; Grafana 12 and later read it as it is.
SCHEMA_VERSION = 42
TAG = "transom"
COLUMNS = 24
HEIGHTS = {"stat": 4}
USUAL_HEIGHT = 8


@dataclass(frozen=True)
class Row:
    """A heading and the shelves below it; the panels of a shelf are equally wide."""

    title: str
    shelves: Sequence[Sequence[Json]]


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; its file and its identity are named after `slug`."""

    slug: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Json] = ()

    def document(self) -> Json:
        """What Grafana reads."""
        return {
            "uid": f"transom-{self.slug}",
            "title": f"Transom / {self.title}",
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "links": [_other_dashboards()],
            "annotations": {"list": [_starts()]},
            "templating": {"list": [*_usual_variables(), *self.variables]},
            "panels": _placed(self.rows),
        }


def variable(name: str, label: str, metric: str, of: str, description: str) -> Json:
    """A choice among the values that the label `of` has in `metric`.

    "All" is one pattern that also matches series without the label, and does not grow with
    the number of values.
    """
    return _query_variable(name, label, f"label_values({metric}, {of})", description) | {
        "allValue": ".*"
    }


def _usual_variables() -> list[Json]:
    # Jobs and instances have no such pattern: `up` and `process_*` of others would match it.
    jobs = "label_values(transom_build_info, job)"
    instances = 'label_values(transom_build_info{job=~"$job"}, instance)'
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "description": "The Prometheus that scrapes Transom.",
            "type": "datasource",
            "query": "prometheus",
            "current": {"text": "Prometheus", "value": "prometheus"},
            "options": [],
            "regex": "",
            "hide": 0,
            "refresh": 1,
            "multi": False,
            "includeAll": False,
        },
        _query_variable("job", "Job", jobs, "The scrape jobs that reach a Transom."),
        _query_variable("instance", "Instance", instances, "The Transoms of these jobs."),
        variable(
            "model",
            "Model",
            select("transom_in_flight_requests"),
            "model",
            "Configured and discovered models; _other is everything else.",
        ),
    ]


def _query_variable(name: str, label: str, query: str, description: str) -> Json:
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": DATA_SOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor"},
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
        "regex": "",
        "hide": 0,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
    }


def _other_dashboards() -> Json:
    return {
        "title": "Transom",
        "type": "dashboards",
        "tags": [TAG],
        "icon": "external link",
        "tooltip": "The other dashboards of Transom, for the same time and choice",
        "url": "",
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def _starts() -> Json:
    """Counters and gauges begin anew here."""
    return {
        "name": "Starts",
        "datasource": DATA_SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "blue",
        "expr": f"{select('process_start_time_seconds')} * 1000",
        "useValueForTime": "on",
        "step": "60s",
        "titleFormat": "Transom started",
        "textFormat": "{{instance}}",
        "tagKeys": "",
    }


def _placed(rows: Sequence[Row]) -> list[Json]:
    placed: list[Json] = []
    top = 0
    for row in rows:
        heading: Json = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
        placed.append(heading | {"gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top}})
        top += 1
        for shelf in row.shelves:
            width = COLUMNS // len(shelf)
            height = max(HEIGHTS.get(panel["type"], USUAL_HEIGHT) for panel in shelf)
            for at, panel in enumerate(shelf):
                place = {"h": height, "w": width, "x": at * width, "y": top}
                placed.append(panel | {"gridPos": place})
            top += height
    return [{"id": at, **panel} for at, panel in enumerate(placed, start=1)]
