"""Looking in emergency mode writes nothing but the trail and the session, whatever the page."""

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from tenants.models import User
from tests.architecture.test_guards import ROUTES
from tests.architecture.test_tenant_wall import Furnished, furnished  # noqa: F401  fixture
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.tenants.test_emergency_routes import open_for


def test_nothing_but_the_trail_and_the_session_changes_by_looking(
    furnished: Furnished,
    alice: User,
    settings: object,
) -> None:
    settings.EMERGENCY = True
    browser = open_for(alice)

    with CaptureQueriesContext(connection) as captured:
        answers = [browser.get(furnished.url(route)).status_code for route, pattern in ROUTES if is_of(pattern)]

    changed = re.compile(r"(?:INSERT INTO|DELETE FROM|(?<!FOR )UPDATE) \"?(\w+)")
    assert answers.count(200) > 15
    tables = {table for query in captured for table in changed.findall(query["sql"])}
    assert tables == {"audit_auditevent", "audit_audithead", "django_session"}


def is_of(pattern: URLPattern) -> bool:
    """Whether the address is a practice's own, with values that stand for something."""
    return pattern.callback.guard in ("member", "reader", "dicomweb")
