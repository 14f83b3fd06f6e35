"""The document of the admin API is a good one, and requests made up from it break nothing.

Schemathesis makes them up: what the document allows, what it forbids, and what lies at its edges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from processes import Process, http_get, installed, ran, until
from servers import Proxy, Sim, key_table

NEVER_ENDING = "/(live|progress)$|^/debug/"
"""Streams of events, and profiles, which take as long as they are asked to."""
KEY = "sk-openapi"
"""There is a key from the start: requests that are made up make others, and so close the proxy."""
HEADERS = {"authorization": f"Bearer {KEY}"}
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]


@pytest.fixture(scope="module")
def proxy(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Transom with everything that can be asked about, in front of a simulated model. Nobody has
    to sign in: who shows ten made-up tokens is let wait."""
    folder = tmp_path_factory.mktemp("openapi")
    sim = Sim(program, folder / "sim")
    secret = folder / "secret"
    secret.write_text("whsec_" + "c2VjcmV0" * 4)
    secret.chmod(0o600)
    tables = f"""\
[[upstream]]
name = "sim"
endpoints = ["{sim.origin}"]

[[model]]
name = "{Sim.MODEL}"
targets = [{{ upstream = "sim" }}]
cache = true
capture = "full"

[[webhook]]
name = "nobody"
url = "http://127.0.0.1:1"
secret_file = "{secret}"

{key_table(KEY)}"""
    proxy = Proxy(program, folder / "transom", tables)
    for _ in range(2):
        assert proxy.chat(Sim.MODEL, HEADERS, temperature=0).status == 200
    yield proxy
    stop(proxy.process)
    stop(sim.process)


def stop(process: Process) -> None:
    """Ends it; it has to have lived until now."""
    assert process.is_running(), process.last_words()
    assert process.stop() == 0, process.last_words()


@pytest.fixture(scope="module")
def document(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document, as a file."""
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    file.write_text(http_get(f"{proxy.admin}/api/v1/openapi.json"))
    return file


def test_the_document_is_openapi_as_its_schema_says(document: Path) -> None:
    read = json.loads(document.read_text())
    assert [str(error) for error in OpenAPIV31SpecValidator(read).iter_errors()] == []
    assert len(read["paths"]) > 25


def test_requests_made_up_from_the_document_break_nothing(
    proxy: Proxy, document: Path, tmp_path: Path
) -> None:
    done = ran(
        installed("schemathesis"), "run", document,
        "--url", proxy.admin,
        "--exclude-path-regex", NEVER_ENDING,
        "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing",
        "--max-examples", 5,
        "--request-timeout", 10,
        "--generation-deterministic",
        "--no-color",
        cwd=tmp_path,
        seconds=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    until("Transom to be well after all that", lambda: proxy.chat(Sim.MODEL, HEADERS).status == 200)
