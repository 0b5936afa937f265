"""DCM-01: what stands in front of the DICOM data, and what is no DICOM at all."""

import random
from collections.abc import Iterator

from imaging.dicom.transfer_syntaxes import DEFLATED, EXPLICIT_LITTLE
from tests.imaging.hostile.building import JPEG_BASELINE, ORDERED, sound
from tests.imaging.hostile.cases import EITHER, PASSES, REFUSED, Variant, kind

SYNTAXES = (*ORDERED, DEFLATED, JPEG_BASELINE)
MAGICS = (
    b"MZ", b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff", b"\x7fELF\2\1\1", b"\x7fELF\1\2\1", b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x34",
    b"\xca\xfe\xba\xbe\0\0\0\2", b"\xca\xfe\xba\xbf", b"\xca\xfe\xd0\x0d", b"dex\n035\0", b"\0asm\1\0\0\0",
    b"L\0\0\0\1\x14\2\0", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"#!/bin/sh\n", b"#!/usr/bin/python3\n",
    b"#! /bin/sh", b"PK\3\4", b"PK\5\6", b"PK\7\x08", b"Rar!\x1a\7\0", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08\0",
    b"BZh91AY&SY", b"\xfd7zXZ\0", b"MSCF\0\0\0\0", b"!<arch>\n", b"\x1bLua", b"%PDF-1.7\n", b"%!PS-Adobe-3.0",
    b"{\\rtf1\\ansi", b"GIF87a", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xdb",
    b"\x89PNG\r\n\x1a\n", b"@echo off\r\n", b"@ECHO OFF\r\n", b"ITSF\3\0\0\0", b"CWS\x0a", b"FWS\x0a", b"ZWS\x0a",
    b"regf",
)  # fmt: skip
MARKUP = (
    b"<html>", b"<svg onload=alert(1)>", b"<?xml version='1.0'?>", b"<!DOCTYPE html>", b"<script>alert(1)</script>",
    b"<?php system($_GET[0]);?>", b"<body onload=alert(1)>", b"<iframe src=//x>", b"<head>", b"<h1>", b"<div>",
    b"<font>", b"<table>", b"<a href=javascript:alert(1)>", b"<style>", b"<title>", b"<b>", b"<br>", b"<p>",
    b"<!-- -->", b"<img src=x onerror=alert(1)>", b"<meta http-equiv=refresh>", b"<math>", b"<object>", b"<embed>",
    b"<form>",
)  # fmt: skip
INSIDE = (b"<script>", b"<SCRIPT ", b"<html", b"<svg/", b"<?php ", b"javascript:", b"<sCrIpT>", b"%PDF-1.4")
KNOWN_START = b"II*\0\x08\0\0\0"


@kind("DCM-01 preambles")
def magics(source: random.Random) -> Iterator[Variant]:
    for magic in MAGICS:
        for syntax in SYNTAXES:
            for filler in (b"\0", b" ", b"\xff", b"A", source.randbytes(128)):
                preamble = (magic + filler * 128)[:128]
                yield f"{magic!r} {syntax}", REFUSED, bytes(sound(syntax).but(preamble=preamble))


@kind("DCM-01 preambles")
def markup(_: random.Random) -> Iterator[Variant]:
    for start in MARKUP:
        for text in (start, start.upper(), start.swapcase()):
            for lead in (b"", b"\r\n\t ", b"\xef\xbb\xbf", b"\f\n" * 9, b"\0", b"\xef\xbb\xbf\0 "):
                yield repr(lead + text), REFUSED, bytes(sound().but(preamble=lead + text))
            for coded in ("utf-16-le", "utf-16-be"):
                wide = ("\ufeff" + text.decode()).encode(coded)
                yield f"{coded} {text!r}", REFUSED, bytes(sound().but(preamble=wide))


@kind("DCM-01 preambles")
def markup_inside(source: random.Random) -> Iterator[Variant]:
    for text in INSIDE:
        for offset in range(0, 128 - len(text), 3):
            for filler in (b"\0" * 128, b"x" * 128, KNOWN_START.ljust(128, b"\0"), source.randbytes(128)):
                preamble = filler[:offset] + text + filler[offset + len(text) :]
                yield f"{text!r} at {offset}", REFUSED, bytes(sound().but(preamble=preamble))


@kind("DCM-01 preambles")
def passive(source: random.Random) -> Iterator[Variant]:
    for syntax in SYNTAXES:
        for number in range(20):
            tiff = source.choice((b"II*\0", b"MM\0*", b"II+\0")) + number.to_bytes(124, "little")
            yield f"TIFF {number}", PASSES, bytes(sound(syntax).but(preamble=tiff))
            yield f"noise {number}", EITHER, bytes(sound(syntax).but(preamble=source.randbytes(128)))


@kind("DCM-01 not DICOM")
def foreign(source: random.Random) -> Iterator[Variant]:
    yield "nothing", REFUSED, b""
    for start in (*MAGICS, *MARKUP, b"{", b"text", b"\0", b"BM", b"\x08\0\5\0CS", b"\2\0\0\0UL", b"DICM"):
        for length in (0, 1, 131 - len(start), 300, 2000):
            yield f"{start!r} {length}", REFUSED, start + source.randbytes(max(0, length)).replace(b"DICM", b"dicm")
    for length in range(0, 140):
        yield f"zeros {length}", REFUSED, bytes(length)


@kind("DCM-01 not DICOM")
def shifted(source: random.Random) -> Iterator[Variant]:
    """The prefix elsewhere, in other letters, or the data set bare."""
    data = bytes(sound())
    for offset in (*range(-128, 0, 5), *range(1, 64, 3)):
        moved = data[-offset:] if offset < 0 else bytes(offset) + data
        yield f"shifted {offset}", REFUSED, moved
    for prefix in (b"dicm", b"DICO", b"DiCM", b"\0\0\0\0", b"MCID", b"DIC\0", source.randbytes(4)):
        yield f"prefix {prefix!r}", REFUSED, data[:128] + prefix + data[132:]
    for syntax in SYNTAXES:
        file = sound(syntax)
        yield f"bare {syntax}", REFUSED, file.header + file.pixels
        yield f"meta alone {syntax}", REFUSED, bytes(file.but(header=b"", pixels=b""))
        yield f"no meta {syntax}", REFUSED, bytes(file.but(meta=b""))


@kind("DCM-01 not DICOM")
def wrapped(_: random.Random) -> Iterator[Variant]:
    """A sound file inside another one."""
    data = bytes(sound())
    for magic in MAGICS:
        yield f"behind {magic!r}", REFUSED, magic.ljust(512, b"\0") + data
    for character in range(256):
        yield f"behind byte {character}", REFUSED, bytes([character]) + data
    yield "twice", REFUSED, data + data
    yield "as text", REFUSED, data.hex().encode()
    yield "as wide text", REFUSED, data.decode("latin-1").encode("utf-16")
    yield "as UTF-8", REFUSED, data.decode("latin-1").encode("utf-8")
    yield "line breaks", EITHER, data.replace(b"\n", b"\r\n")
    yield "syntax named in the preamble", PASSES, bytes(sound().but(preamble=EXPLICIT_LITTLE.encode()))
