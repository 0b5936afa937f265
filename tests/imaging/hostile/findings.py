"""What the fuzzer found, kept: each reduced file lies under `findings/<target>`, and is told of here."""

import random
from collections.abc import Iterator
from pathlib import Path

from tests.imaging.hostile.cases import EITHER, Variant, kind

FOLDER = Path(__file__).parent / "findings"
_LEFT_OVER = (
    "four bytes left over in a sequence: judged by what follows it, and otherwise where the header is read alone"
)
WHY = {
    "conversion/bytes_left_over_in_a_sequence.bin": _LEFT_OVER,
    "gate/bytes_left_over_in_a_sequence.bin": _LEFT_OVER,
    "text/marks_around_what_is_removed.bin": "marks with NUL between them piled up when cleaned twice, not when once",
}


@kind("DCM-16 findings of the fuzzer")
def kept(_: random.Random) -> Iterator[Variant]:
    for name in sorted(WHY):
        yield name, EITHER, (FOLDER / name).read_bytes()
