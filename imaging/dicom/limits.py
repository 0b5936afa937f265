"""What one file may cost us."""

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Limits:
    """Ceilings of the gate; lengths in bytes.

    The captured header is the only thing the gate holds, so `header_bytes` is also its memory. Every value
    outside Pixel Data lives in the header (LUTs, waveforms, encapsulated documents, overlays), and what does
    not fit there is refused.
    """

    file_bytes: int = 16 * GIB
    meta_bytes: int = 1 * MIB
    header_bytes: int = 64 * MIB
    text_value_bytes: int = 16 * MIB  # UC, UR, SV, UV; other VRs are bounded by 16 bits or by the header
    depth: int = 64  # sequences within sequences
    items: int = 100_000
    elements: int = 500_000
    fragments: int = 1 << 18  # of encapsulated Pixel Data
    frames: int = 1 << 20
    pixel_padding: int = 4096  # behind the last frame; real files carry some, always less than a frame
    frame_pixels: int = 268_435_456  # rows × columns
    decoded_bytes: int = 16 * GIB  # all frames, decoded
    inflated_bytes: int = 1 * GIB
    inflate_ratio: int = 200  # real deflated images of flat background pass 20
    inflate_allowance: int = 4 * MIB  # inflated before the ratio counts
