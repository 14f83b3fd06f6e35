"""The dashboards ask for what there is, and are what their sources build.

Every query of every panel, variable and link is put to a Prometheus that scrapes a demo.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from processes import Process, free_port
from servers import Prometheus

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
DASHBOARDS: dict[str, Json] = {file.stem: json.loads(file.read_text()) for file in FILES}
PANELS = [
    (slug, panel)
    for slug, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]
USUAL_VARIABLES = ["datasource", "job", "instance", "model"]
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

BUCKETS_WITH_EXEMPLARS = {
    "model_request_duration_seconds_bucket",
    "gen_ai_server_request_duration_seconds_bucket",
    "gen_ai_server_time_to_first_token_seconds_bucket",
    "gen_ai_server_time_per_output_token_seconds_bucket",
    "http_request_duration_seconds_bucket",
    "transom_overhead_seconds_bucket",
}
NOTHING_BUT_ZERO = re.compile(r"\btransom_(queue_wait|cache)_")
"""Of these a quantile or a share may be no number: nothing of the kind happens in a demo."""

TROUBLED = "chat-shaky"
"""The model of the demo that answers, and streams, and fails."""

WINDOW = "15s"


class Demo:
    """`transom demo`: simulated models, the proxy before them, traffic with errors in it."""

    def __init__(self, program: Path, folder: Path) -> None:
        listen, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.admin = f"http://{admin}"
        argv = [str(program), "demo", "--listen", listen, "--admin", admin]
        self.process = Process(argv, folder)
        self.process.ready_at(f"{self.admin}/ready")


class Data(Prometheus):
    """A Prometheus that is asked the way Grafana asks."""

    def __init__(self, program: Path, demo: Demo, folder: Path) -> None:
        super().__init__(program, demo, folder)
        # One for all: whoever asks later finds data at once, or never.
        self._deadline = time.monotonic() + 30

    def has(self, expr: str) -> bool:
        """Whether there is a series, and a number in one of them."""
        values = [float(series["value"][1]) for series in self.get("query", query=expr)["result"]]
        numbers = [value for value in values if not math.isnan(value)]
        return bool(numbers or (values and NOTHING_BUT_ZERO.search(expr)))

    def label_values(self, query: str) -> list[str]:
        """What `label_values(series, label)` offers."""
        called = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert called, query
        series, label = called.groups()
        return list(self.get(f"label/{label}/values", **{"match[]": series}))

    def comes_to_have(self, exprs: dict[str, str]) -> None:
        """Waits until every one of these has data; they are keyed by who asks."""
        missing = exprs
        while missing := {who: expr for who, expr in missing.items() if not self.has(expr)}:
            if time.monotonic() > self._deadline:
                pytest.fail("no data for\n" + "\n".join(f"{w}: {e}" for w, e in missing.items()))
            time.sleep(0.2)


@pytest.fixture(scope="module")
def demo(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """What the dashboards are to show."""
    demo = Demo(program, tmp_path_factory.mktemp("demo"))
    yield demo
    demo.process.stop()


@pytest.fixture(scope="module")
def prometheus(parts: Path, demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    """Scrapes the demo, in place of the one that the other files share."""
    folder = tmp_path_factory.mktemp("dashboards") / "prometheus"
    data = Data(parts / "bin/prometheus", demo, folder)
    yield data
    data.stop()


@pytest.fixture(params=DASHBOARDS)
def dashboard(request: pytest.FixtureRequest) -> Json:
    """Each of them."""
    return DASHBOARDS[request.param]


def test_the_files_are_what_their_sources_build() -> None:
    """Nobody edited a dashboard by hand, or a source without building."""
    build = [sys.executable, str(GRAFANA / "build.py"), "--check"]
    run = subprocess.run(build, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_all_seven_are_there_under_names_of_their_own() -> None:
    """Links and bookmarks find them by these."""
    assert {dashboard["uid"] for dashboard in DASHBOARDS.values()} == {
        "transom-overview",
        "transom-model",
        "transom-streaming",
        "transom-slo",
        "transom-upstreams",
        "transom-cache",
        "transom-proxy-health",
    }
    assert all(dashboard["uid"] == f"transom-{slug}" for slug, dashboard in DASHBOARDS.items())


def test_grafana_knows_every_key(dashboard: Json) -> None:
    """Nothing is lost on the way through Grafana's own types: no key is misspelt."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    known = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
    newer_or_of_a_plugin = {
        "definition",
        "maxVizHeight",
        "namePlacement",
        "sizing",
        "step",
        "tagKeys",
        "textFormat",
        "titleFormat",
        "useValueForTime",
        "wideLayout",
    }
    lost = set(_lost(dashboard, known)) - newer_or_of_a_plugin
    # A heat map's tooltip has had a mode since Grafana 10.2.
    assert lost <= {"mode"}


def test_the_choices_and_links_are_the_same_everywhere(dashboard: Json) -> None:
    """Whoever goes from one dashboard to another keeps time and choice."""
    names = [variable["name"] for variable in dashboard["templating"]["list"]]
    assert names[:4] == USUAL_VARIABLES and len(set(names)) == len(names)
    assert dashboard["tags"] == ["transom"]
    [others] = dashboard["links"]
    assert (others["type"], others["tags"]) == ("dashboards", ["transom"])
    assert others["includeVars"] and others["keepTime"]


def test_links_lead_to_dashboards_and_variables_that_exist(dashboard: Json) -> None:
    """No link is dead, no `$name` is left as it stands."""
    text = json.dumps(dashboard)
    uids = {other["uid"]: other for other in DASHBOARDS.values()}
    for uid, rest in re.findall(r"/d/([\w-]+)([^\"]*)", text):
        variables = {variable["name"] for variable in uids[uid]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)", rest)) <= variables
    own = {variable["name"] for variable in dashboard["templating"]["list"]}
    named = {a or b for a, b in re.findall(r"\$(?:(\w+)|\{(\w+))", text)}
    ours = {name for name in named if not name.startswith("__") and not name.isdigit()}
    assert ours <= own


def test_every_panel_says_what_it_shows() -> None:
    """Title, description, unit and data source."""
    for slug, panel in PANELS:
        who = f"{slug}: {panel['title']}"
        assert panel["title"] and panel["description"].endswith("."), who
        assert panel["fieldConfig"]["defaults"]["unit"], who
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(source == DATA_SOURCE for source in sources), who
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), who


def test_panels_fill_the_grid_and_do_not_overlap(dashboard: Json) -> None:
    """24 columns; no two panels with one place or one identity."""
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        cells = {(x, place["y"] + y) for x in columns for y in range(place["h"])}
        assert columns.stop <= 24 and not cells & taken, panel["title"]
        taken |= cells
    assert len(taken) == 24 * (1 + max(y for _, y in taken))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_rates_follow_the_scrape_interval_and_the_shown_range() -> None:
    """No fixed ranges, and no selection by `le`, which each format writes in its own way."""
    for who, expr in ((who, e) for slug in DASHBOARDS for who, e in _exprs(slug).items()):
        assert set(re.findall(r"\[(.*?)\]", expr)) <= {"$__rate_interval", "$__range"}, who
        assert not re.search(r"\ble\s*(=|!)", expr), who
        assert 'job=~"$job"' in expr or "ALERTS{" in expr, who


def test_series_are_called_by_labels_that_they_have() -> None:
    """What a legend names is what its query sums by."""
    for slug, panel in PANELS:
        for target in panel["targets"]:
            kept = ", ".join(re.findall(r"\bby \((.*?)\)", target["expr"])).split(", ")
            named = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
            assert set(named) <= set(kept), f"{slug}: {panel['title']}"


def test_exemplars_are_on_wherever_a_histogram_that_has_them_is_drawn() -> None:
    """One query of the panel asks for them; numbers and tables have no room for points."""
    for slug, panel in PANELS:
        if panel["type"] not in ("timeseries", "heatmap"):
            continue
        drawn = [
            target
            for target in panel["targets"]
            if BUCKETS_WITH_EXEMPLARS & set(re.findall(r"\w+_bucket", target["expr"]))
        ]
        asking = [target for target in panel["targets"] if target["exemplar"]]
        who = f"{slug}: {panel['title']}"
        assert all(target in drawn for target in asking), who
        assert len(asking) == min(len(drawn), 1) and all(t["range"] for t in asking), who


def test_data_sources_are_provisioned_under_fixed_names() -> None:
    """From a point to its trace, and from a span to its metrics."""
    metrics, traces = _provisioned("datasources")["datasources"]
    assert [metrics["uid"], traces["uid"]] == ["prometheus", "jaeger"]
    assert [metrics["type"], traces["type"]] == ["prometheus", "jaeger"]
    [exemplars] = metrics["jsonData"]["exemplarTraceIdDestinations"]
    assert (exemplars["name"], exemplars["datasourceUid"]) == ("trace_id", traces["uid"])
    assert traces["jsonData"]["tracesToMetrics"]["datasourceUid"] == metrics["uid"]
    for dashboard in DASHBOARDS.values():
        first = dashboard["templating"]["list"][0]
        assert (first["query"], first["current"]["value"]) == (metrics["type"], metrics["uid"])


def test_rate_intervals_are_made_for_the_scrape_interval() -> None:
    """`$__rate_interval` is four times what Grafana thinks is the scrape interval."""
    metrics = _provisioned("datasources")["datasources"][0]
    scraping = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())
    assert metrics["jsonData"]["timeInterval"] == scraping["global"]["scrape_interval"]


@pytest.mark.parametrize("choice", ["everything", "one"])
def test_every_query_has_data(prometheus: Data, dashboard: Json, choice: str) -> None:
    """Panels and annotations, with everything chosen and with one of each."""
    variables = _chosen(prometheus, dashboard, choice)
    slug = dashboard["uid"].removeprefix("transom-")
    exprs = {who: _substituted(expr, variables) for who, expr in _exprs(slug).items()}
    prometheus.comes_to_have(exprs)


def test_every_query_that_a_span_leads_to_has_data(prometheus: Data) -> None:
    """With the tag of the span in place of Grafana's `$__tags`."""
    link = _provisioned("datasources")["datasources"][1]["jsonData"]["tracesToMetrics"]
    [tag] = link["tags"]
    tags = f'{tag["value"]}="{TROUBLED}"'
    exprs = {
        query["name"]: query["query"].replace("$$__tags", tags).replace("[5m]", f"[{WINDOW}]")
        for query in link["queries"]
    }
    assert all(tags in expr for expr in exprs.values())
    prometheus.comes_to_have(exprs)


def _provisioned(kind: str) -> Json:
    [file] = (GRAFANA / "provisioning" / kind).glob("*.yaml")
    return dict(yaml.safe_load(file.read_text()))


def _exprs(slug: str) -> dict[str, str]:
    """Every expression of a dashboard by where it stands."""
    panels = {
        f"{slug}, {panel['id']} {panel['title']}, {target['refId']}": target["expr"]
        for at, panel in PANELS
        if at == slug
        for target in panel["targets"]
    }
    annotations = DASHBOARDS[slug]["annotations"]["list"]
    return panels | {f"{slug}, {one['name']}": one["expr"] for one in annotations}


def _chosen(prometheus: Data, dashboard: Json, choice: str) -> dict[str, str]:
    """The variables' values as Grafana puts them into a query; each has some."""
    chosen: dict[str, str] = {}
    for variable in dashboard["templating"]["list"][1:]:
        query = _substituted(variable["query"]["query"], chosen)
        values = prometheus.label_values(query)
        assert values and variable["multi"] and variable["includeAll"], query
        if choice == "one":
            one = TROUBLED if TROUBLED in values else values[0]
            chosen[variable["name"]] = _escaped(one)
        else:
            every = f"({'|'.join(map(_escaped, values))})"
            chosen[variable["name"]] = variable.get("allValue", every)
    return chosen


def _escaped(value: str) -> str:
    """For a regular expression within a string, twice as Grafana does it."""
    return re.sub(r"[\\^$*+?.()|\[\]{}]", lambda special: "\\\\" + special[0], value)


def _substituted(text: str, variables: dict[str, str]) -> str:
    known = variables | {"__rate_interval": WINDOW, "__range": WINDOW}
    return re.sub(r"\$([a-z_]\w*)", lambda name: known[name[1]], text)


def _lost(before: Any, after: Any) -> Iterator[str]:
    """The keys whose values are not the same after a round trip."""
    for key, value in before.items():
        if key not in after:
            yield key
        elif isinstance(value, dict):
            yield from _lost(value, after[key])
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one, other in zip(value, after[key], strict=True):
                yield from _lost(one, other)
        elif value != after[key]:
            yield key
