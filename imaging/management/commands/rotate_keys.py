"""`manage.py rotate_keys`: rotates practices' keys, goes on with what was broken off, and destroys what two ordered."""

import json
from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from imaging.adapters.keys import KeyDestroyed, KeyUnknown
from imaging.adapters.vault import VaultUnavailable
from imaging.crypto.layout import SealBroken
from imaging.services import key_destruction, key_rotation
from imaging.services.key_locks import KeysBusy
from imaging.services.originals import DigestDiffers
from imaging.services.rewrapping import RegionAway
from imaging.services.sealed import NoCopyReadable
from tenants.models import Tenant
from tenants.selectors import find_tenant, list_tenants

Outcome = dict[str, object]
_REFUSALS: dict[type[Exception], str] = {
    KeysBusy: "another process is at this practice's keys; try again when it has ended",
    KeyUnknown: "the key service does not hold this practice's key; see infra/docs/keys.md",
    SealBroken: "the keyring's record is damaged or was wrapped by another master; restore it",
    NoCopyReadable: "an object could not be sealed anew, no region can read it; run verify_vault, then this again",
    DigestDiffers: "an object could not be sealed anew, it is not what came in; run verify_vault, then this again",
    VaultUnavailable: "a region is out of service; run this again when it is back",
    key_destruction.NotApproved: "two people must order it on the vendor's page of keys first",
    key_destruction.StillReadable: "an object still opens: nothing was noted as destroyed; look into the key service",
}
_SPEAKING = (RegionAway, key_rotation.OldVersionsNeeded, key_destruction.DestructionRefused)


class Command(BaseCommand):
    help = (
        "Give practices a new version of their key and wrap every data key with it, without reading an image. "
        "May be killed and run again at any time. Exits non-zero if anything is left to do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--tenant", metavar="SLUG")
        whom.add_argument("--all", action="store_true")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--due", action="store_true", help="only keys older than 12 months or with 2^30 wraps")
        what.add_argument("--compromised", action="store_true", help="also seal every object anew; takes long")
        what.add_argument(
            "--destroy-old", action="store_true",
            help="destroy versions that wrap nothing in either region any more. Older office copies and backups of a "
            "vault or database still need them and open no more",
        )  # fmt: skip
        what.add_argument("--destroy", action="store_true", help="destroy the keys for ever, as two people ordered")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: object, **options: object) -> None:
        if options["destroy"] and options["all"]:
            raise CommandError("--destroy takes one practice: name it with --tenant.")
        act = _choose(options)
        outcomes = [_try(act, tenant) for tenant in _list_chosen(str(options["tenant"] or ""))]
        self.stdout.write(json.dumps(outcomes) if options["as_json"] else "\n".join(map(_as_text, outcomes)))
        if any(outcome["error"] for outcome in outcomes):
            raise CommandError("Not everything is done. Run the same command again.")


def _choose(options: dict[str, object]) -> Callable[[Tenant], Outcome]:
    if options["destroy"]:
        return _destroy
    if options["destroy_old"]:
        return _destroy_old
    if options["due"]:
        return _rotate_if_due
    return _rotate_compromised if options["compromised"] else _rotate


def _list_chosen(slug: str) -> list[Tenant]:
    if not slug:
        return list(list_tenants())
    tenant = find_tenant(slug)
    if tenant is None:
        raise CommandError(f"There is no practice {slug}.")
    return [tenant]


def _try(act: Callable[[Tenant], Outcome], tenant: Tenant) -> Outcome:
    """What `act` did for the practice; one that fails keeps no other waiting."""
    outcome: Outcome = {"tenant": tenant.slug, "did": "", "error": ""}
    try:
        return outcome | act(tenant)
    except key_rotation.NoKeyYet:
        return outcome | {"did": "nothing: it has no key yet"}
    except KeyDestroyed:
        return outcome | {"did": "nothing: its keys were destroyed"}
    except _SPEAKING as refusal:
        return outcome | {"error": str(refusal)}
    except tuple(_REFUSALS) as refusal:
        return outcome | {"error": next(text for kind, text in _REFUSALS.items() if isinstance(refusal, kind))}


def _rotate(tenant: Tenant) -> Outcome:
    return _describe(key_rotation.rotate(tenant.id, key_rotation.Reason.SCHEDULED, timezone.now()))


def _rotate_compromised(tenant: Tenant) -> Outcome:
    return _describe(key_rotation.rotate(tenant.id, key_rotation.Reason.COMPROMISED, timezone.now()))


def _rotate_if_due(tenant: Tenant) -> Outcome:
    report = key_rotation.rotate_if_due(tenant.id, timezone.now())
    return {"did": "nothing: not due"} if report is None else _describe(report)


def _describe(report: key_rotation.RotationReport) -> Outcome:
    did = f"{report.rewrapped} data keys wrapped by version {report.key_id}"
    if report.resealed:
        did += f", {report.resealed} objects sealed anew"
    error = ""
    if report.unreadable:
        error = f"{report.unreadable} data keys are damaged; run verify_vault to heal them, then this again"
    counts = {"rewrapped": report.rewrapped, "resealed": report.resealed, "unreadable": report.unreadable}
    return {"did": did, "error": error, "key_id": str(report.key_id), "finished": report.finished} | counts


def _destroy_old(tenant: Tenant) -> Outcome:
    key_ids = [str(key_id) for key_id in key_rotation.destroy_old_versions(tenant.id, timezone.now())]
    did = f"{len(key_ids)} old versions destroyed; office copies and backups sealed under them open no more"
    return {"did": did if key_ids else "nothing: there are no old versions", "key_ids": key_ids}


def _destroy(tenant: Tenant) -> Outcome:
    done = key_destruction.carry_out(tenant.id, timezone.now())
    did = (
        f"{len(done.key_ids)} versions destroyed, {done.object_count} objects unreadable for good, "
        f"SHA-256 of their ids {done.objects_digest.hex()}"
    )
    return {"did": did, "key_ids": done.key_ids, "objects": done.object_count, "verified": done.verified}


def _as_text(outcome: Outcome) -> str:
    said = "; ".join(str(outcome[field]) for field in ("did", "error") if outcome[field])
    return f"{outcome['tenant']}: {said}"
