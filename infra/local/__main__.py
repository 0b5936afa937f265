"""`python -m infra.local up|down|discard`: what infra/up, infra/down and infra/test call."""

import argparse
import os
import signal
import subprocess
import sys

from infra.local.environment import HalfADatabase
from infra.local.layout import REPO, Layout, StateFolderForeign, current_layout
from infra.local.lock import alone
from infra.local.ports import PortTaken
from infra.local.postgres import PostgresFailed
from infra.local.stack import CommandFailed, NotReady, Stack, remove_state, running_stack, stop, watch
from infra.local.supervision import ProgramFailed, SupervisorFailed

_TOLD_PLAINLY = (
    CommandFailed, HalfADatabase, NotReady, PortTaken, PostgresFailed, ProgramFailed, StateFolderForeign,
    SupervisorFailed, subprocess.CalledProcessError,
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)
    layout = current_layout()
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
    with alone(layout):
        found = running_stack(layout, _say)
        stack = found or Stack(layout, options.port, _say)
        if found is None:
            stack.start()
    _summary(stack, layout, already=found is not None)
    if found is None and not options.detach:
        _stay(layout)
    return 0


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
    print(f"\nmail  {layout.mail}\nlogs  {layout.log}")
    print(f"shell . {layout.var / 'env'} && .venv/bin/python manage.py …", flush=True)


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything, print address and accounts")
    up.add_argument("--detach", action="store_true", help="return once it runs")
    up.add_argument("--port", type=int, default=8000, help="of the web address (default: %(default)s)")
    commands.add_parser("down", help="stop everything")
    commands.add_parser("discard", help="stop everything and delete the state folder")
    return parser


_COMMANDS = {"up": _up, "down": _down, "discard": _discard}

if __name__ == "__main__":
    sys.exit(main())
