"""multipart/related, read and written without holding it."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.dicom.multipart import MalformedMultipart, closing, iter_parts, parse_content_type, part_head

TYPE = 'multipart/related; type="application/dicom"; boundary=abc'


def parts_of(body, content_type=TYPE, **limits):
    found = []
    for part in iter_parts(io.BytesIO(body).read, content_type, **limits):
        found.append((part.headers, b"".join(part.chunks())))
    return found


def body_of(*contents, boundary="abc"):
    return b"".join(part_head(boundary, "application/dicom") + content for content in contents) + closing(boundary)


def test_what_is_written_is_read():
    found = parts_of(body_of(b"first", b"", b"third\r\n--ab\r\n"))
    assert [content for _, content in found] == [b"first", b"", b"third\r\n--ab\r\n"]
    assert found[0][0] == {"content-type": "application/dicom"}


def test_preamble_epilogue_padding_and_folded_headers_are_understood():
    body = b"ignore\r\n--abc \t\r\nContent-Type: a/b;\r\n c=d\r\nX-Y:z\r\n\r\nbody\r\n--abc--\r\nignore too"
    assert parts_of(body) == [({"content-type": "a/b; c=d", "x-y": "z"}, b"body")]


def test_the_first_boundary_may_stand_at_the_start_and_a_part_have_no_header():
    assert parts_of(b"--abc\r\n\r\nbody\r\n--abc--") == [({}, b"body")]


def test_no_parts_at_all():
    assert parts_of(b"--abc--\r\n") == []


def test_headers_of_a_part_are_written():
    head = part_head("abc", "application/octet-stream", content_location="/frames/1")
    assert head == b"\r\n--abc\r\nContent-Type: application/octet-stream\r\nContent-Location: /frames/1\r\n\r\n"


def test_a_header_of_two_lines_is_not_written():
    with pytest.raises(ValueError):
        part_head("abc", "a/b", content_location="/x\r\nSet-Cookie: y")


def test_a_part_left_unread_is_skipped():
    parts = iter_parts(io.BytesIO(body_of(b"x" * 3_000_000, b"second")).read, TYPE)
    next(next(parts).chunks())
    assert b"".join(next(parts).chunks()) == b"second"


@given(
    st.lists(st.binary(max_size=40).map(lambda content: content.replace(b"abc", b"ABC")), max_size=4),
    st.integers(1, 9),
)
def test_reads_of_any_size_give_the_same_parts(contents, size):
    stream = io.BytesIO(body_of(*contents))
    parts = iter_parts(lambda _: stream.read(size), TYPE)
    assert [b"".join(part.chunks()) for part in parts] == contents


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary",
        b"--abc\r\n",
        b"--abc\r\nA: b\r\n\r\nunfinished",
        body_of(b"x")[:-4],
        b"--abcd\r\n\r\nbody\r\n--abc--",
        b"--abc\r\nno colon\r\n\r\nbody\r\n--abc--",
        b"--abc \n\r\nbody\r\n--abc--",
        b"--abc\r\nA: " + b"x" * 20_000 + b"\r\n\r\nbody\r\n--abc--",
    ],
)
def test_a_broken_body_is_malformed(body):
    with pytest.raises(MalformedMultipart):
        parts_of(body)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related",
        "application/dicom; boundary=abc",
        "multipart/related; boundary=",
        "",
        'multipart/related; boundary="' + "x" * 71 + '"',
        'multipart/related; boundary="a\r\nb"',
        "multipart/related boundary",
    ],
)
def test_a_content_type_without_boundary_is_malformed(content_type):
    with pytest.raises(MalformedMultipart):
        parts_of(body_of(b"x"), content_type)


def test_a_quoted_boundary_is_understood():
    boundary = "a=b:c (d)"
    assert parts_of(body_of(b"x", boundary=boundary), f'Multipart/Related; Boundary="{boundary}"')[0][1] == b"x"


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        (
            'multipart/related; type="application/dicom"; boundary=x',
            ("multipart/related", {"type": "application/dicom", "boundary": "x"}),
        ),
        ("Text/HTML;Charset=utf-8 ; ", ("text/html", {"charset": "utf-8"})),
        (r'a/b; c="x\"y;z"', ("a/b", {"c": 'x"y;z'})),
    ],
)
def test_content_types(value, parsed):
    assert parse_content_type(value) == parsed


def test_a_large_part_is_not_held():
    size, piece = 64 << 20, bytes(1 << 20)
    sent = [part_head("abc", "a/b"), *[piece] * (size >> 20), closing("abc")]
    tracemalloc.start()
    total = sum(len(chunk) for part in iter_parts(lambda _: sent.pop(0), TYPE) for chunk in part.chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == size
    assert peak < 8 << 20


def test_an_endless_header_is_given_up_at_once():
    pieces = iter([b"--abc\r\n", b"x" * 20_000])
    with pytest.raises(MalformedMultipart, match="longer"):
        next(iter_parts(lambda _: next(pieces), TYPE))


def test_a_boundary_longer_than_70_characters_is_malformed():
    longest, longer = "x" * 70, "x" * 71
    assert parts_of(body_of(b"y", boundary=longest), f"multipart/related; boundary={longest}")
    with pytest.raises(MalformedMultipart):
        parts_of(body_of(b"y", boundary=longer), f"multipart/related; boundary={longer}")
