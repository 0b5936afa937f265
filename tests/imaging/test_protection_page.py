"""What the protection page says: overdue is red, counts are right, nothing is claimed that is not known."""

import json
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from imaging.models import Finding, Instance, OfficeCopy, RegionState, VaultObject
from imaging.selectors.protection import PAGE_SIZE, list_behind
from imaging.selectors.protection_state import get_protection_state
from imaging.selectors.protection_verdict import judge
from imaging.selectors.protection_words import say_age, say_count, say_duration
from imaging.services import active_region, protection
from imaging.services.backup_status import find_backup_status
from imaging.services.protection import ProtectionPage
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.protecting import add_drill, add_study

URL = "/t/northside/protection/"
NOW = timezone.now()


@pytest.fixture(autouse=True)
def terms(settings: object, tmp_path: Path) -> Path:
    """The terms that these tests are about, and where the backup's status would be."""
    settings.DRILL_DAYS, settings.SCRUB_DAYS, settings.LAG_ALARM_SECONDS = 90, 14, 900
    settings.BACKUP_STATUS_FILE = str(tmp_path / "backup.json")
    return tmp_path / "backup.json"


def show(tenant: Tenant, user: User) -> ProtectionPage:
    tenant.refresh_from_db()
    return protection.show_protection(actor(user), tenant, 1, timezone.now())


def card(client: object, name: str) -> str:
    """The HTML of one card."""
    page = client.get(URL).content.decode()
    return re.search(rf'<section class="card" aria-labelledby="{name}">.*?</section>', page, re.DOTALL).group()


def find(tenant: Tenant, kind: str = "damaged", **fields: object) -> None:
    with tenant_scope(tenant.id):
        Finding.objects.create(**{"kind": kind, "region": 2, "object_id": uuid4(), "found_at": NOW} | fields)


def write_backup(path: Path, minutes_ago: float = 3, **changes: object) -> None:
    then = (timezone.now() - timedelta(minutes=minutes_ago)).isoformat()
    part = {"until": then, "since": then, "bytes": 1, "checked_at": None, "trouble": None}
    content = {
        "version": 1, "written_at": then, "every_seconds": 300, "trouble": None, "base_at": then, "depot_bytes": 0,
        "regions": {"1": part, "2": part},
    }  # fmt: skip
    path.write_text(json.dumps(content | changes))


def test_a_new_practice_claims_nothing(northside: Tenant, alice: User, browser_of) -> None:
    page = show(northside, alice)
    html = browser_of(alice).get(URL).content.decode()

    assert (page.verdict.state, page.verdict.title) == ("none", "There are no images yet")
    assert {place.state for place in (page.picture.images, page.picture.office, page.picture.database)} == {"none"}
    assert page.estimate == "" and not page.practice.overdue
    for words in ("Never practised", "Not made yet", "Not set up on this server", "nothing to restore yet"):
        assert words in html
    assert "badge--ok" not in html and "badge--bad" not in html


def test_all_in_both_regions_is_green(northside: Tenant, alice: User) -> None:
    add_study(northside, 3)
    add_drill(northside, days_ago=2)

    page = show(northside, alice)

    assert (page.verdict.state, page.verdict.title) == ("ok", "Every image is in both regions")
    assert [region.vault_words for region in page.regions] == ["All 3 images"] * 2
    assert (page.picture.link, page.behind.rows) == ("ok", ())
    assert "Region 2: Vault: all 3; PACS: all 3" in page.picture.description


@pytest.mark.parametrize(("minutes", "state"), [(5, "warn"), (16, "bad")])
def test_what_is_behind_turns_red_after_a_quarter_of_an_hour(minutes, state, northside, alice: User) -> None:
    add_study(northside, 3, mirrored=1, received=timezone.now() - timedelta(minutes=minutes))

    page = show(northside, alice)

    assert (page.verdict.state, page.picture.link, page.lag_images) == (state, state, "2 images")
    assert [region.in_vault for region in page.regions] == [3, 1]
    assert [region.in_pacs for region in page.regions] == [3, 1]


def test_the_region_that_takes_new_images_comes_first(northside: Tenant, alice: User) -> None:
    add_study(northside, 1)
    RegionState.objects.create(id=1, active_region=2, since=NOW)
    active_region.forget()
    try:
        picture = show(northside, alice).picture
    finally:
        active_region.forget()
    assert (picture.first.title, picture.first.note) == ("Region 2", "Takes new images")
    assert (picture.second.title, picture.second.note) == ("Region 1", "Ready to take over")


def test_what_a_pacs_refuses_is_no_fault(northside: Tenant, alice: User) -> None:
    add_study(northside, 2)
    with tenant_scope(northside.id):
        first = Instance.objects.first()
        Instance.objects.filter(id=first.id).update(stored_at=None, store_refusal="0110")

    region = show(northside, alice).regions[0]

    assert (region.pacs_words, region.refused, region.pacs_state) == ("1 of 2 images", 1, "ok")


def test_a_copy_replaced_by_another_is_not_counted_as_missing(northside: Tenant, alice: User) -> None:
    add_study(northside, 2)
    with tenant_scope(northside.id):
        VaultObject.objects.update(in_2_at=None, retired_at=NOW)
    assert show(northside, alice).regions[1].in_vault == 2


@pytest.mark.parametrize(
    ("kind", "details", "said"),
    [
        ("damaged", {}, "replaced by the good copy"), ("missing", {}, "copied again"),
        ("damaged", {"stuck": True}, "No good copy"),
    ],
)  # fmt: skip
def test_an_open_finding_is_red_and_says_what_happens_next(kind, details, said, northside, alice, browser_of) -> None:
    add_study(northside, 2)
    find(northside, kind, details=details)

    page, html = show(northside, alice), card(browser_of(alice), "checked")

    assert (page.verdict.state, page.regions[1].vault_state, page.regions[0].vault_state) == ("bad", "bad", "ok")
    assert "badge--bad" in html and "findings__item" in html and said in html


def test_a_region_that_looks_empty_is_not_said_to_heal(northside: Tenant, alice: User, browser_of) -> None:
    find(northside, "missing", object_id=None)
    assert "Nothing there is touched until" in card(browser_of(alice), "checked")


def test_what_was_healed_within_30_days_is_counted(northside: Tenant, alice: User, browser_of) -> None:
    add_study(northside, 1)
    find(northside, healed_at=NOW - timedelta(days=29))
    find(northside, healed_at=NOW - timedelta(days=31))

    html = card(browser_of(alice), "checked")

    assert "1 problem solved" in html and "First check to come" in html


@pytest.mark.parametrize(
    ("days", "state", "said"), [(3, "ok", "within the last 3 days"), (16, "warn", "within the last 16 days")]
)
def test_a_reading_that_takes_too_long_is_said(days: int, state: str, said: str, northside, alice: User) -> None:
    add_study(northside, 2)
    with tenant_scope(northside.id):
        VaultObject.objects.update(scrubbed_1_at=NOW - timedelta(days=days))

    first, second = show(northside, alice).checks

    assert (first.state, said in first.text) == (state, True)
    assert (second.state, second.text) == ("none", "Not read again yet")
    assert second.new == "2 newer sealed files still to be read again"


def test_an_overdue_drill_is_red(northside: Tenant, alice: User, browser_of) -> None:
    add_study(northside, 2)
    add_drill(northside, days_ago=91)

    html = card(browser_of(alice), "practised")

    assert '<span class="badge badge--bad">Overdue</span>' in html
    assert "said--bad" in html and "Was due" in html
    assert show(northside, alice).verdict.state == "bad"


def test_a_drill_in_time_says_what_came_back_and_when_the_next_is(northside, alice: User, browser_of) -> None:
    drill = add_drill(northside, days_ago=10, rpo_seconds=125)

    html = card(browser_of(alice), "practised")

    assert "badge--ok" in html and "badge--bad" not in html and "1 minute 40 seconds" in html
    assert "7 studies, 1,204 images, 1.0 GB" in html and "Images of the last 2 minutes 5 seconds" in html
    assert f"{drill.started_at + timedelta(days=90):%-d %b %Y}" in html
    assert "Signed report" not in html


def test_a_drill_that_failed_is_red_and_gives_no_estimate(northside: Tenant, alice: User, browser_of) -> None:
    add_study(northside, 2)
    add_drill(northside, days_ago=1, passed=False, differences=2)

    html = card(browser_of(alice), "practised")

    assert "Failed" in html and "not passed: 2 differences" in html
    assert "Unknown until a drill has been passed" in card(browser_of(alice), "restore")


def test_a_drill_that_failed_is_not_called_green(northside: Tenant) -> None:
    add_study(northside, 2)
    state = get_protection_state(northside.id, NOW)
    assert judge(state, 2, drill_overdue=False, drill_failed=True).state == "bad"


@pytest.mark.parametrize(
    ("read", "said"), [(False, "The first check of every copy is to come"), (True, "checked again")]
)
def test_copies_nobody_has_read_again_are_not_called_checked(read: bool, said: str, northside, alice: User) -> None:
    add_study(northside, 2)
    if read:
        with tenant_scope(northside.id):
            VaultObject.objects.update(scrubbed_1_at=NOW, scrubbed_2_at=NOW)
    assert said in show(northside, alice).verdict.text


def test_never_practised_is_overdue_in_the_end(northside: Tenant, alice: User) -> None:
    assert not show(northside, alice).practice.overdue
    Tenant.objects.update(created_at=NOW - timedelta(days=91))
    assert show(northside, alice).practice.overdue


@pytest.mark.parametrize(("instances", "said"), [(20, "3 minutes 20 seconds"), (5, "6 minutes 40 seconds")])
def test_the_estimate_is_by_bytes_or_by_images_whichever_is_slower(instances, said, northside, alice) -> None:
    add_study(northside, 20)  # 20 MB
    add_drill(northside, days_ago=1, size=10 * 1024**2, instances=instances, rto_seconds=100)
    assert show(northside, alice).estimate == said


def test_the_office_copy_shows_its_age(northside: Tenant, alice: User, browser_of) -> None:
    with tenant_scope(northside.id):
        OfficeCopy.objects.create(finished_at=NOW - timedelta(days=3), instances=12, size=5 * 1024**2, added=1)

    html = card(browser_of(alice), "office")

    assert "3 days ago" in html and "12 images, 5.0 MB" in html
    assert show(northside, alice).picture.office.state == "ok"


@pytest.mark.parametrize(("minutes", "state"), [(3, "ok"), (16, "bad")])
def test_the_database_backup_is_red_after_three_rounds(minutes, state, terms: Path, northside, alice: User) -> None:
    write_backup(terms, minutes)

    page = show(northside, alice)

    assert (page.backup_state, page.backup_stopped) == (state, minutes == 16)


def test_one_region_in_trouble_is_said(terms: Path, northside: Tenant, alice: User, browser_of) -> None:
    write_backup(terms)
    content = json.loads(terms.read_text())
    content["regions"]["2"]["trouble"] = "away"
    terms.write_text(json.dumps(content))

    assert show(northside, alice).backup_state == "warn"
    assert "Out of reach or full" in card(browser_of(alice), "database")


ZONELESS = '{"regions": {}, "written_at": "2026-01-01T00:00:00", "every_seconds": 1}'


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", ZONELESS])
def test_an_unreadable_status_is_no_backup(text: str, terms: Path) -> None:
    terms.write_text(text)
    assert find_backup_status() is None


def test_a_round_that_never_ended_is_no_backup_yet(terms: Path, northside: Tenant, alice: User, browser_of) -> None:
    write_backup(terms, regions={})
    assert "None yet" in card(browser_of(alice), "database")


def test_the_list_is_paged_and_begins_with_what_waits_longest(northside: Tenant) -> None:
    for place in range(PAGE_SIZE + 2):
        add_study(northside, 1, mirrored=0, received=NOW - timedelta(minutes=place), patient_id=str(place))
    with tenant_scope(northside.id):
        first, second, third = (list_behind(number) for number in (1, 2, 3))

    waits = [row.since for page in (first, second) for row in page.rows]
    assert waits == sorted(waits) and len(set(waits)) == PAGE_SIZE + 2
    assert (first.has_previous, first.has_next, second.has_previous, second.has_next) == (False, True, True, False)
    assert third.rows == ()


def test_a_page_that_is_not_there_is_no_error(northside: Tenant, nora: User, browser_of) -> None:
    for number in ("0", "-1", "x", "99999", "9" * 40):
        assert browser_of(nora).get(f"{URL}?page={number}").status_code == 200


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "less than a second"), (61, "1 minute 1 second"), (3122, "52 minutes"), (3600, "1 hour"),
     (90061, "1 day 1 hour"), (259259, "3 days")],
)  # fmt: skip
def test_durations_are_said_in_two_units_at_most(seconds: int, said: str) -> None:
    assert say_duration(seconds) == said


def test_counts_and_ages_are_plain_words() -> None:
    assert (say_count(1), say_count(12345), say_count(2, "study")) == (
        "1 image",
        "12,345 images",
        "2 studies",
    )
    assert [say_age(NOW - timedelta(seconds=ago), NOW) for ago in (-5, 59, 60, 7300, 86400)] == [
        "just now", "just now", "1 minute ago", "2 hours ago", "1 day ago",
    ]  # fmt: skip
