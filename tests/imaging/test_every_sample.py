"""Real files come back byte for byte or are refused with a reason, and the table in infra/docs says which.

What is stored also has the metadata that `test_metadata_oracle` judges.
"""

import json
import os

import pytest
from django.test import Client

from imaging.dicom.dicom_json import to_dicom_json
from imaging.dicom.uid import validate_uid
from imaging.models import Outcome
from imaging.services.intake import Receipt
from tenants.models import Role, Tenant
from tests.cast import actor, add_person, add_tenant, sign_in
from tests.imaging.incoming import take_in
from tests.imaging.library import ANY_FILE, get_parts
from tests.imaging.samples import (
    Sample,
    Verdict,
    judge,
    list_rounds,
    list_samples,
    read_stored,
    table,
    write_stored,
)


@pytest.mark.django_db
def test_the_table_says_what_becomes_of_every_sample() -> None:
    samples = list_samples()

    verdicts = [each for number, some in enumerate(list_rounds(samples)) for each in take_round(number, some)]

    assert len(verdicts) == len(samples) > 270
    if os.environ.get("COLLIMATE_WRITE_SAMPLES"):
        write_stored(table(verdicts))
    assert read_stored() == table(verdicts)


def take_round(number: int, samples: list[Sample]) -> list[Verdict]:
    """Give the samples to a practice of their own, and fetch what it kept."""
    tenant = add_tenant(f"round-{number}", f"Round {number}")
    user = add_person(f"Bob{number}", tenant, Role.UPLOADER)
    receipts = take_in(actor(user), tenant, {each.name: each.read() for each in samples})
    client = sign_in(user)
    return [verdict(client, tenant, *pair) for pair in zip(samples, receipts, strict=True)]


def verdict(client: Client, tenant: Tenant, sample: Sample, receipt: Receipt) -> Verdict:
    assert receipt.name == sample.name
    if receipt.outcome == Outcome.REFUSED:
        assert receipt.reason and receipt.message
        return Verdict(sample, receipt.reason)
    url, original = address(tenant, receipt), sample.read()
    ((_, returned),) = get_parts(client, url, ANY_FILE)
    assert returned == original, sample.name
    assert b"".join(client.get(f"{url}/metadata")) == metadata_of(original, f"http://testserver{url}"), sample.name
    return Verdict(sample)


def metadata_of(original: bytes, url: str) -> bytes:
    """What `test_metadata_oracle` compares with pydicom, as the service sends it."""
    passed = judge(original)
    converted = to_dicom_json(passed.header, passed.transfer_syntax_uid, lambda path: f"{url}/bulkdata/{path}")
    return json.dumps([converted], ensure_ascii=False, separators=(",", ":")).encode()


def address(tenant: Tenant, receipt: Receipt) -> str:
    study, series, instance = map(
        validate_uid, (receipt.study_instance_uid, receipt.series_instance_uid, receipt.sop_instance_uid)
    )
    return f"/t/{tenant.slug}/dicomweb/studies/{study}/series/{series}/instances/{instance}"
