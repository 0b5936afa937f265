"""`manage.py verify_audit_chain`: walks every tenant's chain and names the first altered event."""

import json
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.models import AuditEvent, AuditHead
from audit.scope import tenant_scope
from audit.selectors import Alteration, find_alteration


class Command(BaseCommand):
    help = "Check every tenant's audit chain; exits non-zero and names the first altered event of each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: object, as_json: bool = False, **options: object) -> None:
        findings = {str(tenant_id): _check(tenant_id) for tenant_id in _list_chains()}
        self.stdout.write(_as_json(findings) if as_json else _as_text(findings))
        if any(alteration for _, alteration in findings.values()):
            raise CommandError("The audit trail was altered.")


def _list_chains() -> list[UUID]:
    return list(AuditHead.objects.order_by("tenant_id").values_list("tenant_id", flat=True))


def _check(tenant_id: UUID) -> tuple[int, Alteration | None]:
    with tenant_scope(tenant_id):
        return AuditEvent.objects.count(), find_alteration()


def _as_text(findings: dict[str, tuple[int, Alteration | None]]) -> str:
    lines = [
        f"{tenant_id}: {count} events, " + (f"event {found.seq} {found.problem}" if found else "unbroken")
        for tenant_id, (count, found) in findings.items()
    ]
    return "\n".join(lines or ["No events yet."])


def _as_json(findings: dict[str, tuple[int, Alteration | None]]) -> str:
    return json.dumps(
        {
            tenant_id: {"events": count, "altered": found and {"seq": found.seq, "problem": found.problem}}
            for tenant_id, (count, found) in findings.items()
        }
    )
