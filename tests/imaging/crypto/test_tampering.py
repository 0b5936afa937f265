"""Ten thousand random manipulations, all refused; nothing is released but a prefix of the true plaintext."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest

from imaging.crypto.envelope import new_key, read_key_file, unwrap_data_key, wrap_data_key
from imaging.crypto.layout import HEADER_SIZE, KEY_FILE_SIZE, ObjectHeader, SealBroken
from imaging.crypto.stream import SealedReader, seal_chunks

CHUNK, STEP = 1024, 1024 + 16
RUNS_EACH = 1000


@dataclass(frozen=True)
class Stored:
    """An object as an attacker finds it, with the key its reader will use."""

    tenant_id: UUID
    object_id: UUID
    tenant_key: bytes
    key_file: bytes
    sealed: bytes
    text: bytes


def store(dice: random.Random, tenant_id: UUID, tenant_key: bytes) -> Stored:
    object_id, data_key, text = uuid4(), new_key(), dice.randbytes(dice.randint(2 * CHUNK + 1, 6 * CHUNK))
    header = ObjectHeader.new(tenant_id, object_id, CHUNK)
    sealed = b"".join(bytes(piece) for piece in seal_chunks(data_key, header, [text]))
    key_file = wrap_data_key(tenant_key, uuid4(), tenant_id, object_id, data_key)
    return Stored(tenant_id, object_id, tenant_key, key_file, sealed, text)


def flip(dice: random.Random, raw: bytes, start: int = 0, stop: int | None = None) -> bytes:
    changed = bytearray(raw)
    changed[dice.randrange(start, stop or len(raw))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def chunks_of(stored: Stored) -> list[bytes]:
    return [stored.sealed[at : at + STEP] for at in range(HEADER_SIZE, len(stored.sealed), STEP)]


def with_chunks(stored: Stored, chunks: list[bytes]) -> Stored:
    return replace(stored, sealed=stored.sealed[:HEADER_SIZE] + b"".join(chunks))


def flip_a_bit(dice, mine, *_):
    return replace(mine, sealed=flip(dice, mine.sealed))


def edit_the_header(dice, mine, *_):
    return replace(mine, sealed=flip(dice, mine.sealed, 0, HEADER_SIZE))


def cut_the_end(dice, mine, *_):
    return replace(mine, sealed=mine.sealed[: dice.randrange(len(mine.sealed))])


def drop_a_chunk(dice, mine, *_):
    chunks = chunks_of(mine)
    del chunks[dice.randrange(len(chunks))]
    return with_chunks(mine, chunks)


def repeat_a_chunk(dice, mine, *_):
    chunks = chunks_of(mine)
    chunks.insert(dice.randrange(len(chunks)), dice.choice(chunks))
    return with_chunks(mine, chunks)


def swap_two_chunks(dice, mine, *_):
    chunks = chunks_of(mine)
    one, two = dice.sample(range(len(chunks)), 2)
    chunks[one], chunks[two] = chunks[two], chunks[one]
    return with_chunks(mine, chunks)


def splice_from_a_neighbour_or_another_tenant(dice, mine, *others):
    other, chunks = chunks_of(dice.choice(others)), chunks_of(mine)
    place = dice.randrange(min(len(chunks), len(other)))
    chunks[place] = other[place]
    return with_chunks(mine, chunks)


def put_another_object_in_its_place(dice, mine, *others):
    other = dice.choice(others)
    whole = replace(mine, sealed=other.sealed, key_file=other.key_file, tenant_key=other.tenant_key)
    return dice.choice([replace(mine, sealed=other.sealed), replace(mine, key_file=other.key_file), whole])


def edit_the_key_file(dice, mine, *_):
    cut = mine.key_file[: dice.randrange(KEY_FILE_SIZE)]
    return replace(mine, key_file=dice.choice([flip(dice, mine.key_file), cut, mine.key_file + b"\0"]))


def use_another_key(dice, mine, *_):
    return replace(mine, tenant_key=dice.randbytes(32))


MANIPULATIONS = [
    flip_a_bit, edit_the_header, cut_the_end, drop_a_chunk, repeat_a_chunk, swap_two_chunks,
    splice_from_a_neighbour_or_another_tenant, put_another_object_in_its_place, edit_the_key_file,
    use_another_key,
]  # fmt: skip


def read_into(released: bytearray, stored: Stored) -> None:
    data_key = unwrap_data_key(stored.tenant_key, read_key_file(stored.tenant_id, stored.object_id, stored.key_file))
    sealed = io.BytesIO(stored.sealed)
    for piece in SealedReader(data_key, stored.tenant_id, stored.object_id, sealed, len(stored.sealed)).iter_all():
        released += piece


@pytest.mark.parametrize("manipulate", MANIPULATIONS, ids=lambda function: function.__name__)
def test_manipulated_objects_are_refused(manipulate: Callable[..., Stored]):
    dice = random.Random(manipulate.__name__)
    tenant_id, tenant_key = uuid4(), new_key()
    for _ in range(RUNS_EACH):
        mine, neighbour = store(dice, tenant_id, tenant_key), store(dice, tenant_id, tenant_key)
        foreign = store(dice, uuid4(), new_key())
        forged, released = manipulate(dice, mine, neighbour, foreign), bytearray()

        with pytest.raises(SealBroken):
            read_into(released, forged)

        assert len(released) < len(mine.text)
        assert mine.text.startswith(released)


def test_the_untouched_object_is_released_whole():
    dice, released = random.Random(1), bytearray()
    mine = store(dice, uuid4(), new_key())

    read_into(released, mine)

    assert released == mine.text


def test_a_whole_object_of_a_neighbour_is_refused_by_name_alone():
    """Same tenant, so the keys would open it: only the ids in key file and header stand in the way."""
    dice, tenant_id, tenant_key = random.Random(2), uuid4(), new_key()
    mine, neighbour = store(dice, tenant_id, tenant_key), store(dice, tenant_id, tenant_key)

    with pytest.raises(SealBroken, match="another object"):
        read_into(bytearray(), replace(neighbour, object_id=mine.object_id))
