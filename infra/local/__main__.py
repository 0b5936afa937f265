"""`python -m infra.local up|down|discard`: what infra/up, infra/down and infra/test call."""

import argparse
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from infra.local.backup_repository import RepositoryAway, RepositoryDamaged, RepositoryKeyWrong
from infra.local.environment import HalfADatabase
from infra.local.from_snapshot import (
    AnotherCopyServed,
    SnapshotMissing,
    holds_office_state,
    office_layout,
    remove_office_state,
    serve_snapshot,
)
from infra.local.layout import REGIONS, REPO, Layout, StateFolderForeign, current_layout
from infra.local.lock import alone
from infra.local.ports import PortTaken
from infra.local.postgres import PostgresFailed
from infra.local.restore import (
    FolderInUse,
    NotAllReplayed,
    NothingToRestore,
    Wish,
    adopt_regions,
    parse_moment,
    restore,
)
from infra.local.stack import CommandFailed, NotReady, Stack, remove_state, running_stack, stop, watch
from infra.local.supervision import ProgramFailed, SupervisorFailed

_TOLD_PLAINLY = (
    AnotherCopyServed, CommandFailed, FolderInUse, HalfADatabase, NotAllReplayed, NotReady, NothingToRestore, PortTaken,
    PostgresFailed, ProgramFailed, RepositoryAway, RepositoryDamaged, RepositoryKeyWrong, SnapshotMissing,
    StateFolderForeign, SupervisorFailed, subprocess.CalledProcessError,
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _options(arguments)
    os.umask(0o077)
    layout = office_layout() if getattr(options, "from_snapshot", None) else current_layout()
    try:
        layout.prepare()
        return _COMMANDS[options.command](layout, options)
    except _TOLD_PLAINLY as error:
        print(f"infra/{options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _up(layout: Layout, options: argparse.Namespace) -> int:
    # Whatever ends us half-way takes the same road as Ctrl-C: what was started is stopped.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    if options.from_snapshot:
        serve_snapshot(layout, options.from_snapshot, options.key, options.port, _say, detach=options.detach)
        return 0
    with alone(layout):
        found = running_stack(layout, _say)
        if options.restore:
            _restore(layout, options)
        stack = found or Stack(layout, options.port, _say)
        if found is None:
            stack.start()
    _summary(stack, layout, already=found is not None)
    if found is None and not options.detach:
        _stay(layout)
    return 0


def _restore(layout: Layout, options: argparse.Namespace) -> None:
    """Put what was sealed into the empty folder, before anything starts on it."""
    if options.regions:
        adopt_regions(layout, options.regions)
    restore(layout, Wish(options.from_region, options.to_time), _say)


def _stay(layout: Layout) -> None:
    """Wait for Ctrl-C, a hang-up or the end of the supervisor; then stop everything."""
    print("Ctrl-C stops everything.", flush=True)
    try:
        watch(layout)
    except KeyboardInterrupt:
        print(flush=True)
    # A second Ctrl-C must not leave half a stack.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _down(layout, argparse.Namespace())


def _down(layout: Layout, _options: argparse.Namespace) -> int:
    _say("stopping")
    if holds_office_state(layout):
        remove_office_state(layout)
        return 0
    with alone(layout):
        _say("stopped" if stop(layout) else "nothing was running")
    return 0


def _discard(layout: Layout, _options: argparse.Namespace) -> int:
    if layout.var == REPO / "var":
        raise StateFolderForeign(f"{layout.var} is what infra/up uses, not the state of a test run.")
    remove_state(layout)
    return 0


def _summary(stack: Stack, layout: Layout, *, already: bool) -> None:
    print(f"\nCollimate {'is already running' if already else 'runs'} at {stack.address}")
    print("(after a change of code: infra/down, infra/up)\n" if already else "")
    print(stack.accounts().rstrip())
    print("\n" + "\n".join(f"dicom {line}" for line in stack.doors()))
    print(f"mail  {layout.mail}\nlogs  {layout.log}")
    print(f"shell . {layout.var / 'env'} && .venv/bin/python manage.py …", flush=True)


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "up" and not options.restore and (options.from_region or options.to_time or options.regions):
        parser.error("--from-region, --to-time and --regions belong to --restore")
    if options.command == "up" and bool(options.from_snapshot) != bool(options.key):
        parser.error("--from-snapshot and --key belong together")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything, print address and accounts")
    up.add_argument("--detach", action="store_true", help="return once it runs")
    up.add_argument("--port", type=int, default=8000, help="of the web address (default: %(default)s)")
    _add_restore_options(up.add_argument_group("restore the database into an empty COLLIMATE_VAR"))
    copy = up.add_argument_group("show an office copy, read-only (infra/docs/office-copy.md)")
    copy.add_argument("--from-snapshot", type=Path, metavar="DIR", help="the folder that manage.py snapshot filled")
    copy.add_argument("--key", type=Path, metavar="FILE", help="the key of the copy")
    commands.add_parser("down", help="stop everything")
    commands.add_parser("discard", help="stop everything and delete the state folder")
    return parser


def _add_restore_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--restore", action="store_true", help="from a region's sealed copies, then start as usual")
    group.add_argument("--from-region", type=int, choices=REGIONS, help="default: the one that knows most")
    group.add_argument("--to-time", type=_moment, metavar="ISO8601", help="as it was then (default: the newest state)")
    group.add_argument("--regions", type=Path, metavar="DIR", help="where the surviving region1/ or region2/ are")


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


_COMMANDS = {"up": _up, "down": _down, "discard": _discard}

if __name__ == "__main__":
    sys.exit(main())
