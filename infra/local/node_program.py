"""One storage node's files: Orthanc's configuration, the key its seal uses, and its section for supervisord."""

from dataclasses import dataclass, field
from pathlib import Path

from infra.local.layout import Layout
from infra.local.private_files import write_private
from infra.local.programs import Program, program_section
from infra.local.supervision import program_file
from infra.orthanc.node_config import node_environment, write_node

ORTHANC = "/usr/sbin/Orthanc"
NAME_PREFIX = "node-"
START_SECONDS = 3  # Orthanc binds its port last: what ends sooner never served, and the keeper must see it fail


@dataclass(frozen=True)
class Node:
    """What it takes to run one tenant's Orthanc in one region."""

    node_id: str
    region: int
    port: int
    username: str
    password: str = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def program_name(self) -> str:
        return f"{NAME_PREFIX}{self.node_id}"


def write_node_program(layout: Layout, node: Node, site: Path) -> Path:
    """Write all files of `node` (`site`: packages for the interpreter inside Orthanc) and return supervisord's."""
    directory = layout.node(node.region, node.node_id)
    config = write_node(
        directory, name=node.program_name, http_port=node.port, username=node.username, password=node.password
    )
    key_file = write_private(directory / "key", node.key.hex())
    program = Program(
        name=node.program_name,
        command=[ORTHANC, str(config)],
        priority=35,
        directory=directory,
        environment=node_environment(directory, site=site, key_file=key_file),
        autostart=True,
        startsecs=START_SECONDS,
        stopwaitsecs=15,
    )
    return write_private(program_file(layout, node.program_name), program_section(layout, program))


def forget_node_program(layout: Layout, name: str) -> None:
    """Remove supervisord's file of the program; the node's sealed files are not ours to delete."""
    program_file(layout, name).unlink(missing_ok=True)
