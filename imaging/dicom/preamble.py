"""The first 132 bytes (PS3.10 §7.1): judged, never trusted.

The 128 bytes before `DICM` are anybody's. A file that starts like a program, a script, an archive or a web
page is one to whatever opens it by its first bytes, however good the DICOM behind it is. TIFF stays allowed:
dual TIFF/DICOM slides are a documented use, and TIFF runs nothing.
"""

import re

from imaging.dicom.reasons import ACTIVE_PREAMBLE, EMPTY, NOT_DICOM, TRUNCATED, Refused
from imaging.dicom.window import Machine, Window

_ = str  # marks a text for translators; it is translated where it is shown (imaging/selectors/refusals.py)
LENGTH = 132
_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"MZ", _("a Windows program")),
    (b"\x7fELF", _("a Linux program")),
    (b"\xfe\xed\xfa\xce", _("a macOS program")),
    (b"\xfe\xed\xfa\xcf", _("a macOS program")),
    (b"\xce\xfa\xed\xfe", _("a macOS program")),
    (b"\xcf\xfa\xed\xfe", _("a macOS program")),
    (b"\xca\xfe\xba\xbe", _("a Java or macOS program")),
    (b"\xca\xfe\xba\xbf", _("a macOS program")),
    (b"\xca\xfe\xd0\x0d", _("a Java program")),
    (b"dex\n", _("an Android program")),
    (b"\0asm", _("a WebAssembly program")),
    (b"L\0\0\0\x01\x14\x02\0", _("a Windows shortcut")),
    (b"\xd0\xcf\x11\xe0", _("an Office document or Windows installer")),
    (b"ITSF", _("a Windows help file")),
    (b"regf", _("a Windows registry")),
    (b"\x1bLua", _("a Lua program")),
    (b"X5O!P%@AP[4", _("the file that virus scanners are tested with")),
    (b"FWS", _("a Flash program")),
    (b"CWS", _("a Flash program")),
    (b"ZWS", _("a Flash program")),
    (b"#!", _("a script")),
    (b"PK", _("a ZIP archive")),
    (b"Rar!", _("a RAR archive")),
    (b"7z\xbc\xaf", _("a 7-Zip archive")),
    (b"\x1f\x8b", _("a gzip archive")),
    (b"BZh", _("a bzip2 archive")),
    (b"\xfd7zXZ", _("an xz archive")),
    (b"MSCF", _("a Windows cabinet")),
    (b"!<arch>", _("a library of programs")),
    (b"%PDF", _("a PDF document")),
    (b"%!PS", _("a PostScript document")),
    (b"{\\rtf", _("an RTF document")),
    (b"GIF8", _("a GIF image")),
    (b"RIFF", _("a sound or video file")),
    (b"\xff\xd8\xff", _("a JPEG image")),
    (b"\x89PNG", _("a PNG image")),
)
# What browsers go by (WHATWG MIME Sniffing §7.1), and the elements that act.
_MARKUP = re.compile(
    rb"<(\?xml|\?php|!doctype|!--|html|head|body|script|iframe|svg|(h1|div|font|table|a|style|title|b|br|p|math|img|meta"
    rb"|object|embed|form)[\s/>])|\{\\rtf|%pdf|@echo",
    re.IGNORECASE,
)
# Readers of PDF look for their mark in the first KiB (ISO 32000 Annex H), not at the first byte alone.
_MARKUP_INSIDE = re.compile(rb"<(script|html|svg|\?php)|javascript:|%pdf-", re.IGNORECASE)
_LEADING = b" \t\r\n\f\v\xef\xbb\xbf"
_BOM_16 = (b"\xff\xfe", b"\xfe\xff")
_TEXT = re.compile(rb"[\t\r\n\x20-\x7e\x80-\xff]+")


def name_of_kind(start: bytes) -> str | None:
    """What a file that starts like this is to other programs ("a ZIP archive"), or None."""
    for magic, name in _MAGICS:
        if start.startswith(magic):
            return name
    if _MARKUP.match(_plain_text(start)):
        return _("a web page or XML document")
    return None


def read_preamble(window: Window) -> Machine:
    """Consume preamble and prefix; raises Refused: EMPTY, NOT_DICOM, TRUNCATED or ACTIVE_PREAMBLE."""
    while len(window.data) < LENGTH and not window.ended:
        yield
    start = window.cut(min(LENGTH, len(window.data)))
    if start[128:] != b"DICM":
        raise _not_dicom(start)
    _require_passive(start[:128])


def _require_passive(preamble: bytes) -> None:
    name = name_of_kind(preamble)
    if name or _MARKUP_INSIDE.search(preamble.replace(b"\0", b"")):
        raise Refused(ACTIVE_PREAMBLE, name or "markup in the preamble")


def _not_dicom(start: bytes) -> Refused:
    if not start:
        return Refused(EMPTY)
    name = name_of_kind(start)
    if name:
        return Refused(NOT_DICOM.saying(f"This is {name}, not a DICOM file."), name)
    if len(start) < LENGTH and not start.strip(b"\0"):
        return Refused(TRUNCATED, f"{len(start)} bytes")
    if start[:2] in (b"\x08\0", b"\x02\0", b"\0\x08"):
        message = _("This DICOM file lacks its file header (preamble, 'DICM' and file meta information).")
        return Refused(NOT_DICOM.saying(message), "no preamble")
    if _TEXT.fullmatch(start):
        return Refused(NOT_DICOM.saying(_("This is a text file, not a DICOM file.")), "text")
    return Refused(NOT_DICOM, "no DICM at offset 128")


def _plain_text(start: bytes) -> bytes:
    """`start` without byte order mark, the NULs of UTF-16 and leading white space."""
    if start[:2] in _BOM_16:
        start = start[2:]
    return start.replace(b"\0", b"").lstrip(_LEADING)
