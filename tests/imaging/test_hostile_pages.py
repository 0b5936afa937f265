"""Markup and deceptions in every text of a file stay text: a page with them is built like a page without."""

from html.parser import HTMLParser

import pytest
from django.test import Client

from imaging.dicom.text import clean
from imaging.selectors.worklist import PAGE_SIZE
from tenants.models import Tenant, User
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.hostile.building import EXPLICIT_LITTLE, even, meta, sound
from tests.imaging.hostile.payloads import DECEPTIONS, MARKUP
from tests.imaging.library import body_of, keep

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")
TEXTS = (
    (0x00080050, "SH"), (0x00080080, "LO"), (0x00080090, "PN"), (0x00081030, "LO"), (0x0008103E, "LO"),
    (0x00100010, "PN"), (0x00100020, "LO"), (0x00104000, "LT"), (0x00180015, "CS"), (0x00200010, "SH"),
)  # fmt: skip
PAGES = ("", "state", "history", "viewer")
HARMLESS = "Harmless"
SHOWN = tuple(text for text in MARKUP if clean(text))
UNSEEN = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b\u200c\u200d\u2060")
UNSEEN |= set("\ufeff\u00ad\0\1\x07\x08\x1b\x7f\x9b\u2028\u2029\u3164\u2800\u034f\ue000\ufffe")


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes; no text and no values."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[object] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, sorted(name for name, _ in attrs)))
        self.text += "".join(value or "" for _, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(tag)

    def handle_comment(self, data: str) -> None:
        self.parts.append(("comment", data))

    def handle_data(self, data: str) -> None:
        self.text += data


def with_text(number: int, text: str, study_date: str = "20260102") -> bytes:
    """An instance of a study of its own that says the same everywhere."""
    uid, study = f"{ROOT}.{number}.1.{number}", f"{ROOT}.{number}"
    news = [(tag, vr, even(text.encode("utf-8"))) for tag, vr in TEXTS]
    news += [(0x00080018, "UI", even(uid, b"\0")), (0x0020000D, "UI", even(study, b"\0"))]
    news += [(0x0020000E, "UI", even(f"{study}.1", b"\0")), (0x00080020, "DA", study_date.encode())]
    return bytes(sound(EXPLICIT_LITTLE, *news).but(meta=meta(EXPLICIT_LITTLE, sop_instance=uid)))


def pages_of(client: Client, number: int) -> list[Skeleton]:
    """The first page of a study, and of every fifth study the others."""
    pages = PAGES if number % 5 == 1 else PAGES[:1]
    answers = [client.get(f"/t/northside/studies/{ROOT}.{number}/{page}") for page in pages]
    assert {answer.status_code for answer in answers} == {200}
    return [Skeleton(body_of(answer).decode()) for answer in answers]


@pytest.fixture
def client_of_bob(northside: Tenant, bob: User, browser_of) -> Client:
    return browser_of(bob)


def test_markup_in_a_study_builds_nothing_on_its_pages(client_of_bob, northside: Tenant, bob: User) -> None:
    keep(northside, bob, with_text(1, HARMLESS), *(with_text(2 + at, text) for at, text in enumerate(SHOWN)))
    harmless = [skeleton.parts for skeleton in pages_of(client_of_bob, 1)]

    for number, text in enumerate(SHOWN, 2):
        for page, skeleton, expected in zip(PAGES, pages_of(client_of_bob, number), harmless, strict=False):
            assert skeleton.parts == expected, (page, text)


def test_markup_in_the_worklist_builds_nothing(northside, southside, alice: User, carol: User, browser_of) -> None:
    """A page of each practice: the one full of markup is built like the one of harmless names."""
    for start in range(0, len(SHOWN), PAGE_SIZE):
        texts = SHOWN[start : start + PAGE_SIZE]
        year = f"{2000 + start}0101"  # the latest come first, and fill the page
        keep(northside, alice, *(with_text(1000 + start + at, text, year) for at, text in enumerate(texts)))
        keep(southside, carol, *(with_text(1000 + start + at, HARMLESS, year) for at in range(len(texts))))
        ours = Skeleton(browser_of(alice).get("/t/northside/").content.decode())
        theirs = Skeleton(browser_of(carol).get("/t/southside/").content.decode())
        assert ours.parts == theirs.parts
        assert len(texts) <= theirs.text.count(HARMLESS)
        assert clean(texts[0]).split()[0] in ours.text


def test_what_deceives_is_on_no_page(client_of_bob, northside: Tenant, bob: User) -> None:
    keep(northside, bob, *(with_text(1 + at, text) for at, text in enumerate(DECEPTIONS)))

    for number in range(1, len(DECEPTIONS) + 1):
        for skeleton in pages_of(client_of_bob, number):
            assert not UNSEEN & set(skeleton.text)


def test_markup_leaves_dicomweb_as_json(client_of_bob, northside: Tenant, bob: User) -> None:
    keep(northside, bob, *(with_text(1 + at, text) for at, text in enumerate(MARKUP[:40])))

    answer = client_of_bob.get("/t/northside/dicomweb/studies", headers={"Accept": "application/dicom+json"})

    assert answer["Content-Type"].startswith("application/dicom+json")
    assert answer["X-Content-Type-Options"] == "nosniff"
