"""Every entrance keeps what came whole before a trick, says what was wrong, and never breaks down."""

import random
import struct

import pytest
from django.test import Client

from imaging.dicom.multipart import MalformedMultipart, iter_parts
from imaging.models import Instance
from imaging.services.bundles import MAGIC
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.hostile.payloads import DECEPTIONS, MARKUP
from tests.imaging.incoming import BOUNDARY, bundle, instance, multipart, read_back, upload
from tests.imaging.test_stow import STOW_TYPE, URL, bobs_token, store  # noqa: F401
from tests.imaging.uploading import bobs  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")
DELIMITER = f"\r\n--{BOUNDARY}".encode()
HEAD = b"\r\nContent-Type: application/dicom\r\n\r\n"
START = DELIMITER[2:] + HEAD
END = DELIMITER + b"--\r\n"
FIRST, SECOND = f"{ROOT}.1.1.1", f"{ROOT}.1.1.2"

# What follows a whole first part, in place of an orderly second one.
TRICKS = {
    "nothing": b"",
    "no end": DELIMITER,
    "half an end": DELIMITER + b"-",
    "end twice": END + END,
    "part after the end": END + START + instance(2) + END,
    "line feed only": DELIMITER + b"\n\n" + instance(2) + END,
    "carriage return only": DELIMITER + b"\r\r" + instance(2) + END,
    "spaces behind": DELIMITER + b" \t " * 50 + HEAD + END,
    "endless spaces": DELIMITER + b" " * (2 << 20),
    "letters behind": DELIMITER + b"x" + HEAD + instance(2) + END,
    "no header": DELIMITER + b"\r\n\r\n" + instance(2) + END,
    "no colon": DELIMITER + b"\r\nContent-Type\r\n\r\n" + instance(2) + END,
    "empty name": DELIMITER + b"\r\n: x\r\n\r\n" + END,
    "NUL in the header": DELIMITER + b"\r\nA\0: \0\r\n\r\n" + END,
    "huge header": DELIMITER + b"\r\nA: " + b"x" * (64 << 10) + b"\r\n\r\n" + END,
    "endless header": DELIMITER + b"\r\n" + b"A: x\r\n" * 100_000,
    "folded header": DELIMITER + b"\r\nContent-Type:\r\n application/dicom\r\n\r\n" + instance(2) + END,
    "other type": DELIMITER + b"\r\nContent-Type: text/html\r\n\r\n<script>" + END,
    "base64": DELIMITER + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBA==" + END,
    "gzip": DELIMITER + b"\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0" + END,
    "length that lies": DELIMITER + b"\r\nContent-Length: 4294967296\r\n\r\n" + instance(2) + END,
    "file name": DELIMITER + b'\r\nContent-Disposition: attachment; filename="../../x"\r\n\r\n' + END,
    "nested": DELIMITER + b"\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ny\r\n--x--" + END,
    "thousand empty parts": (DELIMITER + HEAD) * 1000 + END,
    "boundary's beginning": DELIMITER + HEAD + DELIMITER[:-1] * 1000 + END,
    "boundary with more": DELIMITER + b"x" * 80 + END,
    "noise": DELIMITER + HEAD + random.Random(3).randbytes(5000),
}
TYPES = (
    "", "multipart/related", "multipart/related; boundary=", f"multipart/related; boundary={'x' * 71}",
    "multipart/related;;;;", f"multipart/mixed; boundary={BOUNDARY}",
    f'multipart/related; type="text/html"; boundary={BOUNDARY}',
    f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}',
    'multipart/related; type="application/dicom"; boundary="\\',
    'multipart/related; type="application/dicom"; boundary*0=a; boundary*1=b',
    "multipart/related; " + "a=b; " * 5000, 'multipart/related; type="application/dicom"; boundary="a\tb"',
    f'multipart/related; type="application/dicom"; boundary=ä{BOUNDARY}', "application/dicom", "text/html",
    "multipart/", "/", ";", "multipart/related boundary=x", "a" * 9000, "multipart/related; type",
    'multipart/related; type="application/dicom"; boundary=x; boundary=y',
)  # fmt: skip


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_in_the_body_costs_no_part_before_it(name: str, bobs_token, northside: Tenant, southside) -> None:
    good = instance(1)

    answer = store(bobs_token, START + good + TRICKS[name])

    assert answer.status_code in (200, 202, 400)
    if TRICKS[name]:
        assert read_back(northside, FIRST) == good
    with tenant_scope(southside.id):
        assert not Instance.objects.exists()


def test_a_part_that_was_cut_off_is_not_kept(bobs_token, northside: Tenant) -> None:
    answer = store(bobs_token, START + instance(1) + TRICKS["nothing"])

    assert answer.status_code == 400
    with tenant_scope(northside.id):
        assert not Instance.objects.exists()


@pytest.mark.parametrize("content_type", TYPES)
def test_no_content_type_breaks_the_door(content_type: str, bobs_token) -> None:
    answer = store(bobs_token, multipart(instance(1)), content_type=content_type)

    assert answer.status_code in (400, 409, 415)


def test_the_boundary_inside_pixels_splits_only_its_own_file(bobs_token, northside: Tenant) -> None:
    pixels = (DELIMITER + HEAD).ljust(512, b"x")
    good = instance(1)

    answer = store(bobs_token, multipart(good, instance(2, PatientComments="x"), _with_pixels(3, pixels), instance(4)))

    assert answer.status_code == 202
    assert read_back(northside, FIRST) == good
    with tenant_scope(northside.id):
        assert set(Instance.objects.values_list("instance_number", flat=True)) == {1, 2, 4}


def _with_pixels(number: int, pixels: bytes) -> bytes:
    data = instance(number)
    return data[: -len(pixels)] + pixels


def test_bodies_of_noise_are_malformed_and_nothing_else() -> None:
    source = random.Random(5)
    words = [
        DELIMITER,
        END,
        HEAD,
        START,
        b"\r\n",
        b"--",
        b"\r\n\r\n",
        b"A: b",
        b"\0",
        b" ",
        instance(1)[:300],
        b"\r",
        b"\n",
    ]
    for _ in range(5000):
        body = b"".join(source.choices(words, k=source.randint(0, 12)))
        size = source.choice((1, 2, 3, 7, 64, 1 << 20))
        whole = _parts(body, 1 << 20)
        assert _parts(body, size) == whole


def _parts(body: bytes, size: int) -> list[object]:
    """The parts, read in pieces of `size`; the last entry tells how it ended."""
    pieces = iter([body[at : at + size] for at in range(0, len(body), size)])
    found: list[object] = []
    try:
        for part in iter_parts(lambda _: next(pieces, b""), STOW_TYPE):
            found.append((part.headers, b"".join(part.chunks())))
    except MalformedMultipart as malformed:
        found.append(str(malformed))
    return found


def _entry(path: bytes, data: bytes, path_length: int | None = None, size: int | None = None) -> bytes:
    lengths = len(path) if path_length is None else path_length, len(data) if size is None else size
    return struct.pack(">I", lengths[0]) + path + struct.pack(">Q", lengths[1]) + data


BUNDLES: dict[str, bytes] = {
    "long path": _entry(b"x" * 4097, b""),
    "path length that lies": _entry(b"x", b"", path_length=0xFFFFFFFF),
    "path beyond the end": _entry(b"x", b"", path_length=4000),
    "no UTF-8": _entry(b"\xff\xfe", b"data"),
    "surrogate": _entry(b"\xed\xa0\x80", b"data"),
    "size that lies": _entry(b"x", b"data", size=1 << 63),
    "size beyond the end": _entry(b"x", b"data", size=5),
    "cut in a size": _entry(b"x", b"")[:-3],
    "cut in a path": struct.pack(">I", 9) + b"x",
    "another bundle": bundle({"inner.dcm": instance(2)}),
    "noise": random.Random(4).randbytes(3000),
    "many empty files": _entry(b"e", b"") * 3000,
    "zeros": bytes(5000),
}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_trick_in_a_bundle_costs_no_file_before_it(name: str, bobs: Client, northside: Tenant, southside) -> None:
    good = instance(1)

    result = upload(bobs, bundle({"good.dcm": good}) + BUNDLES[name], kind="bundle")

    first, *others = result["files"]
    assert (first["name"], first["outcome"]) == ("good.dcm", "stored")
    assert others and all(line["outcome"] == "refused" and line["message"] for line in others)
    assert read_back(northside, FIRST) == good
    with tenant_scope(southside.id):
        assert not Instance.objects.exists()


@pytest.mark.parametrize("start", [b"", b"COLLIMATE-BUNDLE-2\n", MAGIC[:-1], MAGIC.lower(), b"PK\3\4", bytes(19)])
def test_no_bundle_is_refused_as_one(start: bytes, bobs: Client, northside: Tenant) -> None:
    result = upload(bobs, start + _entry(b"x", instance(1)), kind="bundle")

    assert [line["outcome"] for line in result["files"]] == ["refused"]
    with tenant_scope(northside.id):
        assert not Instance.objects.exists()


def test_names_of_files_are_cleaned_and_never_paths(bobs: Client, northside: Tenant) -> None:
    names = [
        name
        for name in (*MARKUP, *DECEPTIONS, "../../etc/passwd", "C:\\x", "/etc/x", "a" * 4000)
        if "\ud800" not in name
    ]
    files = {name: instance(number) for number, name in enumerate(names)}

    result = upload(bobs, bundle(files), kind="bundle")

    assert [line["outcome"] for line in result["files"]] == ["stored"] * len(files)
    shown = "".join(line["name"] for line in result["files"])
    assert shown.isprintable() and not set(shown) & set("\u202e\u200b\u2066\ufeff")


@pytest.mark.parametrize(
    "filename", ["../../x.dcm", "<script>alert(1)</script>.dcm", "a\0b", "x\r\nSet-Cookie: a=b", "\u202egpj.exe"]
)
def test_the_name_of_an_upload_is_only_shown(filename: str, bobs: Client, northside: Tenant) -> None:
    result = upload(bobs, instance(1), filename=filename)

    (line,) = result["files"]
    assert line["outcome"] == "stored" and line["name"].isprintable()


def test_a_download_is_never_something_to_open(bobs: Client, northside: Tenant) -> None:
    """Whatever hides in a file: it leaves as an attachment of its own type, which no browser guesses at."""
    page = b"<html><script>alert(1)</script>"
    upload(bobs, instance(1, PatientComments=page.decode()))
    address = f"{URL}/{ROOT}.1/series/{ROOT}.1.1/instances/{FIRST}"

    answer = bobs.get(address, headers={"Accept": "application/dicom"})

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/dicom")
    assert answer["X-Content-Type-Options"] == "nosniff"
    body = b"".join(answer.streaming_content)
    assert body[:132] == bytes(128) + b"DICM"
