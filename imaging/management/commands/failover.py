"""`manage.py failover`: carries out the switch of regions that two people ordered in the web UI."""

import json
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from imaging.adapters.vault import VaultUnavailable
from imaging.selectors.failover import OrderRow, PracticeCopies, Serving, find_open_order, get_serving, list_practices
from imaging.services import failover
from imaging.services.reconcile import Reconciled, catch_up, reconcile_all

PASSES = 5
REFUSALS = {
    failover.NoApprovedOrder: "Not two people ordered this within 24 hours. See Regions on the vendor's pages.",
    failover.AlreadyServing: "That region serves already.",
    VaultUnavailable: "A region does not answer, so nothing was switched. With --now it is switched all the same.",
}


class Command(BaseCommand):
    help = "Serve from another region, as two people ordered; going home to region 1 reconciles both regions first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=int, choices=(1, 2), help="the region that shall serve")
        parser.add_argument("--check", action="store_true", help="report only")
        parser.add_argument("--reconcile", action="store_true", help="bring both regions to the same state; no switch")
        parser.add_argument("--now", action="store_true", help="switch without reconciling, whatever is missing")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: object, to: int | None, check: bool, reconcile: bool, **options: object) -> None:
        if not (to or check or reconcile):
            raise CommandError("Say --to 1, --to 2, --check or --reconcile.")
        try:
            self._run(to, check=check, reconcile=reconcile, **options)
        except tuple(REFUSALS) as refusal:
            raise CommandError(REFUSALS[type(refusal)]) from None
        except failover.RegionLacksObjects as refusal:
            raise CommandError(
                f"{refusal.count} objects are not in region {to} yet, so nothing was switched. Run it again, "
                f"heal with verify_vault, or use --now."
            ) from None

    def _run(self, to: int | None, *, check: bool, reconcile: bool, now: bool, as_json: bool, **_: object) -> None:
        if check:
            return self._check(to, as_json)
        if reconcile:
            return self._reconcile(as_json)
        return self._switch(to or failover.HOME, at_once=now, as_json=as_json)

    def _check(self, to: int | None, as_json: bool) -> None:
        serving = get_serving()
        target, practices = to or serving.other, list_practices()
        order = find_open_order(timezone.now())
        report = {"serving": serving.region, "order": _order(order), "missing": _missing(practices, target)}
        self._print(report, [_describe(serving), *_order_lines(order), *_missing_lines(practices, target)], as_json)
        if any(practice.missing_in(target).instances for practice in practices):
            raise CommandError(f"Region {target} lacks images.")

    def _reconcile(self, as_json: bool) -> None:
        reports = reconcile_all(timezone.now())
        self._print({"reconciled": _as_dicts(reports)}, _reconciled_lines(reports), as_json)
        if not all(report.is_clean for report in reports):
            raise CommandError("The regions differ in what cannot be copied: see above.")

    def _switch(self, to: int, *, at_once: bool, as_json: bool) -> None:
        # Before hours of copying: is it wanted at all?
        failover.get_approved_order(to, timezone.now())
        reports = [] if at_once or to != failover.HOME else _reconcile_first()
        if reports and not as_json:
            self.stdout.write("\n".join(_reconciled_lines(reports)))
        switch = failover.carry_out(to, timezone.now(), incomplete=at_once)
        mailed, failed = failover.notify_owners(switch)
        report = {
            "serving": to, "order": _order(switch.order), "missing": _missing(switch.practices, to),
            "reconciled": _as_dicts(reports), "mailed": mailed, "not_mailed": failed,
        }  # fmt: skip
        lines = [
            f"Region {to} serves now; it was region {switch.from_region} before.",
            *_order_lines(switch.order),
            *_missing_lines(switch.practices, to),
            f"Owners told by mail: {mailed} practices; not reached: {failed}.",
        ]
        self._print(report, lines, as_json)

    def _print(self, report: dict[str, object], lines: list[str], as_json: bool) -> None:
        self.stdout.write(json.dumps(report, default=str) if as_json else "\n".join(lines))


def _reconcile_first() -> list[Reconciled]:
    reports = reconcile_all(timezone.now())
    for _ in range(PASSES):  # uploads go on meanwhile: each pass leaves less
        if not catch_up(timezone.now()):
            break
    return reports


def _describe(serving: Serving) -> str:
    return f"Region {serving.region} serves" + (f" since {serving.since:%Y-%m-%d %H:%M} UTC." if serving.since else ".")


def _order(order: OrderRow | None) -> dict[str, object] | None:
    return order and asdict(order)


def _order_lines(order: OrderRow | None) -> list[str]:
    if order is None:
        return ["No order is open."]
    asked = f"Asked for by {order.requested_by}: {order.reason}"
    return [asked, f"Approved by {order.approved_by}." if order.approved_by else "Not approved by a second person yet."]


def _missing(practices: list[PracticeCopies], region: int) -> dict[str, dict[str, int]]:
    counted = {practice.slug: practice.missing_in(region) for practice in practices}
    return {slug: {"instances": row.instances, "studies": row.studies} for slug, row in counted.items()}


def _missing_lines(practices: list[PracticeCopies], region: int) -> list[str]:
    missing = [(practice.slug, practice.missing_in(region)) for practice in practices]
    lines = [
        f"{slug}: {row.instances} images of {row.studies} studies are not in region {region}."
        for slug, row in missing
        if row.instances
    ]
    return lines or [f"Region {region} has every image."]


def _reconciled_lines(reports: list[Reconciled]) -> list[str]:
    return [_reconciled_line(report) for report in reports]


def _reconciled_line(report: Reconciled) -> str:
    if report.destroyed:
        return f"{report.slug}: its keys were destroyed, nothing to do."
    return (
        f"{report.slug}: {report.copied} objects copied, {report.adopted} images adopted, "
        f"{report.conflicts} conflicts, {len(report.unreadable)} unreadable, {len(report.lost)} objects lost "
        f"({report.lost_instances} images of {report.lost_studies} studies, listed for the practice)."
    )


def _as_dicts(reports: list[Reconciled]) -> list[dict[str, object]]:
    return [asdict(report) for report in reports]
