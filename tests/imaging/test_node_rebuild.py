"""A node that lost everything is filled again from the vault of its region."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from imaging.models import Instance, Series
from imaging.services import steps
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import instance, take_in
from tests.imaging.regions import nodes  # noqa: F401


@pytest.fixture
def filled(northside: Tenant, bob: User, nodes: dict) -> dict:
    take_in(actor(bob), northside, {f"{number}.dcm": instance(number) for number in (1, 2, 3)})
    with tenant_scope(northside.id):
        series = Series.objects.get()
    for step in (steps.verify_seal, steps.store, steps.mirror, steps.store_mirror):
        step(northside.id, series.id)
    return nodes


@pytest.mark.parametrize("region", [1, 2])
def test_an_emptied_node_is_filled_again(filled: dict, northside: Tenant, region: int) -> None:
    node = filled[northside.id, region]
    for uid in node.list_study_uids():
        node.delete_study(uid)
    out = StringIO()

    call_command("rebuild_node", tenant="northside", region=region, json=True, stdout=out)

    assert json.loads(out.getvalue()) == {"instances": 3, "held": 3}
    with tenant_scope(northside.id):
        uids = list(Instance.objects.order_by("instance_number").values_list("sop_instance_uid", flat=True))
    assert [b"".join(node.read_instance(uid)) for uid in uids] == [instance(number) for number in (1, 2, 3)]


def test_a_node_that_is_away_is_said(filled: dict, northside: Tenant) -> None:
    filled[northside.id, 1].down = True

    with pytest.raises(CommandError, match="does not answer"):
        call_command("rebuild_node", tenant="northside", region=1)


def test_what_the_node_refuses_is_an_exit_code(filled: dict, northside: Tenant) -> None:
    with tenant_scope(northside.id):
        refused = Instance.objects.first().sop_instance_uid
    filled[northside.id, 1].refused.add(refused)

    with pytest.raises(SystemExit):
        call_command("rebuild_node", tenant="northside", region=1, stdout=StringIO())
