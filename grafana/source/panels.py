"""Panels: one function per kind, each returning what Grafana reads, without its place.

Not known here: what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from source.queries import Query

Json = dict[str, Any]

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
"""Whatever the variable says; `provisioning/` gives it its first value."""

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"

Steps = Sequence[tuple[float | None, str]]
"""From which value on a colour holds; the first from anywhere."""

PLAIN: Steps = [(None, GREEN)]
ERRORS: Steps = [(None, GREEN), (0.01, YELLOW), (0.05, RED)]
NEVER: Steps = [(None, GREEN), (1e-9, RED)]
"""Fine at 0 only."""

# No traffic is no number: neither 0 nor 100 %.
NO_NUMBER = {
    "type": "special",
    "options": {"match": "null+nan", "result": {"text": "—", "color": GREY, "index": 0}},
}


@dataclass(frozen=True)
class Column:
    """A column of a table: the value that `expr` has in each row."""

    title: str
    unit: str
    expr: str
    steps: Steps = ()


def stat(title: str, description: str, unit: str, query: Query, steps: Steps = PLAIN) -> Json:
    """One number, now."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "textMode": "auto",
        "orientation": "auto",
        "wideLayout": True,
    }
    panel = _panel("stat", title, description, options)
    panel["targets"] = [_target(0, query, instant=True)]
    panel["fieldConfig"]["defaults"] |= {"unit": unit, **_thresholds(steps)}
    return panel


def bars(title: str, description: str, unit: str, query: Query, steps: Steps = PLAIN) -> Json:
    """One bar per series, now."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "displayMode": "basic",
        "orientation": "horizontal",
        "namePlacement": "auto",
        "showUnfilled": True,
        "valueMode": "color",
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
    }
    panel = _panel("bargauge", title, description, options)
    panel["targets"] = [_target(0, query, instant=True)]
    panel["fieldConfig"]["defaults"] |= {"unit": unit, "min": 0, **_thresholds(steps)}
    return panel


def lines(
    title: str,
    description: str,
    unit: str,
    queries: Query | Sequence[Query],
    colours: Mapping[str, str] | None = None,
) -> Json:
    """Values over time."""
    panel = _time_series(title, description, unit, queries)
    panel["fieldConfig"]["overrides"] = _colours(colours or {})
    return panel


def areas(
    title: str,
    description: str,
    unit: str,
    queries: Query | Sequence[Query],
    colours: Mapping[str, str] | None = None,
) -> Json:
    """Parts of a whole over time, one upon the other."""
    panel = lines(title, description, unit, queries, colours)
    custom = panel["fieldConfig"]["defaults"]["custom"]
    custom |= {"fillOpacity": 30, "stacking": {"mode": "normal", "group": "A"}}
    return panel


def limits(
    title: str, description: str, unit: str, queries: Query | Sequence[Query], steps: Steps
) -> Json:
    """Values over time with lines that they should not cross."""
    panel = lines(title, description, unit, queries)
    defaults = panel["fieldConfig"]["defaults"]
    defaults |= _thresholds(steps)
    defaults["custom"]["thresholdsStyle"] = {"mode": "dashed"}
    return panel


def heatmap(title: str, description: str, unit: str, query: Query) -> Json:
    """How a histogram's observations spread over its buckets, over time."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "short", "decimals": 0},
        "color": {
            "mode": "scheme",
            "scheme": "Blues",
            "scale": "exponential",
            "exponent": 0.5,
            "fill": "dark-orange",
            "steps": 64,
            "reverse": False,
        },
        "exemplars": {"color": "orange"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": False},
    }
    panel = _panel("heatmap", title, description, options)
    panel["targets"] = [_target(0, query) | {"format": "heatmap"}]
    panel["fieldConfig"]["defaults"]["unit"] = unit
    return panel


def states(title: str, description: str, query: Query, words: Sequence[tuple[str, str]]) -> Json:
    """What something was, over time: the word and the colour of 0, 1, 2…"""
    options = {
        "showValue": "auto",
        "mergeValues": True,
        "alignValue": "left",
        "rowHeight": 0.8,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    panel = _panel("state-timeline", title, description, options)
    panel["targets"] = [_target(0, query)]
    known = {
        str(value): {"text": text, "color": colour, "index": value}
        for value, (text, colour) in enumerate(words)
    }
    defaults = panel["fieldConfig"]["defaults"]
    defaults["mappings"] = [{"type": "value", "options": known}, NO_NUMBER]
    defaults["unit"] = "short"
    defaults["custom"] = {"fillOpacity": 70, "lineWidth": 0}
    return panel


def table(
    title: str,
    description: str,
    keys: Mapping[str, str],
    columns: Sequence[Column],
    links: Sequence[Json] = (),
) -> Json:
    """One row per value of the labels `keys` (label to title), one column per query."""
    panel = _panel("table", title, description, {"showHeader": True, "cellHeight": "sm"})
    panel["targets"] = [
        _target(at, Query(column.expr), instant=True) | {"format": "table"}
        for at, column in enumerate(columns)
    ]
    titles = {f"Value #{_ref(at)}": column.title for at, column in enumerate(columns)}
    order = [*keys, *titles]
    panel["transformations"] = [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True},
                "indexByName": {name: at for at, name in enumerate(order)},
                "renameByName": {**keys, **titles},
            },
        },
    ]
    first = next(iter(keys.values()))
    panel["fieldConfig"]["defaults"] |= {
        "unit": "short",
        "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False},
    }
    panel["fieldConfig"]["overrides"] = [
        *([_override(first, links=list(links))] if links else []),
        *(_column(column) for column in columns),
    ]
    return panel


def link(title: str, uid: str, variable: str) -> Json:
    """A link from a cell to another dashboard, narrowed to what the cell says."""
    url = f"/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}&${{job:queryparam}}"
    return {"title": title, "url": f"{url}&var-{variable}=${{__value.raw}}"}


def _time_series(title: str, description: str, unit: str, queries: Query | Sequence[Query]) -> Json:
    options = {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    panel = _panel("timeseries", title, description, options)
    queries = [queries] if isinstance(queries, Query) else queries
    panel["targets"] = [_target(at, query) for at, query in enumerate(queries)]
    panel["fieldConfig"]["defaults"] |= {
        "unit": unit,
        "color": {"mode": "palette-classic-by-name"},
        "custom": {
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 1,
            "fillOpacity": 8,
            "gradientMode": "none",
            "showPoints": "never",
            "spanNulls": False,
            "axisPlacement": "auto",
            "axisSoftMin": 0,
            "stacking": {"mode": "none", "group": "A"},
        },
    }
    return panel


def _panel(kind: str, title: str, description: str, options: Json) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATA_SOURCE,
        "options": options,
        "fieldConfig": {"defaults": {"mappings": [NO_NUMBER]}, "overrides": []},
    }


def _target(position: int, query: Query, *, instant: bool = False) -> Json:
    return {
        "refId": _ref(position),
        "datasource": DATA_SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        "exemplar": query.exemplars and not instant,
        "format": "time_series",
    }


def _ref(position: int) -> str:
    return chr(ord("A") + position)


def _thresholds(steps: Steps) -> Json:
    return {
        "color": {"mode": "thresholds"},
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": colour} for value, colour in steps],
        },
    }


def _colours(colours: Mapping[str, str]) -> list[Json]:
    return [
        _override(name, color={"mode": "fixed", "fixedColor": colour})
        for name, colour in colours.items()
    ]


def _column(column: Column) -> Json:
    properties: Json = {"unit": column.unit}
    if column.steps:
        properties |= _thresholds(column.steps)
        properties["custom.cellOptions"] = {"type": "color-text"}
    return _override(column.title, **properties)


def _override(name: str, **properties: object) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }
