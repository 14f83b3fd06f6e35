"""The shipped stack: valid for the programs that read it, and of one piece.

There is no container engine here. What compose.yaml starts is held against the schema of
compose files and against the configurations it hands out; then what is here of it (Transom in
all its roles and Prometheus) is run with exactly these commands and files.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import stack
from processes import built, http_get, output_of, until
from stack import ROOT, Machine, document, services

CHECKABLE = ("prometheus", "deploy/federation", "deploy/remote_write")
TESTS = sorted((ROOT / "prometheus/tests").glob("*.yml"))


def run(*argv: object, cwd: Path = ROOT) -> str:
    """What a checker says; it has to be content."""
    return output_of(*argv, cwd=cwd)


def program() -> Path:
    """Transom's."""
    return built("TRANSOM_BIN")


# Prometheus


@pytest.mark.parametrize("where", CHECKABLE)
def test_prometheus_accepts_the_configuration(parts: Path, where: str) -> None:
    said = run(parts / "bin/promtool", "check", "config", f"{where}/prometheus.yml")
    assert "FAILED" not in said


def test_prometheus_accepts_the_consul_example(parts: Path, tmp_path: Path) -> None:
    """Debian builds Prometheus without Consul, so its discovery is looked at here and taken
    out for promtool, which reads the rest."""
    config = document("deploy/consul/prometheus.yml")
    config["rule_files"] = [str(ROOT / "prometheus/rules/*.yml")]
    [job] = config["scrape_configs"]
    [discovery] = job.pop("consul_sd_configs")
    assert set(discovery) <= {
        "server", "token", "datacenter", "namespace", "partition", "scheme", "services", "tags",
        "node_meta", "filter", "allow_stale", "refresh_interval",
    }  # fmt: skip
    job["static_configs"] = [{"targets": ["127.0.0.1:7443"]}]
    without = tmp_path / "prometheus.yml"
    without.write_text(yaml.safe_dump(config))
    assert "FAILED" not in run(parts / "bin/promtool", "check", "config", without)


@pytest.mark.parametrize("file", stack.RULES, ids=lambda file: file.name)
def test_rules_are_valid(parts: Path, file: Path) -> None:
    run(parts / "bin/promtool", "check", "rules", "--lint-fatal", file)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_rules_fire_when_their_tests_say_so(parts: Path, file: Path) -> None:
    run(parts / "bin/promtool", "test", "rules", file, cwd=file.parent)


def test_every_alert_has_a_rule_test() -> None:
    tested = {
        case["alertname"]
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
        if case.get("exp_alerts")
    }
    assert {alert["alert"] for alert in stack.alerts()} == tested


def test_every_alert_is_explained() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    for alert in stack.alerts():
        name, notes = alert["alert"], alert["annotations"]
        assert alert["labels"]["severity"] in ("critical", "warning", "info"), name
        assert notes["summary"] and notes["description"], name
        assert notes["runbook_url"] == f"docs/runbook.md#{name.lower()}", name
    assert sorted(headings) == sorted({alert["alert"] for alert in stack.alerts()})


def test_the_rules_of_objectives_are_those_of_the_configuration() -> None:
    made = run(
        program(), "slo", "export", "--format", "prometheus",
        "--config", "deploy/compose/transom.toml",
    )  # fmt: skip
    assert yaml.safe_load(made) == document("prometheus/rules/slo.yml")


# Alertmanager


def test_alertmanager_accepts_the_configuration(parts: Path) -> None:
    run(parts / "bin/amtool", "check-config", "alertmanager/alertmanager.yml")


@pytest.mark.parametrize(
    ("severity", "receiver"),
    [("critical", "on-call"), ("warning", "chat"), ("info", "log"), ("unheard-of", "chat")],
)
def test_an_alert_reaches_whom_its_severity_says(
    parts: Path, severity: str, receiver: str
) -> None:
    file = "--config.file=alertmanager/alertmanager.yml"
    amtool = [parts / "bin/amtool", "config", "routes", "test", file]
    run(*amtool, f"--verify.receivers={receiver}", f"severity={severity}")


# The collector and Jaeger


@pytest.mark.parametrize("file", ["config", "jaeger"])
def test_every_component_is_wired(file: str) -> None:
    config = document(f"otel-collector/{file}.yaml")
    pipelines = config["service"]["pipelines"].values()
    connectors = set(config.get("connectors", {}))
    for kind, either in (("receivers", connectors), ("processors", set()), ("exporters", connectors)):
        used = {part for pipeline in pipelines for part in pipeline.get(kind, [])}
        assert used == set(config[kind]) | either, kind
    assert set(config["service"].get("extensions", [])) == set(config.get("extensions", {}))


def test_the_collector_bounds_its_memory_and_counts_spans() -> None:
    pipelines = document("otel-collector/config.yaml")["service"]["pipelines"]
    assert pipelines["traces"]["processors"] == ["memory_limiter", "batch"]
    assert pipelines["traces"]["exporters"] == ["otlp/jaeger", "spanmetrics"]
    assert pipelines["metrics"] == {"receivers": ["spanmetrics"], "exporters": ["prometheus"]}


# compose.yaml and the image


def test_the_compose_file_follows_the_schema() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    run(checker, "--builtin-schema", "vendor.compose-spec", "compose.yaml")


@pytest.mark.parametrize("name", services())
def test_a_service_is_contained(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert re.search(r":v?\d+\.\d+", service["image"]), "an image without a version"
    for mount, source in stack.bind_mounts(service).items():
        assert source.exists(), f"{source} is to be mounted at {mount}"
    for mount in service.get("volumes", []):
        assert not mount.startswith(".") or mount.endswith(":ro"), mount


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert published
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)


def test_everything_in_the_pod_finds_whom_it_speaks_to() -> None:
    listening = stack.listeners()
    ports = [port for _, port in listening]
    assert len(set(ports)) == len(ports), f"two listen on one port: {sorted(listening)}"
    for where, port in stack.spoken_to():
        assert port in ports, f"{where} speaks of port {port}, where nobody listens"
    for published in services()["pod"]["ports"]:
        assert stack.port_of(published) in ports, published
    apart = [name for name, service in services().items() if "network_mode" not in service]
    assert apart == ["pod"]


def test_prometheus_keeps_a_whole_period_and_exemplars() -> None:
    line = stack.command(services()["prometheus"])
    assert "--storage.tsdb.retention.time=40d" in line
    assert "--enable-feature=exemplar-storage" in line


def test_grafana_is_provisioned_with_what_is_there() -> None:
    sources = ROOT / "grafana/provisioning/datasources"
    files = [yaml.safe_load(file.read_text()) for file in sorted(sources.glob("*.y*ml"))]
    datasources = {source["uid"]: source["url"] for file in files for source in file["datasources"]}
    assert datasources == {
        "prometheus": "http://127.0.0.1:9090",
        "jaeger": "http://127.0.0.1:16686",
    }
    providers = ROOT / "grafana/provisioning/dashboards"
    [file] = [yaml.safe_load(file.read_text()) for file in providers.glob("*.y*ml")]
    mounts = stack.bind_mounts(services()["grafana"])
    for provider in file["providers"]:
        assert mounts[provider["options"]["path"]] == ROOT / "grafana/dashboards"
    uids = [json.loads(file.read_text())["uid"] for file in stack.DASHBOARDS]
    assert uids and len(set(uids)) == len(uids)


def test_the_dockerfile_is_clean() -> None:
    run(Path(sys.executable).with_name("hadolint"), "Dockerfile")
    text = (ROOT / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert "USER 65532:65532" in last
    assert "RUN " not in last, "the image has no shell"
    assert f"FROM rust:{rust_version()}-" in text


def rust_version() -> str:
    found = re.search(r'^rust-version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert found
    return found[1]


# The whole of it


@pytest.fixture(scope="module")
def machine(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """What compose.yaml starts and this machine has."""
    programs = {"transom": program(), "prometheus": parts / "bin/prometheus"}
    machine = Machine(tmp_path_factory.mktemp("stack"), programs)
    try:
        machine.start("sim-steady")
        machine.start("sim-shaky")
        machine.start("transom").ready_at(f"http://{machine.address(7081)}/ready")
        machine.start("pages").ready_at(f"http://{machine.address(7082)}/ready")
        machine.start("prometheus").ready_at(f"http://{machine.address(9090)}/-/ready")
        machine.start("traffic")
        yield machine
    finally:
        ended = machine.stop()
    assert set(ended) == {0}, ended


def test_prometheus_reads_transom(machine: Machine) -> None:
    up = {"transom", "prometheus"}
    until("both targets", lambda: up <= query(machine, "up == 1", "job"))


def test_every_rule_can_be_evaluated(machine: Machine) -> None:
    def evaluated() -> list[Any] | None:
        rules = [rule for group in ask(machine, "rules")["groups"] for rule in group["rules"]]
        unknown = [rule["name"] for rule in rules if rule["health"] == "unknown"]
        print("not yet evaluated:", unknown)
        return rules if not unknown else None

    rules = until("all rules to be evaluated", evaluated, seconds=20)
    assert [rule for rule in rules if rule["health"] != "ok"] == []


def test_sample_traffic_reaches_every_model(machine: Machine) -> None:
    answered = 'sum by (model) (transom_requests_total{outcome="success"}) > 0'
    wanted = {"chat-large", "chat-small", "chat-shaky"}
    until("answers of every model", lambda: wanted <= query(machine, answered, "model"), seconds=30)


def test_the_pages_are_published(machine: Machine) -> None:
    # Traffic goes on between two looks, so their figures differ.
    published, own = (
        re.sub(r"\d+", "#", http_get(f"http://{machine.address(port)}/health"))
        for port in (7082, 7081)
    )
    assert published == own
    page = http_get(f"http://{machine.address(7082)}/")
    assert " · transom</title>" in page and "chat-shaky" in page


def test_the_health_check_passes(machine: Machine) -> None:
    asked, *arguments = services()["transom"]["healthcheck"]["test"][1:]
    assert asked == "/usr/local/bin/transom"
    run(program(), *arguments, "--admin", f"http://{machine.address(7081)}")


def query(machine: Machine, promql: str, label: str) -> set[str]:
    asked = "query?" + urllib.parse.urlencode({"query": promql})
    return {series["metric"].get(label, "") for series in ask(machine, asked)["result"]}


def ask(machine: Machine, what: str) -> Any:
    return json.loads(http_get(f"http://{machine.address(9090)}/api/v1/{what}"))["data"]
