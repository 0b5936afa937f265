"""The transfer syntaxes we take in (PS3.5 §10, PS3.6 Table A-1).

Left out on purpose: private ones, and JPIP, whose pixels lie at an address outside the file.
"""

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG})

_JPEG = ("50", "51", "53", "55", "57", "70")
_JPEG_LS = ("80", "81")
_JPEG_2000 = ("90", "91", "92", "93", "201", "202", "203")
_VIDEO = (
    "100",
    "100.1",
    "101",
    "101.1",
    "102",
    "102.1",
    "103",
    "103.1",
    "104",
    "104.1",
    "105",
    "105.1",
    "106",
    "106.1",
    "107",
    "108",
)
RLE = "1.2.840.10008.1.2.5"
VIDEO = frozenset(f"1.2.840.10008.1.2.4.{last}" for last in _VIDEO)
ENCAPSULATED = frozenset(f"1.2.840.10008.1.2.4.{last}" for last in _JPEG + _JPEG_LS + _JPEG_2000) | VIDEO | {RLE}
ACCEPTED = NATIVE | ENCAPSULATED

# What the sandbox decodes, by codec (imaging.dicom.decoders).
_STEM = "1.2.840.10008.1.2.4."
JPEG_BASELINE, JPEG_LS_LOSSLESS = f"{_STEM}50", f"{_STEM}80"
JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS = f"{_STEM}90", f"{_STEM}201"
JPEG = frozenset(_STEM + last for last in ("50", "51", "53", "55"))
JPEG_LOSSLESS = frozenset(_STEM + last for last in ("57", "70"))
JPEG_LS = frozenset(_STEM + last for last in _JPEG_LS)
JPEG_2000 = frozenset(_STEM + last for last in ("90", "91", "92", "93"))
HTJ2K = frozenset(_STEM + last for last in ("201", "202", "203"))
DECODED = JPEG | JPEG_LOSSLESS | JPEG_LS | JPEG_2000 | HTJ2K | {RLE}
