"""DCM-11, DCM-12 and DCM-13: identifiers that are paths, addresses, or nearly the same as others."""

import random
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.hostile.building import ORDERED, SOP_INSTANCE, even, meta, sound
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind

UIDS = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
PATHS = (
    "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/shadow", "\\\\host\\share\\x", "C:\\boot.ini",
    "file:///etc/passwd", "1.2.3/../../x", "1.2.3\0/x", "1.2.3;rm -rf /", "1.2.3|id", "`id`", "$(id)", "%2e%2e%2f",
    "..%c0%af", "....//", "~root", "CON", "NUL", "aux.txt", "1.2.3 .", "1.2.3\r\nSet-Cookie: a=b", "1.2.3\\1.2.4",
    "*", "?", "1.2.*", "1.2.3' OR '1'='1", "1.2.3--", "1,2,3", "1.2.3e4", "+1.2", "1.-2", "0x1.2", "1..2", ".", "..",
    "1.2.", ".1.2", "1.2.\u0663", "\uff11.\uff12",
)  # fmt: skip
URLS = (
    "http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/", "http://localhost:8042/",
    "http://0/", "http://0x7f.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "javascript:alert(1)",
    "data:text/html,<script>", "dict://x", "ldap://x", "jar:http://x!/", "//evil.example",
    "http://evil.example@127.0.0.1/", "http://127.1/", "\\\\evil\\x", "http://2130706433/",
    "https://evil.example/%0d%0aX: y", "ftp://x", "http://[fd00::1]/", "http://10.0.0.1/", "smb://x/y",
)  # fmt: skip


@kind("DCM-11 identifiers")
def paths(_: random.Random) -> Iterator[Variant]:
    for syntax in (*ORDERED, DEFLATED):
        for tag in UIDS:
            for text in PATHS:
                value = even(text.encode("utf-8"), b"\0")
                yield f"{tag:08X} {text!r}", REFUSED, bytes(sound(syntax, (tag, "UI", value)))


@kind("DCM-11 identifiers")
def paddings(_: random.Random) -> Iterator[Variant]:
    """Padding in front or inside is the end of the text to some readers, and nothing to others."""
    for tag, right in ((0x0020000D, f"{ROOT}.6"), (0x0020000E, f"{ROOT}.7")):
        for before in ("", " ", "\0", "  ", "\0\0", " \0", "\0 ", "\t", "\n"):
            for after in (
                "",
                " ",
                "\0",
                "\0\0",
                "  ",
                " \0",
                "\0 ",
                "\0 \0",
                "\t",
                "\n",
                "\0" + right[::-1],
                " " + right[:9],
            ):
                good = not before and not after.strip(" \0")
                value = (before + right + after).encode()
                for syntax in ORDERED:
                    yield f"{tag:08X} {value!r}", PASSES if good else REFUSED, bytes(sound(syntax, (tag, "UI", value)))
    for length in range(1, 80):
        for text in ("1" * length, ("1." * length)[: length - 1] + "1", "0" * length):
            expected = PASSES if len(text) <= 64 else REFUSED
            yield f"{length} long", expected, bytes(sound("1.2.840.10008.1.2.1", (0x0020000D, "UI", text.encode())))
    for text in ("", " ", "\0", "\0\0", "   "):
        for tag in UIDS:
            yield f"{tag:08X} empty {text!r}", REFUSED, bytes(sound("1.2.840.10008.1.2.1", (tag, "UI", text.encode())))


@kind("DCM-13 nearly the same object")
def near_misses(source: random.Random) -> Iterator[Variant]:
    """Leading zeros, one digit more or less; same UID but other bytes."""
    for number in range(150):
        digits = list(SOP_INSTANCE)
        digits[-1 - source.randrange(8)] = str(source.randrange(10))
        uid = "".join(digits) if number % 2 else SOP_INSTANCE.replace(".5", ".05") + str(number)
        for syntax in ORDERED:
            file = sound(syntax, (0x00080018, "UI", even(uid, b"\0"))).but(meta=meta(syntax, sop_instance=uid))
            yield f"{uid} {syntax}", PASSES, bytes(file)
    for number in range(300):
        yield (
            f"other bytes {number}",
            PASSES,
            bytes(sound(ORDERED[number % 3], (0x00204000, "LT", even(f"take {number}")))),
        )


@kind("DCM-12 addresses")
def addresses(_: random.Random) -> Iterator[Variant]:
    """Addresses that nobody must ever fetch."""
    for syntax in (*ORDERED, DEFLATED):
        for url in (*URLS, *PATHS):
            for tag, vr in (
                (0x00081190, "UR"),
                (0x00080118, "UR"),
                (0x0040E010, "UR"),
                (0x00287FE0, "UR"),
                (0x00020026, "UR"),
            ):
                expected = EITHER if tag < 0x00080000 else PASSES
                yield f"{tag:08X} {url!r}", expected, bytes(sound(syntax, (tag, vr, even(url.encode("utf-8")))))
