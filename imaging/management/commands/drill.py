"""`manage.py drill`: tries a restore of one practice from one region, and exits non-zero when anything differs."""

import getpass
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.actor import Actor, ActorKind
from imaging.models import Drill
from imaging.selectors.drills import next_drill_due
from imaging.services.drill import RANDOM_STUDIES, run_drill
from imaging.services.drill_compare import Difference
from imaging.services.drill_report import read_report, say_seconds, say_size
from tenants.selectors import find_tenant


class Command(BaseCommand):
    help = "Restore a sample of a practice into a scratch database and Orthanc, compare, and write a signed report."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--studies", type=int, default=RANDOM_STUDIES, metavar="N", help="how many at random")
        parser.add_argument("--from", type=int, default=2, choices=(1, 2), dest="region", help="the region to restore")
        parser.add_argument("--seed", type=int, help="of an earlier report: the same studies again")
        parser.add_argument("--pdf", type=Path, metavar="FILE", help="where to write the signed report too")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: object, **options: object) -> None:
        tenant = find_tenant(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no practice {options['tenant']}.")
        if options["studies"] < 0:
            raise CommandError("--studies must not be negative.")
        found: list[Difference] = []
        with _leaving_on_terminate():
            drill = run_drill(
                tenant.id, timezone.now(), actor=_operator(), random_studies=options["studies"],
                source_region=options["region"], seed=options["seed"], on_difference=found.append,
            )  # fmt: skip
        if options["pdf"]:
            options["pdf"].write_bytes(read_report(drill) or b"")
        self.stdout.write(_as_json(drill, found) if options["as_json"] else _as_text(drill, found))
        if not drill.passed:
            raise CommandError("The drill failed.")


@contextmanager
def _leaving_on_terminate() -> Iterator[None]:
    """What is scratch is removed on the way out, which Python's own answer to the signal would not take."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _operator() -> Actor:
    return Actor(ActorKind.SYSTEM, label=f"{getpass.getuser()} at the command line")


def _as_text(drill: Drill, found: list[Difference]) -> str:
    return "\n".join([
        f"Restored {drill.studies} studies, {drill.instances} images, {say_size(drill.size)}.",
        f"RPO {say_seconds(drill.rpo_seconds)}, RTO {say_seconds(drill.rto_seconds)}.",
        *(f"Instance {difference.instance_id}: not so: {difference.check.value}" for difference in found),
        f"{drill.differences} differences: {'passed' if drill.passed else 'FAILED'}.",
        f"Next drill due on {next_drill_due(drill.tenant_id):%Y-%m-%d}.",
    ])  # fmt: skip


def _as_json(drill: Drill, found: list[Difference]) -> str:
    return json.dumps({
        "drill": str(drill.id), "passed": drill.passed, "studies": drill.studies, "instances": drill.instances,
        "size": drill.size, "rpo_seconds": drill.rpo_seconds, "rto_seconds": drill.rto_seconds,
        "differences": [{"instance": str(each.instance_id), "check": each.check.name.lower()} for each in found],
        "report": str(drill.report), "next_due": next_drill_due(drill.tenant_id).isoformat(),
    })  # fmt: skip
