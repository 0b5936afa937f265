"""A practice's own system: a real HTTP server in a thread that keeps what it is sent and answers as it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from imaging.models import Event, Series, Webhook, WebhookDelivery
from imaging.services.packing import pack_series
from imaging.services.webhook_deliveries import deliver_due
from imaging.services.webhook_messages import secret_of
from imaging.services.webhooks import add_webhook
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import instance, take_in

SOON = timedelta(minutes=2)  # after which what settled a minute from now is due


@dataclass
class Receiver:
    """`answers` are the statuses of the requests to come, in turn; then 204. `seconds` it takes for each."""

    server: ThreadingHTTPServer
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def verified(self, webhook: Webhook) -> list[dict]:
        """Every message, checked with the receiver's own library."""
        verifier = Verifier(secret_of(webhook.id))
        return [verifier.verify(body, headers) for headers, body in self.requests]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.requests]


def _answering(found: Callable[[], Receiver]) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver = found()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(receiver.seconds)
            self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    return Answer


@pytest.fixture
def receiver(settings: object) -> Iterator[Receiver]:
    """A receiver on this machine, which demonstrations may call."""
    settings.DEMO = True
    made: list[Receiver] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(lambda: made[0]))
    made.append(Receiver(server))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made[0]
    server.shutdown()
    server.server_close()


def add(tenant: Tenant, owner: User, url: str, *events: str) -> Webhook:
    """A webhook that was added a day ago, told of everything unless `events` says otherwise."""
    with tenant_scope(tenant.id):
        webhook = add_webhook(actor(owner), url, list(events or Event.values), timezone.now())
        Webhook.objects.filter(id=webhook.id).update(created_at=timezone.now() - timedelta(days=1))
    return webhook


def bring_in(tenant: Tenant, sender: User, *numbers: int, series: int = 1) -> None:
    """Instances of study 1."""
    files = {f"{number}.dcm": instance(number, series=series) for number in numbers}
    take_in(actor(sender), tenant, files)


def settle(tenant: Tenant) -> datetime:
    """Pack every series as if nothing had come for a while; returns the time that was pretended."""
    now = timezone.now() + timedelta(minutes=1)
    with tenant_scope(tenant.id):
        series_ids = list(Series.objects.values_list("id", flat=True))
    for series_id in series_ids:
        pack_series(tenant.id, series_id, now)
    return now


def deliver(*tenants: Tenant, after: timedelta = timedelta()) -> int:
    """What a worker does, as if `after` had passed; the receivers' clocks stand still, so headers tell true times."""
    return deliver_due([tenant.id for tenant in tenants], timezone.now() + after)


def rows(tenant: Tenant) -> list[WebhookDelivery]:
    with tenant_scope(tenant.id):
        return list(WebhookDelivery.objects.order_by("created_at", "event"))
