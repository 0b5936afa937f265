"""Crypto-shredding: two people, no hold, no agreement; then nothing of the practice opens in either region."""

import hashlib
import json
import shutil
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.keys import FileKeyring, KeyDestroyed
from imaging.adapters.vault import Vault, VaultUnavailable
from imaging.models import KeyDestruction, Study
from imaging.selectors.keys import get_certificate
from imaging.services import key_destruction
from imaging.services.key_destruction import (
    DestructionRefused,
    NotApproved,
    NotTheSecondPerson,
    OrderClosed,
    OrderPending,
    StillReadable,
    approve_destruction,
    carry_out,
    request_destruction,
    withdraw_destruction,
)
from imaging.services.regions import get_keyring, get_vault
from imaging.services.rewrapping import RegionAway
from imaging.services.vendor_admins import NotVendorAdmin
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant
from tests.imaging.key_vaults import Sealed, list_unreadable, seal_in_both

NOW = timezone.now()


@pytest.fixture
def practice(empty_vaults: None, db: None) -> Tenant:
    """One whose agreement is over."""
    return add_tenant("westside", "Westside Orthopaedics", agreed=False)


@pytest.fixture
def sealed(practice: Tenant) -> Sealed:
    return seal_in_both(practice.id, 5)


@pytest.fixture
def victor(db: None) -> User:
    """The vendor's second administrator."""
    return add_person("Victor", None, is_vendor_admin=True)


@pytest.fixture
def approved(practice: Tenant, vera: User, victor: User) -> KeyDestruction:
    order = request_destruction(actor(vera), practice.id, "The practice has closed.", NOW)
    approve_destruction(actor(victor), practice.id, order.id, NOW)
    return order


def hold_a_study(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Study.objects.create(study_instance_uid="1.2.3", received_at=NOW, last_received_at=NOW, held_at=NOW)


def agree(tenant: Tenant) -> None:
    today = timezone.localdate()
    Agreement.objects.create(
        tenant=tenant, status=Status.EXECUTED, effective_on=today, expires_on=today + timedelta(days=9),
        practice_signer="A", vendor_signer="V", executed_at=NOW,
    )  # fmt: skip


def order_of(tenant: Tenant) -> KeyDestruction:
    with tenant_scope(tenant.id):
        return KeyDestruction.objects.get()


def events(tenant: Tenant) -> list[tuple[str, str]]:
    with tenant_scope(tenant.id):
        rows = AuditEvent.objects.filter(action__startswith="key.").order_by("seq")
        return [(row.action, row.actor_label) for row in rows]


def test_nothing_opens_any_more_in_either_region(practice: Tenant, sealed: Sealed, approved: KeyDestruction) -> None:
    neighbour = add_tenant("southside", "Southside")
    kept = seal_in_both(neighbour.id, 2)

    done = carry_out(practice.id, NOW)

    assert len(list_unreadable(practice.id, sealed)) == 10
    assert list_unreadable(neighbour.id, kept) == []
    lines = "".join(f"{object_id}\n" for object_id in sorted(map(str, sealed)))
    assert (done.object_count, done.objects_digest) == (5, hashlib.sha256(lines.encode()).digest())
    assert len(done.key_ids) == 1
    row = order_of(practice)
    assert row.carried_out_at
    assert (row.key_ids, row.object_count, bytes(row.objects_digest)) == (done.key_ids, 5, done.objects_digest)
    for region in (1, 2):
        with pytest.raises(KeyDestroyed):
            get_keyring(region).create_tenant_key(practice.id)
        with pytest.raises(KeyDestroyed):
            get_keyring(region).node_key(practice.id)


def test_the_certificate_tells_who_what_how_and_that_it_was_tried(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction
) -> None:
    carry_out(practice.id, NOW)

    with tenant_scope(practice.id):
        certificate = get_certificate(approved.id)

    assert (certificate.order.requested_by, certificate.order.approved_by) == ("Vera", "Victor")
    assert certificate.masters == ["file", "file"]
    assert [region for region, _ in certificate.verified] == [1, 2]
    assert {object_id for _, object_id in certificate.verified} <= {str(each) for each in sealed}


def test_the_trail_names_both_people_and_the_end(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, vera: User, victor: User
) -> None:
    carry_out(practice.id, NOW)

    assert events(practice) == [
        (Action.KEY_DESTRUCTION_REQUESTED, vera.email),
        (Action.KEY_DESTRUCTION_REQUESTED, victor.email),
        (Action.KEYS_DESTROYED, "Collimate"),
    ]


def test_one_person_is_not_enough(practice: Tenant, sealed: Sealed, vera: User) -> None:
    order = request_destruction(actor(vera), practice.id, "The practice has closed.", NOW)

    with pytest.raises(NotTheSecondPerson):
        approve_destruction(actor(vera), practice.id, order.id, NOW)
    with pytest.raises(NotApproved):
        carry_out(practice.id, NOW)
    with pytest.raises(IntegrityError), transaction.atomic(), tenant_scope(practice.id):
        KeyDestruction.objects.filter(id=order.id).update(approved_by=vera)
    assert list_unreadable(practice.id, sealed) == []


def test_a_withdrawn_order_is_not_carried_out(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, vera: User, victor: User
) -> None:
    withdraw_destruction(actor(vera), practice.id, approved.id, NOW)

    with pytest.raises(NotApproved):
        carry_out(practice.id, NOW)
    for act in (withdraw_destruction, approve_destruction):
        with pytest.raises(OrderClosed):
            act(actor(victor), practice.id, approved.id, NOW)
    assert list_unreadable(practice.id, sealed) == []
    assert events(practice)[-1] == (Action.KEY_DESTRUCTION_WITHDRAWN, vera.email)


def test_there_is_one_order_at_a_time(practice: Tenant, approved: KeyDestruction, vera: User, victor: User) -> None:
    with pytest.raises(OrderPending):
        request_destruction(actor(vera), practice.id, "The practice has closed.", NOW)
    with pytest.raises(OrderClosed):
        approve_destruction(actor(victor), practice.id, approved.id, NOW)


def test_only_administrators_of_the_vendor_decide(practice: Tenant, vera: User, alice: User, eve: User) -> None:
    order = request_destruction(actor(vera), practice.id, "The practice has closed.", NOW)

    for person in (alice, eve):
        with pytest.raises(NotVendorAdmin):
            request_destruction(actor(person), practice.id, "The practice has closed.", NOW)
        with pytest.raises(NotVendorAdmin):
            approve_destruction(actor(person), practice.id, order.id, NOW)
        with pytest.raises(NotVendorAdmin):
            withdraw_destruction(actor(person), practice.id, order.id, NOW)


@pytest.mark.parametrize(("hinder", "why"), [(hold_a_study, "hold"), (agree, "agreement")])
def test_a_hold_or_an_agreement_refuses_it_at_every_step(
    practice: Tenant, sealed: Sealed, vera: User, victor: User, hinder, why: str
) -> None:
    other = add_tenant("eastside", "Eastside", agreed=False)
    order = request_destruction(actor(vera), practice.id, "The practice has closed.", NOW)
    hinder(practice)
    hinder(other) if hinder is agree else None

    with pytest.raises(DestructionRefused, match=why):
        approve_destruction(actor(victor), practice.id, order.id, NOW)
    with pytest.raises(DestructionRefused, match=why):
        request_destruction(actor(vera), practice.id, "The practice has closed.", NOW)
    with tenant_scope(practice.id):
        KeyDestruction.objects.filter(id=order.id).update(approved_by=victor, approved_at=NOW)
    with pytest.raises(DestructionRefused, match=why):
        carry_out(practice.id, NOW)
    assert list_unreadable(practice.id, sealed) == []


def test_a_region_that_is_away_leaves_it_unfinished_and_the_other_destroyed(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, monkeypatch: pytest.MonkeyPatch
) -> None:
    destroy, ring = FileKeyring.destroy_tenant_key, get_keyring(2)
    with monkeypatch.context() as patch:
        patch.setattr(
            FileKeyring, "destroy_tenant_key", lambda self, tenant_id: _away(self is ring) or destroy(self, tenant_id)
        )
        with pytest.raises(RegionAway, match="region 2"):
            carry_out(practice.id, NOW)

    assert order_of(practice).carried_out_at is None
    assert {region for region, _ in list_unreadable(practice.id, sealed)} == {1}
    assert carry_out(practice.id, NOW).object_count == 5
    assert len(list_unreadable(practice.id, sealed)) == 10


def _away(is_away: bool) -> None:
    if is_away:
        raise OSError("away")


def test_a_vault_that_is_away_leaves_the_record_for_later(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Vault.list_objects

    def fail(vault: Vault, tenant_id):
        if vault.region == 2:
            raise VaultUnavailable("away")
        return listed(vault, tenant_id)

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "list_objects", fail)
        with pytest.raises(RegionAway):
            carry_out(practice.id, NOW)

    assert order_of(practice).carried_out_at is None
    assert carry_out(practice.id, NOW).object_count == 5


def test_a_keyring_that_is_not_mounted_is_not_taken_for_destroyed(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, tmp_path
) -> None:
    keys = settings.VAULT_KEYS[2]
    shutil.move(keys, tmp_path / "unmounted")

    with pytest.raises(RegionAway, match="region 2"):
        carry_out(practice.id, NOW)

    shutil.rmtree(keys, ignore_errors=True)
    shutil.move(tmp_path / "unmounted", keys)
    assert {region for region, _ in list_unreadable(practice.id, sealed)} == {1}
    carry_out(practice.id, NOW)
    assert len(list_unreadable(practice.id, sealed)) == 10


def test_an_object_that_still_opens_is_never_certified(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileKeyring, "destroy_tenant_key", lambda *_: None)

    with pytest.raises(StillReadable):
        carry_out(practice.id, NOW)
    assert order_of(practice).carried_out_at is None


def test_an_object_is_tried_even_where_the_keyring_refuses(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileKeyring, "destroy_tenant_key", lambda *_: None)
    monkeypatch.setattr(FileKeyring, "new_data_key", lambda *_: (_ for _ in ()).throw(KeyDestroyed()))

    with pytest.raises(StillReadable, match="object"):
        carry_out(practice.id, NOW)


def test_objects_of_either_region_count(practice: Tenant, sealed: Sealed, approved: KeyDestruction) -> None:
    only_1, only_2, *_ = sealed
    get_vault(2).delete(practice.id, only_1)
    get_vault(1).delete(practice.id, only_2)

    assert carry_out(practice.id, NOW).object_count == 5


def test_a_practice_that_never_had_an_image_can_be_ended(practice: Tenant, vera: User, victor: User) -> None:
    order = request_destruction(actor(vera), practice.id, "Opened by mistake.", NOW)
    approve_destruction(actor(victor), practice.id, order.id, NOW)

    done = carry_out(practice.id, NOW)

    assert (done.object_count, done.key_ids, done.verified) == (0, [], ["", ""])


# --- The command ------------------------------------------------------------------------------------------------


def test_the_command_carries_it_out(practice: Tenant, sealed: Sealed, approved: KeyDestruction) -> None:
    out = StringIO()

    call_command("rotate_keys", "--destroy", "--tenant", "westside", "--json", stdout=out)

    assert json.loads(out.getvalue())[0]["objects"] == 5
    assert order_of(practice).carried_out_at


def test_the_command_wants_two_people_and_one_practice(practice: Tenant, sealed: Sealed) -> None:
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("rotate_keys", "--destroy", "--tenant", "westside", stdout=out)
    assert "two people" in out.getvalue()
    with pytest.raises(CommandError, match="one practice"):
        call_command("rotate_keys", "--destroy", "--all")
    assert list_unreadable(practice.id, sealed) == []


def test_the_trial_is_of_an_object_whose_key_is_there(
    practice: Tenant, sealed: Sealed, approved: KeyDestruction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_destruction, "_TRIALS", 500)
    *purged, alone = sealed
    for object_id in purged:
        get_vault(1).destroy_key(practice.id, object_id)

    assert carry_out(practice.id, NOW).verified[0] == str(alone)
