"""What a client accepts is weighed against what we can give."""

import pytest

from imaging.dicom.media_types import MediaType, choose

JSON = MediaType("application/dicom+json")
SINGLE = MediaType("application/dicom")
ORIGINAL = MediaType("multipart/related", {"type": "application/dicom", "transfer-syntax": "1.2.840.10008.1.2.4.90"})
EXPLICIT = MediaType("multipart/related", {"type": "application/dicom", "transfer-syntax": "1.2.840.10008.1.2.1"})
OCTETS = MediaType("multipart/related", {"type": "application/octet-stream"})
JP2 = MediaType("multipart/related", {"type": "image/jp2"})
JPEG = MediaType("image/jpeg")


@pytest.mark.parametrize(
    ("accept", "offered", "chosen"),
    [
        (None, [ORIGINAL, JSON], ORIGINAL),
        ("", [JSON], JSON),
        ("*/*", [ORIGINAL, JSON], ORIGINAL),
        ("application/dicom+json", [ORIGINAL, JSON], JSON),
        ("APPLICATION/DICOM+JSON; charset=utf-8", [JSON], JSON),
        ("text/html", [JSON], None),
        (
            'multipart/related; type="application/dicom"; transfer-syntax=*',
            [JSON, EXPLICIT, ORIGINAL],
            EXPLICIT,
        ),
        ('multipart/related; type="application/dicom"', [ORIGINAL], ORIGINAL),
        (
            'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90',
            [EXPLICIT, ORIGINAL],
            ORIGINAL,
        ),
        (
            'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.5',
            [EXPLICIT, ORIGINAL],
            None,
        ),
        ("multipart/related; type=application/dicom", [OCTETS, ORIGINAL], ORIGINAL),
        ('multipart/related; type="application/octet-stream"', [JP2, OCTETS], OCTETS),
        ('multipart/related; type="image/*"', [OCTETS, JP2], JP2),
        ('multipart/related; type="*/*"', [OCTETS], OCTETS),
        ("multipart/related", [OCTETS], OCTETS),
        ("application/dicom", [ORIGINAL], None),
        ("application/dicom", [ORIGINAL, SINGLE], SINGLE),
        ("image/*", [JSON, JPEG], JPEG),
        ("image/webp, image/jpeg;q=0.8, */*;q=0.1", [JSON, JPEG], JPEG),
        ("application/dicom+json;q=0.2, application/dicom", [JSON, SINGLE], SINGLE),
        ("*/*, application/dicom+json;q=0", [JSON], None),
        ("*/*;q=0.5, image/jpeg;q=0.1", [JPEG, JSON], JSON),
        (
            'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1;q=0.1, '
            'multipart/related; type="application/dicom"; transfer-syntax=*',
            [EXPLICIT, ORIGINAL],
            ORIGINAL,
        ),
        ("rubbish, application/dicom+json", [JSON], JSON),
        ("application/dicom+json;q=nonsense", [JSON], JSON),
        ("*/*", [], None),
    ],
)
def test_the_best_fit_is_chosen(accept, offered, chosen):
    assert choose(accept, offered) == chosen


def test_a_media_type_is_written_as_a_header_value():
    assert str(ORIGINAL) == ('multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90')
