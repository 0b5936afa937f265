"""`manage.py snapshot`: brings the sealed copy of one practice on a local disk up to date."""

import json
from dataclasses import asdict
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.actor import SYSTEM
from imaging.adapters.vault import VaultUnavailable
from imaging.services.office_copy import CopyReport, Wishes, make_copy
from imaging.services.office_copy_folder import OfficeCopyRefused
from tenants.selectors import find_tenant


class Command(BaseCommand):
    help = "Make or update the sealed local copy of a practice; serve it with infra/up --from-snapshot."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="a folder for this copy alone")
        parser.add_argument(
            "--key", required=True, type=Path, metavar="FILE", help="made at the first run; keep it on another medium"
        )
        parser.add_argument("--allow-removal", action="store_true", help="even if much of the copy would go")
        parser.add_argument(
            "--read-all", action="store_true", help="read the whole copy through, not a thirtieth of it"
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(
        self, *args: object, tenant: str, to: Path, key: Path, allow_removal: bool, read_all: bool, as_json: bool,
        **options: object,
    ) -> None:  # fmt: skip
        practice = find_tenant(tenant)
        if practice is None:
            raise CommandError(f"There is no practice {tenant}.")
        try:
            report = make_copy(SYSTEM, practice.id, to, key, timezone.now(), Wishes(allow_removal, read_all))
        except (OfficeCopyRefused, VaultUnavailable) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(asdict(report), default=str) if as_json else _as_text(report, to, key))
        if report.missing:
            raise CommandError(
                f"{report.missing} sealed objects could be read in neither region and are not in the copy. "
                "Run manage.py verify_vault, then this again."
            )


def _as_text(report: CopyReport, to: Path, key: Path) -> str:
    lines = [
        f"The copy in {to} is as of {report.taken_at:%Y-%m-%d %H:%M} UTC.",
        f"{report.studies} studies, {report.instances} images",
        f"{report.size / 1e9:.2f} GB in {report.objects} sealed objects",
        f"added {report.added}, replaced {report.healed} damaged, removed {report.removed}",
    ]
    if report.key_on_same_disk:
        lines.append(f"The key {key} lies on the same disk as the copy: move it to another medium.")
    return "\n".join(lines)
