"""What the tests of resumable uploads share: Bob's browser, and what an upload left behind."""

from collections.abc import Callable

import pytest
from django.test import Client

from imaging.services.regions import get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope

URL = "/t/northside/uploads/"
VERSION = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def bobs(bob: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(bob)


def sealed_objects(tenant: Tenant) -> set:
    return set(get_vault(1).list_objects(tenant.id))


def rows(tenant: Tenant, model: type) -> list:
    with tenant_scope(tenant.id):
        return list(model.objects.all())


def offset_of(client: Client, url: str) -> str:
    return client.head(url, headers=VERSION)["Upload-Offset"]
