import io
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.crypto.layout import CHUNK_SIZE, HEADER_SIZE, ObjectHeader, SealBroken
from imaging.crypto.stream import SealedReader, plaintext_size, seal_chunks
from tests.imaging.crypto import reference

TENANT_ID, OBJECT_ID, DATA_KEY = uuid4(), uuid4(), bytes(range(32))
CHUNK = 1024
pieces_of_bytes = st.lists(st.binary(max_size=3000), max_size=6)


def seal(*pieces: bytes, data_key: bytes = DATA_KEY) -> bytes:
    header = ObjectHeader.new(TENANT_ID, OBJECT_ID, CHUNK)
    return b"".join(bytes(piece) for piece in seal_chunks(data_key, header, pieces))


def open_sealed(sealed: bytes, size: int | None = None) -> SealedReader:
    return SealedReader(DATA_KEY, TENANT_ID, OBJECT_ID, io.BytesIO(sealed), len(sealed) if size is None else size)


@settings(deadline=None)
@given(pieces=pieces_of_bytes)
def test_what_was_sealed_in_any_pieces_comes_back(pieces):
    sealed = seal(*pieces)

    reader = open_sealed(sealed)

    assert b"".join(reader.iter_all()) == b"".join(pieces)
    assert reader.size == plaintext_size(len(sealed), CHUNK) == len(b"".join(pieces))


@settings(deadline=None)
@given(pieces=pieces_of_bytes)
def test_an_independent_reader_opens_what_was_sealed(pieces):
    assert reference.unseal(DATA_KEY, seal(*pieces)) == b"".join(pieces)


@settings(max_examples=200, deadline=None)
@given(text=st.binary(max_size=5000), offset=st.integers(0, 6000), length=st.integers(0, 6000))
def test_any_range_equals_the_slice(text, offset, length):
    assert open_sealed(seal(text)).read(offset, length) == text[offset : offset + length]


def test_ranges_may_be_read_in_turns_from_one_reader():
    text = bytes(range(256)) * 20
    reader = open_sealed(seal(text))
    first, second = reader.iter_range(0, 3072), reader.iter_range(1024, 3072)

    pieces = [(next(first), next(second)) for _ in range(3)]

    assert b"".join(pair[0] for pair in pieces) == text[:3072]
    assert b"".join(pair[1] for pair in pieces) == text[1024:4096]


@pytest.mark.parametrize(("offset", "length"), [(-1, 5), (0, -1)])
def test_negative_ranges_are_refused(offset, length):
    with pytest.raises(ValueError, match="negative"):
        open_sealed(seal(b"abc")).iter_range(offset, length)


def test_a_range_touches_only_its_own_chunks():
    sealed = bytearray(seal(bytes(5 * CHUNK)))
    sealed[HEADER_SIZE + 1] ^= 1
    reader = open_sealed(bytes(sealed))

    assert reader.read(3 * CHUNK, 10) == bytes(10)
    with pytest.raises(SealBroken):
        reader.read(0, 1)


def test_a_refused_chunk_does_not_spoil_the_one_read_before():
    text = bytes(range(256)) * 20
    sealed = bytearray(seal(text))
    sealed[HEADER_SIZE + 1] ^= 1
    reader = open_sealed(bytes(sealed))
    reader.read(2 * CHUNK, 10)

    with pytest.raises(SealBroken):
        reader.read(0, 1)

    assert reader.read(2 * CHUNK, CHUNK) == text[2 * CHUNK : 3 * CHUNK]


def test_chunks_are_one_mebibyte_unless_told_otherwise():
    assert ObjectHeader.new(TENANT_ID, OBJECT_ID).chunk_size == CHUNK_SIZE == 1 << 20


@pytest.mark.parametrize("chunk_size", [0, 1, 512, 1025, 1 << 25])
def test_other_chunk_sizes_are_neither_written_nor_read(chunk_size):
    with pytest.raises(ValueError, match="power of two"):
        ObjectHeader.new(TENANT_ID, OBJECT_ID, chunk_size)
    with pytest.raises(SealBroken):
        ObjectHeader.parse(ObjectHeader(TENANT_ID, OBJECT_ID, chunk_size, bytes(16)).pack())


@pytest.mark.parametrize("kept_chunks", [0, 1, 2])
def test_a_cut_at_a_chunk_boundary_is_refused_on_opening(kept_chunks):
    sealed = seal(bytes(3 * CHUNK))

    with pytest.raises(SealBroken):
        open_sealed(sealed[: HEADER_SIZE + kept_chunks * (CHUNK + 16)])


def test_an_object_whose_sealing_stopped_does_not_open():
    def source():
        yield bytes(3 * CHUNK)
        raise ConnectionResetError

    written = bytearray()
    sealing = seal_chunks(DATA_KEY, ObjectHeader.new(TENANT_ID, OBJECT_ID, CHUNK), source())
    with pytest.raises(ConnectionResetError):
        any(written.extend(piece) for piece in sealing)

    assert len(written) > CHUNK
    with pytest.raises(SealBroken):
        open_sealed(bytes(written))


def test_an_empty_last_chunk_after_full_ones_is_refused():
    header = ObjectHeader.new(TENANT_ID, OBJECT_ID, CHUNK).pack()
    key = reference.hkdf(DATA_KEY, header[44:60], b"collimate sealed object v1" + header)
    places = [reference.position(0, False), reference.position(1, True)]
    first, last = (
        reference.gcm(key, bytes(3) + at, header + at, text)
        for at, text in zip(places, [bytes(CHUNK), b""], strict=True)
    )

    with pytest.raises(SealBroken, match="length"):
        open_sealed(header + first + last)


def test_a_file_that_shrinks_while_it_is_read_is_refused():
    sealed = io.BytesIO(seal(bytes(3 * CHUNK)))
    reader = SealedReader(DATA_KEY, TENANT_ID, OBJECT_ID, sealed, len(sealed.getvalue()))
    sealed.truncate(HEADER_SIZE + 10)

    with pytest.raises(SealBroken, match="ends before"):
        reader.read(0, 1)


@pytest.mark.parametrize("size", range(HEADER_SIZE + 16))
def test_a_file_shorter_than_an_empty_object_is_refused(size):
    with pytest.raises(SealBroken):
        open_sealed(seal()[:size])


def test_the_same_text_under_the_same_key_never_looks_the_same():
    first, second = seal(b"same"), seal(b"same")

    assert first[HEADER_SIZE:] != second[HEADER_SIZE:]


def test_a_reader_asked_for_another_object_or_tenant_refuses():
    sealed = seal(b"abc")

    for tenant_id, object_id in [(TENANT_ID, uuid4()), (uuid4(), OBJECT_ID)]:
        with pytest.raises(SealBroken, match="another object"):
            SealedReader(DATA_KEY, tenant_id, object_id, io.BytesIO(sealed), len(sealed))
