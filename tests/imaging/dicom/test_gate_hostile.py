"""The gate refuses, with the right reason, cheaply, and with nothing but Refused."""

import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.dicom.gate import Gate, Limits, Refused
from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE
from tests.imaging.dicom import hostile
from tests.imaging.dicom.hostile import (
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    element,
    item,
    tiny_instance,
    with_elements,
)
from tests.imaging.dicom.test_gate import code_of, judge

ITEM_IN_DEFINED = element(0x0040, 0xA730, "SQ", item(ITEM_END))
META = tiny_instance()[: hostile._meta_end(tiny_instance())]


def replaced(old, new):
    data = tiny_instance()
    assert data.count(old) == 1
    return data.replace(old, new)


REFUSED = {
    "empty": (hostile.empty, "EMPTY"),
    "zip": (hostile.zip_archive, "NOT_DICOM"),
    "noise": (lambda: bytes(range(256)), "NOT_DICOM"),
    "no preamble": (lambda: tiny_instance()[132:], "NOT_DICOM"),
    "preamble cut": (lambda: bytes(100), "TRUNCATED"),
    "program": (hostile.preamble_pe, "ACTIVE_PREAMBLE"),
    "page": (hostile.preamble_html, "ACTIVE_PREAMBLE"),
    "truncated": (hostile.truncated, "TRUNCATED"),
    "only meta": (lambda: META, "MISSING_UID"),
    "lying item": (hostile.lying_length, "LENGTH_LIES"),
    "lying pixels": (lambda: tiny_instance(pixels=bytes(510)), "LENGTH_LIES"),
    "lying group length": (lambda: META[:140] + b"\1\0\0\0" + tiny_instance()[144:], "LENGTH_LIES"),
    "undefined text": (lambda: with_elements(element(0x40, 0xA160, "UT", b"", UNDEFINED)), "LENGTH_LIES"),
    "native undefined": (lambda: with_elements(element(0x7FE0, 0x10, "OW", b"", UNDEFINED)), "LENGTH_LIES"),
    "item end in defined item": (lambda: with_elements(ITEM_IN_DEFINED), "BAD_TAG"),
    "item end at top": (lambda: with_elements(ITEM_END), "BAD_TAG"),
    "meta element in data set": (lambda: with_elements(element(2, 0x10, "UI", b"1.2\0")), "BAD_TAG"),
    "element in place of item": (
        lambda: with_elements(element(0x40, 0xA730, "SQ", element(0x40, 0xA160, "UT", b""))),
        "LENGTH_LIES",
    ),
    "long sequence end": (
        lambda: with_elements(element(0x40, 0xA730, "SQ", SEQUENCE_END[:4] + b"\4\0\0\0", UNDEFINED)),
        "LENGTH_LIES",
    ),
    "open sequence": (
        lambda: hostile.without_pixels() + element(0x40, 0xA730, "SQ", b"", UNDEFINED),
        "TRUNCATED",
    ),
    "65 deep": (lambda: hostile.nested(65), "NESTED_TOO_DEEP"),
    "100000 deep": (lambda: hostile.nested(100_000), "NESTED_TOO_DEEP"),
    "2000 deep, implicit": (lambda: hostile.nested_in_implicit(2000), "NESTED_TOO_DEEP"),
    "items": (lambda: with_elements(element(0x40, 0xA730, "SQ", item(b"") * 100_001)), "TOO_MANY_ELEMENTS"),
    "elements": (
        lambda: with_elements(element(0x40, 0xA730, "SQ", item(element(0x41, 1, "LO", b"") * 500_001))),
        "TOO_MANY_ELEMENTS",
    ),
    "header": (lambda: with_elements(element(0x42, 0x11, "OB", b"", 65 << 20)), "HEADER_TOO_LARGE"),
    "text": (lambda: with_elements(element(0x40, 0xA120, "UC", b"", 17 << 20)), "HEADER_TOO_LARGE"),
    "bomb": (hostile.deflate_bomb, "DEFLATE_BOMB"),
    "corrupt": (
        lambda: tiny_instance(transfer_syntax_uid=DEFLATED)[: len(META) + 2] + b"\xff" * 40,
        "DEFLATE_CORRUPT",
    ),
    "deflated, truncated": (lambda: tiny_instance(transfer_syntax_uid=DEFLATED)[:-4], "TRUNCATED"),
    "after deflated": (
        lambda: tiny_instance(transfer_syntax_uid=DEFLATED) + b"tail of data",
        "TRAILING_DATA",
    ),
    "flood": (hostile.pixel_flood, "PIXEL_DIMENSIONS"),
    "frames": (lambda: tiny_instance(NumberOfFrames=(1 << 20) + 1), "PIXEL_DIMENSIONS"),
    "decoded": (
        lambda: hostile.encapsulated_instance([b"ab"], Rows=16000, Columns=16000, NumberOfFrames=40),
        "PIXEL_DIMENSIONS",
    ),
    "no rows": (lambda: tiny_instance(Rows=None), "PIXEL_DIMENSIONS"),
    "zero rows": (lambda: tiny_instance(Rows=0), "PIXEL_DIMENSIONS"),
    "two samples": (lambda: tiny_instance(SamplesPerPixel=2, pixels=bytes(1024)), "PIXEL_DIMENSIONS"),
    "three bits": (lambda: tiny_instance(BitsAllocated=3), "PIXEL_DIMENSIONS"),
    "rows of 32 bits": (
        lambda: replaced(element(0x28, 0x10, "US", b"\x10\0"), element(0x28, 0x10, "UL", b"\x10\0\0\0")),
        "PIXEL_DIMENSIONS",
    ),
    "negative frames": (lambda: with_elements(element(0x28, 8, "IS", b"-1")), "PIXEL_DIMENSIONS"),
    "frames as float": (lambda: with_elements(element(0x28, 8, "IS", b"1E9 ")), "PIXEL_DIMENSIONS"),
    "photometric": (lambda: replaced(b"MONOCHROME2 ", b"<script/>   "), "PIXEL_DIMENSIONS"),
    "uid of letters": (lambda: _with_study(b"1.2.abc\0"), "INVALID_UID"),
    "two uids": (lambda: _with_study(b"1.2\\1.3\0"), "INVALID_UID"),
    "uid path": (lambda: _with_study(b"../../etc\0"), "INVALID_UID"),
    "no study": (lambda: tiny_instance(StudyInstanceUID=None), "MISSING_UID"),
    "blank study": (lambda: _with_study(b"\0\0"), "MISSING_UID"),
    "other instance": (
        lambda: META + tiny_instance(SOPInstanceUID="1.2.3")[_meta_end("1.2.3") :],
        "META_MISMATCH",
    ),
    "private syntax": (
        lambda: tiny_instance().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.113619.5.2\0\0"),
        "UNKNOWN_TRANSFER_SYNTAX",
    ),
    "two instance uids": (hostile.duplicate_uid, "DUPLICATE_ELEMENT"),
    "two names": (lambda: with_elements(element(0x10, 0x10, "PN", b"Roe^John")), "DUPLICATE_ELEMENT"),
    "two pixel data": (
        lambda: tiny_instance() + element(0x7FE0, 0x10, "OW", bytes(512)),
        "DUPLICATE_ELEMENT",
    ),
    "two in meta": (lambda: META[:132] + META[132:] * 2, "DUPLICATE_ELEMENT"),
    "unknown vr": (lambda: with_elements(element(0x40, 0x254, "ZZ", b"")), "BAD_VR"),
    "implicit in explicit": (
        lambda: META + tiny_instance(transfer_syntax_uid=IMPLICIT_LITTLE)[len(META) - 2 :],
        "BAD_VR",
    ),
    "sequence in meta": (lambda: META[:132] + element(2, 0x10, "SQ", b""), "BAD_VR"),
    "directory": (lambda: META[:132] + element(2, 2, "UI", b"1.2.840.10008.1.3.10"), "DICOMDIR"),
    "tail": (lambda: tiny_instance() + b"<script>alert(1)</script>", "TRAILING_DATA"),
    "old tag after pixels": (lambda: tiny_instance() + element(0x50, 0x10, "LO", b"late"), "TRAILING_DATA"),
    "long item end": (
        lambda: with_elements(
            element(0x40, 0xA730, "SQ", item(ITEM_END[:4] + b"\4\0\0\0", UNDEFINED) + SEQUENCE_END, UNDEFINED)
        ),
        "BAD_TAG",
    ),
    "sequence end in defined sequence": (
        lambda: with_elements(element(0x40, 0xA730, "SQ", SEQUENCE_END)),
        "LENGTH_LIES",
    ),
    "cut in an element header": (lambda: hostile.without_pixels()[:-5], "TRUNCATED"),
    "fragment of undefined length in icon": (
        lambda: with_elements(
            element(0x88, 0x200, "SQ", item(b"", UNDEFINED), UNDEFINED)
            + element(0x7FE0, 0x10, "OB", item(b"", UNDEFINED), UNDEFINED)
        ),
        "LENGTH_LIES",
    ),
    "meta out of order": (
        lambda: META[:132] + element(2, 0x10, "UI", b"1.2\0") + element(2, 3, "UI", b"1.2\0"),
        "BAD_TAG",
    ),
    "large meta": (lambda: META[:132] + element(2, 0x102, "OB", b"", 2 << 20), "HEADER_TOO_LARGE"),
    "two numbers of rows": (
        lambda: replaced(element(0x28, 0x10, "US", b"\x10\0"), element(0x28, 0x10, "US", b"\x10\0\0\0")),
        "PIXEL_DIMENSIONS",
    ),
    "signed rows": (
        lambda: replaced(element(0x28, 0x10, "US", b"\x10\0"), element(0x28, 0x10, "SS", b"\x10\0")),
        "PIXEL_DIMENSIONS",
    ),
    "odd offset table": (lambda: encapsulated(item(b"ab") + item(b"ab")), "LENGTH_LIES"),
    "fragment of undefined length": (lambda: encapsulated(item(b"") + item(b"", UNDEFINED)), "LENGTH_LIES"),
    "no fragment but an item end": (lambda: encapsulated(item(b"") + item(b"ab") + ITEM_END), "LENGTH_LIES"),
    "no fragment": (lambda: encapsulated(item(b"")), "LENGTH_LIES"),
    "pixels as text": (lambda: replaced(b"\xe0\x7f\x10\0OW", b"\xe0\x7f\x10\0UT"), "BAD_VR"),
    "float pixels of 16 bits": (
        lambda: hostile.without_pixels() + element(0x7FE0, 8, "OF", bytes(512)),
        "PIXEL_DIMENSIONS",
    ),
    "uid as text": (lambda: replaced(b"\x20\0\x0d\0UI", b"\x20\0\x0d\0LO"), "INVALID_UID"),
    "tail after zeros": (lambda: tiny_instance() + bytes(70_000) + b"x", "TRAILING_DATA"),
}


def encapsulated(value):
    return tiny_instance(pixels=value, transfer_syntax_uid="1.2.840.10008.1.2.4.50")


def _with_study(value):
    at = tiny_instance().index(b"\x20\0\x0d\0UI")
    data = tiny_instance()
    length = struct.unpack_from("<H", data, at + 6)[0]
    return data[:at] + element(0x20, 0x0D, "UI", value) + data[at + 8 + length :]


def _meta_end(uid):
    return hostile._meta_end(tiny_instance(SOPInstanceUID=uid))


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_its_reason(name):
    build, code = REFUSED[name]
    assert code_of(build()) == code


def test_native_pixels_of_undefined_length_are_named_as_such():
    with pytest.raises(Refused, match="undefined"):
        judge(hostile.without_pixels() + element(0x7FE0, 0x10, "OW", b"", UNDEFINED))


def test_what_follows_the_pixels_shares_the_room_of_the_header():
    limits = Limits(header_bytes=len(judge(tiny_instance()).header) + 500)
    judge(tiny_instance() + element(0xFFFC, 0xFFFC, "OB", bytes(400)), limits)
    assert code_of(tiny_instance() + element(0xFFFC, 0xFFFC, "OB", bytes(600)), limits) == "HEADER_TOO_LARGE"


def test_a_sequence_64_deep_passes():
    judge(hostile.nested(64))


def test_as_many_items_as_allowed_pass():
    judge(with_elements(element(0x40, 0xA730, "SQ", item(b"") * 10)), Limits(items=10))


def test_too_many_fragments_are_refused():
    data = hostile.encapsulated_instance([b"ab"] * 11, has_bot=False)
    judge(data, Limits(fragments=11))
    assert code_of(data, Limits(fragments=10)) == "TOO_MANY_ELEMENTS"


def test_an_encapsulated_file_with_pixels_of_defined_length_is_refused():
    data = hostile.encapsulated_instance([b"abcd"])
    at = data.rindex(b"\xe0\x7f\x10\0OB") + 8
    assert code_of(data[:at] + struct.pack("<I", 28) + data[at + 4 :]) == "LENGTH_LIES"


@pytest.mark.parametrize(
    "start",
    [
        b"MZ",
        b"\x7fELF",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"#!/bin/sh",
        b"PK\3\4",
        b"%PDF-1.7",
        b"GIF89a",
        b"RIFF",
        b"\xff\xd8\xff\xe0",
        b"<HTML>",
        b"\xef\xbb\xbf <svg>",
        b"\n\t<?xml",
        b"<ScRiPt>",
        "\ufeff<html>".encode("utf-16-le"),
        "\ufeff<!doctype html>".encode("utf-16-le"),
        b"AAAA<script src=x>",
        b"xx<?PHP",
        b"*/ javascript:alert(1)",
        rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    ],
)
def test_an_active_preamble_is_refused(start):
    assert code_of(tiny_instance(preamble=start)) == "ACTIVE_PREAMBLE"


@pytest.mark.parametrize("start", [b"", b"II*\0\x10\0\0\0", b"MM\0*\0\0\0\x10", b"vendor 1.0 < 2", b"\xff" * 128])
def test_a_passive_preamble_passes(start):
    judge(tiny_instance(preamble=start))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (hostile.zip_archive(), "ZIP archive"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "JPEG"),
        (b"<!doctype html><p>" * 20, "web page"),
        (b"MZ" + bytes(300), "Windows program"),
        (b"hello " * 50, "text file"),
        (tiny_instance()[132:], "file header"),
    ],
)
def test_the_message_says_what_the_file_is_instead(data, words):
    with pytest.raises(Refused) as caught:
        judge(data)
    assert words in caught.value.reason.message


def test_a_refusal_comes_before_the_file_has_ended_and_stays():
    gate = Gate()
    for _ in range(2):
        with pytest.raises(Refused):
            gate.feed(hostile.pixel_flood()[:-20])
    with pytest.raises(Refused):
        gate.finish()


def test_no_refusal_carries_a_value_of_the_file():
    for build, _ in REFUSED.values():
        data = build().replace(b"Doe^Jane", b"Muster^Q")
        with pytest.raises(Refused) as caught:
            judge(data)
        assert "Muster" not in str(caught.value) + caught.value.reason.message


def peak_memory(data, limits, piece=1 << 16):
    gate = Gate(limits)
    tracemalloc.start()
    try:
        for at in range(0, len(data), piece):
            gate.feed(memoryview(data)[at : at + piece])
        gate.finish()
    except Refused as refused:
        return tracemalloc.get_traced_memory()[1], refused.reason.code
    finally:
        tracemalloc.stop()
    return tracemalloc.get_traced_memory()[1], None


def test_a_bomb_costs_no_memory():
    data = hostile.deflate_bomb()
    assert peak_memory(data, Limits())[1] == "DEFLATE_BOMB"
    assert peak_memory(data, Limits())[0] < 2 << 20


def test_the_absolute_cap_on_inflation_holds_where_the_ratio_would_not():
    limits = Limits(inflated_bytes=1 << 20, inflate_ratio=10_000)
    assert peak_memory(hostile.deflate_bomb(), limits)[1] == "DEFLATE_BOMB"
    judge(hostile.deflate_bomb(), Limits(inflate_ratio=10_000))


def test_large_pixel_data_goes_by_without_being_kept():
    data = tiny_instance(rows=4096, columns=4096, pixels=bytes(32 << 20))
    gate = Gate()
    view = memoryview(data)
    tracemalloc.start()
    for at in range(0, len(view), 1 << 16):
        gate.feed(view[at : at + (1 << 16)])
    gate.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


SAMPLES = [
    tiny_instance(),
    tiny_instance(transfer_syntax_uid=IMPLICIT_LITTLE),
    tiny_instance(transfer_syntax_uid=DEFLATED),
    tiny_instance(transfer_syntax_uid=EXPLICIT_BIG),
    hostile.nested(3),
    hostile.nested_in_implicit(3),
    hostile.encapsulated_instance([b"one!", b"two!"]),
    hostile.lying_length(),
    hostile.duplicate_uid(),
    hostile.truncated(),
    tiny_instance() + bytes(50),
    tiny_instance() + b"tail" * 9,
    hostile.zip_archive(),
    b"",
    with_elements(element(0x41, 0x1001, "UN", item(b"no element at all", 900) + b"x" * 40)),
]


def verdict(data, cuts=()):
    gate = Gate()
    try:
        for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
            gate.feed(data[start:end])
        return gate.finish()
    except Refused as refused:
        return refused.reason.code, refused.detail


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_pieces_do_not_change_the_verdict(data):
    sample = data.draw(st.sampled_from(SAMPLES))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sample)), max_size=30)))
    assert verdict(sample, cuts) == verdict(sample)


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_single_bytes_do_not_change_the_verdict(number):
    sample = SAMPLES[number]
    assert verdict(sample, range(1, len(sample))) == verdict(sample)


@pytest.mark.parametrize("number", range(8))
def test_mutations_raise_nothing_but_refused(number):
    source = random.Random(number)
    sample = SAMPLES[number]
    for _ in range(400):
        data = bytearray(sample)
        for _ in range(source.randint(1, 6)):
            data[source.randrange(128, len(data))] = source.choice(
                (0, 1, 0x7F, 0x80, 0xFE, 0xFF, source.randrange(256))
            )
        verdict(bytes(data[: source.choice((len(data), source.randrange(len(data))))]))


@pytest.mark.parametrize("number", range(7))
def test_no_file_cut_short_passes(number):
    sample = SAMPLES[number]
    for length in range(0, len(sample), 7):
        cut = verdict(sample[:length])
        assert isinstance(cut, tuple) or cut.pixels is None
