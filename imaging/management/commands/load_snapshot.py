"""`manage.py load_snapshot`: loads an office copy into an empty database. `infra/up --from-snapshot` calls it."""

import json
from dataclasses import asdict
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.services.office_copy_folder import OfficeCopyRefused
from imaging.services.office_copy_loading import LoadReport, load_copy


class Command(BaseCommand):
    help = "Load the copy of a practice that manage.py snapshot made into an empty database; the copy stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", required=True, type=Path, metavar="DIR", dest="directory")
        parser.add_argument("--key", required=True, type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: object, directory: Path, key: Path, as_json: bool, **options: object) -> None:
        try:
            report = load_copy(directory, key)
        except OfficeCopyRefused as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(asdict(report), default=str) if as_json else _as_text(report))


def _as_text(report: LoadReport) -> str:
    when = f"{report.taken_at:%Y-%m-%d %H:%M} UTC"
    text = f"Loaded {report.studies} studies with {report.instances} images as of {when}."
    return text + (f" {report.missing} sealed objects are not in the copy." if report.missing else "")
