"""A program that calls the REST API: tokens of the cast, and requests with them."""

import datetime as dt
import json
from dataclasses import dataclass

from django.test import Client
from django.utils import timezone

from imaging.models import AccessToken
from imaging.services.tokens import issue_token
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT

ROOT_URL = "/api/v1"
UID = f"{ROOT}.1"
STUDY = f"/studies/{UID}"
ALL = tuple(AccessToken.Scope.values)
RITA = {"recipient_name": "Rita Ross", "recipient_email": "rita@ortho.example"}


@dataclass(frozen=True)
class Program:
    """A caller with a bearer token; paths are below `/api/v1`."""

    secret: str

    def get(self, path: str, **parameters: object):
        return self.ask("get", path, parameters)

    def post(self, path: str, body: object = None):
        return self.ask("post", path, json.dumps(body or {}), content_type="application/json")

    def delete(self, path: str):
        return self.ask("delete", path)

    def ask(self, method: str, path: str, *arguments: object, **options: object):
        headers = {"Authorization": f"Bearer {self.secret}"} | options.pop("headers", {})
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        return getattr(client, method)(ROOT_URL + path, *arguments, headers=headers, **options)


def give_token(tenant: Tenant, user: User, *scopes: str, days: int = 1) -> str:
    """A token's secret."""
    now = timezone.now()
    with tenant_scope(tenant.id):
        return issue_token(actor(user), user, list(scopes), now + dt.timedelta(days=days), now, "tests")


def program(user: User, *scopes: str) -> Program:
    """A program with a fresh token of the member, with every scope when none is named."""
    return Program(give_token(user.memberships.get().tenant, user, *(scopes or ALL)))


def problem(answer: object) -> tuple[int, str]:
    """Status and code of a problem."""
    assert answer["Content-Type"] == "application/problem+json", (answer.status_code, answer.content[:300])
    told = answer.json()
    assert told["status"] == answer.status_code
    return told["status"], told["code"]
