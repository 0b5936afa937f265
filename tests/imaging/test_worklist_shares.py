"""Several studies for one recipient: a link and a code for each, and what is gone keeps nobody."""

import re

import pytest
from django.core import mail
from django.test import Client

from audit.actions import Action, Outcome
from imaging.models import ShareLink
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.incoming import instance
from tests.imaging.library import events, keep

URL = "/t/northside/worklist/shares"
ONE, TWO, GONE = f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.404"
RITA = {"recipient_name": "Rita", "recipient_email": "rita@ortho.example", "days": "7"}
pytestmark = pytest.mark.usefixtures("cheap_codes")


@pytest.fixture
def archive(northside: Tenant, bob: User) -> Tenant:
    keep(northside, bob, *(instance(1, study=n, PatientName=f"Doe{n}^Jane") for n in (1, 2, 3)))
    return northside


def test_first_the_recipient_is_asked_for(archive: Tenant, bob: User, browser_of) -> None:
    page = browser_of(bob).post(URL, {"studies": [ONE, TWO]}).content.decode()
    assert "Share 2 studies" in page
    assert "Doe1, Jane" in page and "Doe2, Jane" in page and "Doe3" not in page
    with tenant_scope(archive.id):
        assert not ShareLink.objects.exists()


def test_each_study_gets_a_link_and_a_code_of_its_own(
    archive: Tenant, bob: User, browser_of, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        page = browser_of(bob).post(URL, {"studies": [ONE, TWO, GONE], "send_mail": "on", **RITA}).content.decode()

    codes, links = re.findall(r'id="code-\d+">(\d{6})<', page), re.findall(r"/s/[\w-]{40,}", page)
    assert len(codes) == 2
    assert len(set(links)) == 2
    assert "1 study is not there any more" in page
    assert len(mail.outbox) == 2
    assert not any(code in message.body for code in codes for message in mail.outbox)
    assert {event.study_instance_uid for event in events(archive, Action.SHARE_CREATED)} == {ONE, TWO}


def test_what_was_filled_in_wrongly_is_asked_again(archive: Tenant, bob: User, browser_of) -> None:
    page = browser_of(bob).post(URL, {"studies": [ONE], **RITA, "recipient_email": "nowhere"}).content.decode()
    assert "valid email" in page
    assert f'name="studies" value="{ONE}"' in page


def test_there_is_an_end_to_how_many(archive: Tenant, bob: User, browser_of) -> None:
    for studies in ([], [f"1.2.{n}" for n in range(21)], ["x"]):
        assert browser_of(bob).post(URL, {"studies": studies, **RITA}).status_code == 302
    with tenant_scope(archive.id):
        assert not ShareLink.objects.exists()


def test_without_an_agreement_nothing_leaves(archive: Tenant, bob: User, browser_of) -> None:
    Agreement.objects.update(status=Status.TERMINATED)
    assert browser_of(bob).post(URL, {"studies": [ONE], **RITA}).status_code == 403
    with tenant_scope(archive.id):
        assert not ShareLink.objects.exists()
    assert [event.outcome for event in events(archive, Action.GATE_REFUSED)] == [Outcome.DENIED]


def test_viewers_another_practice_and_strangers_share_nothing(archive, nora, carol: User, browser_of) -> None:
    assert browser_of(nora).post(URL, {"studies": [ONE], **RITA}).status_code == 404
    assert browser_of(carol).post(URL, {"studies": [ONE], **RITA}).status_code == 404
    assert Client().post(URL, {"studies": [ONE], **RITA}).status_code == 401
    with tenant_scope(archive.id):
        assert not ShareLink.objects.exists()
