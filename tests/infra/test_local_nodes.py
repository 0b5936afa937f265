"""The keeper of storage nodes: programs follow rows."""

import logging
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.local import nodes
from infra.local.layout import Layout
from infra.local.node_program import Node
from infra.local.ports import free_port
from infra.local.supervision import program_file


@dataclass
class Row:
    pk: str
    url: str
    region: int = 1
    saved: list[str] = field(default_factory=list)

    def save(self, update_fields: list[str]) -> None:
        self.saved += update_fields


@dataclass
class FakeSupervisor:
    running: dict[str, str] = field(default_factory=dict)

    def states(self) -> dict[str, str]:
        return dict(self.running)

    def add(self, name: str) -> None:
        self.running[name] = "RUNNING"

    def remove(self, name: str) -> None:
        del self.running[name]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    rows: list[Row] = []
    monkeypatch.setattr(nodes, "_rows", lambda: rows)
    monkeypatch.setattr(nodes, "_described", _described)
    return rows


def _described(row: Any, port: int) -> Node:
    if row.pk == "keyless":
        raise LookupError("secret of Doe^Jane")
    return Node(row.pk, row.region, port, "user", "password", bytes(32))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.prepare()
    return layout


def row(pk: str) -> Row:
    return Row(pk, f"http://127.0.0.1:{free_port()}")


def test_a_program_runs_for_each_row(layout: Layout, rows: list[Row]) -> None:
    supervisor = FakeSupervisor({"web": "RUNNING"})
    rows += [row("one"), row("two")]

    nodes.NodeKeeper(layout, supervisor, Path("site")).keep()

    assert set(supervisor.running) == {"web", "node-one", "node-two"}
    assert program_file(layout, "node-one").exists()


def test_a_program_without_a_row_is_stopped_and_forgotten(layout: Layout, rows: list[Row]) -> None:
    supervisor = FakeSupervisor({"web": "RUNNING"})
    keeper = nodes.NodeKeeper(layout, supervisor, Path("site"))
    rows += [row("one"), row("two")]
    keeper.keep()
    rows.pop()

    keeper.keep()

    assert set(supervisor.running) == {"web", "node-one"}
    assert not program_file(layout, "node-two").exists()


def test_a_node_that_runs_is_left_alone_though_its_port_is_taken(layout: Layout, rows: list[Row]) -> None:
    supervisor = FakeSupervisor()
    keeper = nodes.NodeKeeper(layout, supervisor, Path("site"))
    rows.append(row("one"))
    keeper.keep()

    with socket.create_server(("127.0.0.1", int(rows[0].url.rsplit(":", 1)[1]))):
        keeper.keep()

    assert rows[0].saved == []


def test_a_node_whose_port_is_taken_moves(layout: Layout, rows: list[Row]) -> None:
    rows.append(row("one"))
    before = rows[0].url

    with socket.create_server(("127.0.0.1", int(before.rsplit(":", 1)[1]))):
        nodes.NodeKeeper(layout, FakeSupervisor(), Path("site")).keep()

    assert rows[0].url != before
    assert rows[0].saved == ["url"]
    config = (layout.node(1, "one") / "config.json").read_text()
    assert f'"HttpPort": {rows[0].url.rsplit(":", 1)[1]}' in config


@pytest.mark.parametrize("state", ["BACKOFF", "EXITED", "FATAL"])
def test_a_node_shut_out_of_its_port_by_another_program_moves(layout: Layout, rows: list[Row], state: str) -> None:
    supervisor = FakeSupervisor()
    keeper = nodes.NodeKeeper(layout, supervisor, Path("site"))
    rows.append(row("one"))
    keeper.keep()
    before, supervisor.running["node-one"] = rows[0].url, state

    with socket.create_server(("127.0.0.1", int(before.rsplit(":", 1)[1]))):
        keeper.keep()

    assert rows[0].url != before
    assert supervisor.running["node-one"] == "RUNNING"


def test_a_node_that_fails_for_another_reason_stays_where_it_is(layout: Layout, rows: list[Row]) -> None:
    supervisor = FakeSupervisor()
    keeper = nodes.NodeKeeper(layout, supervisor, Path("site"))
    rows.append(row("one"))
    keeper.keep()
    supervisor.running["node-one"] = "BACKOFF"

    keeper.keep()

    assert rows[0].saved == []
    assert supervisor.running["node-one"] == "BACKOFF"


def test_a_node_that_cannot_start_keeps_no_other_from_it(
    layout: Layout, rows: list[Row], caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = FakeSupervisor()
    rows += [row("keyless"), row("one")]

    with caplog.at_level(logging.WARNING):
        nodes.NodeKeeper(layout, supervisor, Path("site")).keep()

    assert set(supervisor.running) == {"node-one"}
    assert "LookupError" in caplog.text
    assert "Doe^Jane" not in caplog.text
