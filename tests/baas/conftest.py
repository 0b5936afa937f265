"""Ground of these tests: cheap password digests, and one moment that is now."""

from datetime import datetime

import pytest
from django.utils import timezone


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def moment() -> datetime:
    return timezone.now()
