"""DCM-04: sequences deep, wide, open, lying, and hidden in other values."""

import random
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from tests.imaging.hostile.building import UNDEFINED, element, item, item_end, sequence_end, sound
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Expected, Variant, kind

CONTENT, CODES, PRIVATE = 0x0040A730, 0x00401101, 0x00411010
LIMIT = 64


def _undefined(depth: int, syntax: str, tag: int = CONTENT, vr: str = "SQ", inner: str = "") -> bytes:
    opening = element(tag, vr, b"", syntax, UNDEFINED) + item(b"", UNDEFINED, inner or syntax)
    return opening * depth + (item_end(inner or syntax) + sequence_end(inner or syntax)) * depth


def _defined(depth: int, syntax: str, tag: int = CONTENT, vr: str = "SQ") -> bytes:
    value = b""
    for _ in range(depth):
        value = element(tag, vr, item(value, syntax=syntax), syntax)
    return value


@kind("DCM-04 nesting")
def depths(_: random.Random) -> Iterator[Variant]:
    """Every depth up to twice the limit, in every form."""
    for depth in (*range(1, 130, 2), 64, 65, 200, 500, 1000):
        expected = PASSES if depth <= LIMIT else REFUSED
        for syntax in (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED):
            plain = EXPLICIT_LITTLE if syntax == DEFLATED else syntax
            yield f"undefined {depth}", expected, bytes(sound(syntax, extra=_undefined(depth, plain)))
            if depth <= 500:
                yield f"defined {depth}", expected, bytes(sound(syntax, extra=_defined(depth, plain)))
            yield f"private {depth}", expected, bytes(sound(syntax, extra=_undefined(depth, plain, PRIVATE)))
        if depth <= 500:
            hidden = _defined(depth, IMPLICIT_LITTLE, PRIVATE)
            yield f"private in implicit {depth}", expected, bytes(sound(IMPLICIT_LITTLE, extra=hidden))
            unknown = element(CONTENT, "UN", item(_defined(depth - 1, IMPLICIT_LITTLE)))
            yield f"in UN {depth}", expected, bytes(sound(extra=unknown))
        outer = element(PRIVATE, "UN", b"", length=UNDEFINED) + item(b"", UNDEFINED)
        outer += _undefined(depth - 1, IMPLICIT_LITTLE) + item_end() + sequence_end()
        yield f"in open UN {depth}", expected, bytes(sound(extra=outer))


@kind("DCM-04 nesting")
def very_deep(_: random.Random) -> Iterator[Variant]:
    for depth in (2_000, 10_000, 100_000):
        for syntax in (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED):
            plain = EXPLICIT_LITTLE if syntax == DEFLATED else syntax
            opening = element(CONTENT, "SQ", b"", plain, UNDEFINED) + item(b"", UNDEFINED, plain)
            yield f"{depth} {syntax}", REFUSED, bytes(sound(syntax, extra=opening * depth))


@kind("DCM-04 nesting")
def wide(_: random.Random) -> Iterator[Variant]:
    for count in (0, 1, 2, 100, 1000, 20_000, 99_999, 100_001):
        expected = PASSES if count <= 100_000 else REFUSED
        yield f"{count} items", expected, bytes(sound(extra=element(CONTENT, "SQ", item(b"") * count)))
        if count == 99_999:
            continue
        ended = item(item_end(), UNDEFINED) * count
        yield f"{count} open items", expected, bytes(sound(extra=element(CONTENT, "SQ", ended)))
    for count in (10, 1000, 20_000, 500_001):
        many = element(CONTENT, "SQ", item(element(0x00411001, "LO", b"") * count))
        yield f"{count} elements", PASSES if count < 500_000 else REFUSED, bytes(sound(extra=many))


@kind("DCM-04 nesting")
def item_lengths(_: random.Random) -> Iterator[Variant]:
    """Lengths of sequences and items that disagree."""
    code = element(0x00080100, "SH", b"code")
    for around in (*range(0, 40), 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, UNDEFINED):
        for inside in (0, 1, 4, 8, 11, 12, 13, 20, 0xFFFF, 0xFFFFFFFE, UNDEFINED):
            both_true = (around, inside) in ((20, 12), (12 + 8, 12))
            expected: Expected = PASSES if both_true else REFUSED if around == UNDEFINED else EITHER
            value = element(CODES, "SQ", item(code, inside), length=around)
            yield f"{around:X} around {inside:X}", expected, bytes(sound(extra=value))
            value = element(CODES, "UN", item(code, inside), length=around)
            yield f"{around:X} around {inside:X} in UN", EITHER, bytes(sound(extra=value))
            coded = element(0x00080100, "SH", b"code", IMPLICIT_LITTLE)
            value = element(CODES, "SQ", item(coded, inside), IMPLICIT_LITTLE, around)
            yield f"{around:X} around {inside:X} in implicit", EITHER, bytes(sound(IMPLICIT_LITTLE, extra=value))


@kind("DCM-04 nesting")
def token_salad(source: random.Random) -> Iterator[Variant]:
    """The words of nesting in no order at all."""
    for syntax, count in ((EXPLICIT_LITTLE, 700), (IMPLICIT_LITTLE, 700), (EXPLICIT_BIG, 300)):
        words = [
            element(CONTENT, "SQ", b"", syntax, UNDEFINED), element(PRIVATE, "UN", b"", syntax, UNDEFINED),
            item(b"", 0, syntax), item(b"", UNDEFINED, syntax), item_end(syntax), sequence_end(syntax),
            element(0x00080100, "SH", b"code", syntax), element(0x00100020, "LO", b"OTHER ", syntax),
            element(CODES, "SQ", b"", syntax, 8), item(b"", 12, syntax),
            element(0x7FE00010, "OB", b"", syntax, UNDEFINED), element(0, "UL", b"", syntax), bytes(8),
        ]  # fmt: skip
        for number in range(count):
            salad = b"".join(source.choices(words, k=source.randint(1, 12)))
            yield f"{syntax} {number}", EITHER, bytes(sound(syntax, extra=salad))


@kind("DCM-04 nesting")
def left_open(_: random.Random) -> Iterator[Variant]:
    for depth in range(1, 60):
        for syntax in (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED):
            plain = EXPLICIT_LITTLE if syntax == DEFLATED else syntax
            ends = len(item_end(plain) + sequence_end(plain))
            extra = _undefined(depth, plain)[:-ends]
            yield f"{depth} {syntax}", REFUSED, bytes(sound(syntax, extra=extra))
            yield f"{depth} {syntax}, no pixels", REFUSED, bytes(sound(syntax, extra=extra, pixels=b""))
