"""`manage.py verify_vault`: reads every sealed object of both regions now, and heals what is faulty."""

import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from imaging.services.verification import FaultyCopy, Unnamed, Verification, verify_region
from tenants.models import Tenant
from tenants.selectors import find_tenant, list_tenants

_REASONS = {
    "": "",
    "unavailable": "The vault did not answer: nothing more was read. Try again when it does.",
    "keys-destroyed": "The practice's keys were destroyed: its objects are unreadable for good.",
    "region-looks-empty": (
        "The region looks empty: check the mount. Nothing was healed. If its objects are really lost, run "
        "`manage.py verify_vault --refill`."
    ),
}
_STUCK = "no region has a good copy; restore it from a backup or an office copy"


class Command(BaseCommand):
    help = "Read every sealed object now and heal faulty copies; exits non-zero on any finding, healed or not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG")
        parser.add_argument("--region", type=int, choices=settings.REGIONS)
        parser.add_argument("--no-heal", action="store_true", help="report only")
        parser.add_argument("--refill", action="store_true", help="heal even a region that has lost its objects")
        parser.add_argument("--list-unnamed", action="store_true", help="name the objects that no row names")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: object, **options: object) -> None:
        regions = (options["region"],) if options["region"] else settings.REGIONS
        heal, refill = not options["no_heal"], bool(options["refill"])
        done = [
            (tenant.slug, verify_region(tenant.id, region, timezone.now(), heal=heal, refill=refill))
            for tenant in _list_chosen(str(options["tenant"] or ""))
            for region in regions
        ]
        say = _as_json if options["as_json"] else _as_text
        self.stdout.write(say(done, bool(options["list_unnamed"])))
        if not all(verification.is_clean for _, verification in done):
            raise CommandError("Not every copy is as it should be.")


def _list_chosen(slug: str) -> list[Tenant]:
    if not slug:
        return list(list_tenants())
    tenant = find_tenant(slug)
    if tenant is None:
        raise CommandError(f"There is no practice {slug}.")
    return [tenant]


def _as_text(done: list[tuple[str, Verification]], list_unnamed: bool) -> str:
    lines: list[str] = []
    for slug, verification in done:
        report, unnamed = verification.report, verification.unnamed
        lines.append(
            f"{slug}, region {report.region}: {report.checked} objects read ({report.size} bytes), "
            f"{report.found} faulty, {sum(copy.healed for copy in verification.faulty)} healed, "
            f"{len(unnamed)} that no row names"
        )
        lines += [f"  {_reason(report.stopped)}"] if report.stopped else []
        lines += [f"  {_say(copy)}" for copy in verification.faulty]
        lines += [f"  object {object_id}: the vault failed to read it" for object_id in report.unreadable]
        lines += [f"  no row names {_say_unnamed(each)}" for each in unnamed if list_unnamed]
    return "\n".join(lines or ["No practices yet."])


def _as_json(done: list[tuple[str, Verification]], list_unnamed: bool) -> str:
    return json.dumps([_to_json(slug, verification, list_unnamed) for slug, verification in done])


def _to_json(slug: str, verification: Verification, list_unnamed: bool) -> dict[str, object]:
    report = verification.report
    described: dict[str, object] = {
        "tenant": slug, "region": report.region, "checked": report.checked, "bytes": report.size,
        "healed": sum(copy.healed for copy in verification.faulty), "stopped": report.stopped,
        "unreadable": [str(object_id) for object_id in report.unreadable], "unnamed": len(verification.unnamed),
        "faulty": [vars(copy) | {"object_id": str(copy.object_id)} for copy in verification.faulty],
    }  # fmt: skip
    if list_unnamed:
        described["unnamed_objects"] = [
            {"object_id": str(each.object_id), "readable": each.readable} for each in verification.unnamed
        ]
    return described


def _say(copy: FaultyCopy) -> str:
    fate = "healed" if copy.healed else _STUCK if copy.stuck else "not healed"
    return f"{copy.object_kind} {copy.object_id} of study {copy.study[:16]}: {copy.kind} ({copy.why}), {fate}"


def _say_unnamed(each: Unnamed) -> str:
    return f"{each.object_id}" + ("" if each.readable else " (its key is gone: purged)")


def _reason(stopped: str) -> str:
    return _REASONS.get(stopped, stopped)
