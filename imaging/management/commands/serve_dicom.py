"""`manage.py serve_dicom`: the DICOM door of one region, until SIGTERM."""

import signal
import ssl
import threading

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.services.door import open_door


class Command(BaseCommand):
    help = "Listen for devices that send by DICOM over TLS (infra/docs/dicom-tls.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--region", type=int, choices=settings.REGIONS, required=True)
        parser.add_argument("--host", default=settings.DICOM_BIND, help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, help="default: what COLLIMATE_DICOM_PORT_<region> says")

    def handle(self, *args: object, region: int, host: str, port: int | None, **options: object) -> None:
        if settings.EMERGENCY:
            raise CommandError("This is a read-only copy: nothing is taken in here.")
        port = settings.DICOM_PORTS[region] if port is None else port
        try:
            listener = open_door(region, host, port)
        except (OSError, ssl.SSLError) as error:
            raise CommandError(f"Cannot open the door at {host}:{port}: {error.strerror or error}") from error
        self.stdout.write(f"region {region}: DICOM over TLS at {host}:{listener.port}")
        self.stdout.flush()
        serving = threading.Thread(target=listener.serve_forever)
        serving.start()
        _await_signal()
        listener.shutdown()
        serving.join()


def _await_signal() -> None:
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    told.wait()
