"""`manage.py load_demo`: the demo practices, cast and studies. Refuses outside demo mode."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo import load_demo


class Command(BaseCommand):
    help = "Create the demo practices, their people and studies, as far as they are missing."

    def handle(self, *args: object, **options: object) -> None:
        if not settings.DEMO:
            raise CommandError("This is not a demo: COLLIMATE_DEMO is off.")
        load_demo()
