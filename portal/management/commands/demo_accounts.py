"""`manage.py demo_accounts`: who can sign in to the demo, and with what."""

import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demo import list_accounts


class Command(BaseCommand):
    help = "Print the demo's accounts with passwords and TOTP seeds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: object, as_json: bool = False, **options: object) -> None:
        if not settings.DEMO:
            raise CommandError("This is not a demo: COLLIMATE_DEMO is off.")
        accounts = list_accounts()
        if as_json:
            self.stdout.write(json.dumps(accounts))
            return
        for account in accounts:
            line = "{email:<28} password {password:<18} TOTP seed {totp_seed}  ({does})"
            self.stdout.write(line.format(**account))
