"""What every test of a run shares: one model, one Transom, one Prometheus, the clients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("captures", "ledger", "processes", "servers", "spans", "valkey")

from openai import OpenAI  # noqa: E402

from ledger import Ledger  # noqa: E402
from processes import built  # noqa: E402
from servers import API_KEY, Llm, Prometheus, Transom  # noqa: E402


@pytest.fixture(scope="session")
def parts() -> Path:
    """The folder of the real parts."""
    folder = Path(os.environ.get("REAL_PARTS", "(REAL_PARTS is not set)"))
    for part in ("model.gguf", "node/node_modules/openai", "bin/prometheus", "bin/promtool"):
        if not (folder / part).exists():
            pytest.fail(f"{folder}/{part} is missing: remove that folder and run `make test-real`")
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run keeps its files."""
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="session")
def llm(parts: Path, folder: Path) -> Iterator[Llm]:
    """The model's server."""
    llm = Llm(parts / "model.gguf", folder / "llm")
    yield llm
    llm.process.stop()


@pytest.fixture(scope="session")
def program() -> Path:
    """The program under test."""
    return built("TRANSOM_BIN")


@pytest.fixture(scope="session")
def transom(program: Path, llm: Llm, folder: Path) -> Iterator[Transom]:
    """The program under test, in front of the model."""
    transom = Transom(program, llm, folder / "transom")
    yield transom
    status = transom.process.stop()
    assert status == 0, f"SIGTERM made it end with {status}:\n{transom.process.last_words()}"


@pytest.fixture(scope="session", autouse=True)
def prometheus(parts: Path, transom: Transom, folder: Path) -> Iterator[Prometheus]:
    """Scrapes from the first test on, so that it sees every counter born at 0."""
    prometheus = Prometheus(parts / "bin/prometheus", transom, folder / "prometheus")
    yield prometheus
    prometheus.stop()


@pytest.fixture(scope="session")
def ledger(transom: Transom, llm: Llm) -> Ledger:
    """The calls of this run."""
    return Ledger(transom, llm)


@pytest.fixture(scope="session")
def client(transom: Transom) -> Iterator[OpenAI]:
    """The official Python SDK, pointed at Transom."""
    with OpenAI(base_url=f"{transom.origin}/v1", api_key=API_KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def direct(llm: Llm) -> Iterator[OpenAI]:
    """The same SDK, pointed at the model itself."""
    with OpenAI(base_url=f"{llm.origin}/v1", api_key="none", max_retries=0) as client:
        yield client
