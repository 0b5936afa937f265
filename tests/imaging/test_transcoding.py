"""Pixels in another transfer syntax are the same pixels: pydicom, which shares none of our decoders, is the judge."""

import io
import struct

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import pixel_array

from audit.actions import Action
from imaging.dicom.transfer_syntaxes import (
    EXPLICIT_LITTLE,
    HTJ2K_LOSSLESS,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LS_LOSSLESS,
    RLE,
)
from imaging.models import Instance
from imaging.services import transcoding
from imaging.services.answers import NotAcceptable
from imaging.services.rendering import RenderFailed
from imaging.services.transcoding import transcoded_file, transcoded_frames
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.library import body_of, events, get_parts, instance_url, keep, real_file, series_url

# What pydicom decodes itself.
ORACLES = [
    "CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm", "ExplVR_BigEnd.dcm",
    "SC_rgb_small_odd_big_endian.dcm", "liver_expb_1frame.dcm", "image_dfl.dcm", "examples_palette.dcm",
    "SC_ybr_full_422_uncompressed.dcm", "MR_small_padded.dcm", "emri_small.dcm", "MR_small_RLE.dcm",
    "SC_rgb_rle_2frame.dcm", "SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_rle_32bit_2frame.dcm", "rtdose_rle.dcm",
    "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "MR_small_jp2klossless.dcm", "examples_jpeg2k.dcm",
    "SC_rgb_gdcm_KY.dcm", "SC_jpeg_no_color_transform.dcm", "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_rgb_jpeg_app14_dcmd.dcm", "SC_rgb_jpeg_dcmtk.dcm", "examples_ybr_color.dcm",
    "SC_rgb_small_odd_jpeg.dcm", "emri_small_jpeg_2k_lossless.dcm", "emri_small_RLE.dcm",
]  # fmt: skip
# What it does not, with a file of the same pixels that it does.
TWINS = {
    "MR_small_jpeg_ls_lossless.dcm": "MR_small.dcm", "emri_small_jpeg_ls_lossless.dcm": "emri_small.dcm",
    "SC_rgb_jpeg_gdcm.dcm": "SC_rgb_rle.dcm",
}  # fmt: skip
CORRECTED = {"PhotometricInterpretation", "PlanarConfiguration", "PixelData", "LossyImageCompression"}


def read(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def stored(tenant: Tenant, user: User, data: bytes) -> Instance:
    (header,) = keep(tenant, user, data)
    with tenant_scope(tenant.id):
        return Instance.objects.select_related("series__study").get(sop_instance_uid=header.SOPInstanceUID)


def file_of(instance: Instance) -> bytes:
    length, pieces = transcoded_file(instance)
    data = b"".join(pieces)
    assert len(data) == length
    return data


def stored_pixels(data_set: pydicom.Dataset) -> np.ndarray:
    """Stored values with colour by pixel, as pydicom sees them; YCbCr stays, but what JPEG made is turned back."""
    return pixel_array(data_set, raw=not data_set.file_meta.TransferSyntaxUID.startswith("1.2.840.10008.1.2.4."))


@pytest.mark.parametrize("name", ORACLES)
def test_a_transcoded_file_has_the_pixels_of_the_stored_one(name: str, northside: Tenant, bob: User) -> None:
    given = read(file_of(stored(northside, bob, real_file(name))))
    before = read(real_file(name))

    assert given.file_meta.TransferSyntaxUID == EXPLICIT_LITTLE
    assert given.file_meta.MediaStorageSOPInstanceUID == before.SOPInstanceUID
    np.testing.assert_array_equal(stored_pixels(given), stored_pixels(before))
    require_same_header(given, before)


def require_same_header(given: pydicom.Dataset, before: pydicom.Dataset) -> None:
    for element in before:
        if element.keyword in CORRECTED or element.tag.element == 0 or element.tag > 0x7FE00010:
            continue
        if element.VR in ("OW", "UN"):
            continue  # judged by their own tests
        assert given[element.tag].value == element.value, element.tag
        assert given[element.tag].VR == element.VR, element.tag
    assert {element.tag for element in given} - {element.tag for element in before} <= {0x00282110, 0x00280006}


@pytest.mark.parametrize("name", TWINS)
def test_what_pydicom_cannot_decode_has_the_pixels_of_its_twin(name: str, northside: Tenant, bob: User) -> None:
    given = read(file_of(stored(northside, bob, real_file(name))))

    np.testing.assert_array_equal(given.pixel_array, read(real_file(TWINS[name])).pixel_array)


def test_private_elements_keep_their_bytes_and_words_of_big_endian_files_are_turned(northside, bob) -> None:
    big, little = read(real_file("MR_small_bigendian.dcm")), read(real_file("MR_small.dcm"))
    del big.file_meta
    big.add_new(0x00091001, "UN", b"\1\2\3\4")
    big.add_new(0x00091002, "OW", b"\1\2\3\4")
    big.add_new(0x00090010, "LO", "Somebody")
    packed = io.BytesIO()
    big.file_meta = pydicom.dataset.FileMetaDataset()
    big.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    big.file_meta.MediaStorageSOPClassUID = big.SOPClassUID
    big.file_meta.MediaStorageSOPInstanceUID = big.SOPInstanceUID
    pydicom.dcmwrite(packed, big, enforce_file_format=True)

    given = read(file_of(stored(northside, bob, packed.getvalue())))

    assert given[0x00091001].value == b"\1\2\3\4"
    assert given[0x00091002].value == b"\2\1\4\3"
    assert given.Rows == little.Rows


def test_text_keeps_its_bytes_in_whatever_character_set(northside: Tenant, bob: User) -> None:
    source = read(real_file("MR_small_implicit.dcm"))
    source.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    source.PatientName = "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"
    packed = io.BytesIO()
    source.save_as(packed)

    given = read(file_of(stored(northside, bob, packed.getvalue())))

    assert given.PatientName == source.PatientName


def test_what_was_lossy_stays_named_lossy(northside: Tenant, bob: User) -> None:
    lossy = read(file_of(stored(northside, bob, real_file("SC_rgb_jpeg_dcmtk.dcm"))))
    lossless = read(file_of(stored(northside, bob, real_file("MR_small_RLE.dcm"))))

    assert (lossy.LossyImageCompression, lossy.PhotometricInterpretation) == ("01", "RGB")
    assert lossless.get("LossyImageCompression", "00") == "00"


def test_an_object_without_pixels_is_rewritten_too(northside: Tenant, bob: User) -> None:
    source = read(real_file("reportsi.dcm"))
    packed = io.BytesIO()
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    pydicom.dcmwrite(packed, source, implicit_vr=True, little_endian=True)

    given = read(file_of(stored(northside, bob, packed.getvalue())))

    assert given.file_meta.TransferSyntaxUID == EXPLICIT_LITTLE
    assert given.ContentSequence == source.ContentSequence


# --- Frames -----------------------------------------------------------------------------------------------------


def frames_of(instance: Instance, numbers: list[int], target: str) -> list[bytes]:
    lengths, pieces = transcoded_frames(instance, numbers, target)
    frames = [frame for frame in pieces if frame]
    assert all(length in (None, len(frame)) for length, frame in zip(lengths, frames, strict=True))
    return frames


@pytest.mark.parametrize("name", ["emri_small_RLE.dcm", "examples_ybr_color.dcm", "MR_small_bigendian.dcm"])
def test_frames_are_given_decoded(name: str, northside: Tenant, bob: User) -> None:
    pixels = read(real_file(name)).pixel_array
    numbers = [1] if pixels.ndim == 2 else [1, 3, 2]
    expected = [pixels] if pixels.ndim == 2 else [pixels[number - 1] for number in numbers]

    frames = frames_of(stored(northside, bob, real_file(name)), numbers, EXPLICIT_LITTLE)

    assert frames == [each.astype(each.dtype.newbyteorder("<")).tobytes() for each in expected]


def test_a_big_endian_frame_that_ends_within_a_word_has_its_last_byte(northside: Tenant, bob: User) -> None:
    source = real_file("SC_rgb_small_odd_big_endian.dcm")  # 27 bytes in 14 words

    frames = frames_of(stored(northside, bob, source), [1, 1], EXPLICIT_LITTLE)

    assert frames == [read(source).pixel_array.tobytes()] * 2


ENCODED = {
    JPEG_LS_LOSSLESS: imagecodecs.jpegls_decode, JPEG_2000_LOSSLESS: imagecodecs.jpeg2k_decode,
    HTJ2K_LOSSLESS: imagecodecs.htj2k_decode,
}  # fmt: skip


@pytest.mark.parametrize("target", ENCODED)
@pytest.mark.parametrize("name", ["CT_small.dcm", "examples_rgb_color.dcm", "SC_rgb_rle_16bit_2frame.dcm"])
def test_frames_are_compressed_without_loss(name: str, target: str, northside: Tenant, bob: User) -> None:
    pixels = read(real_file(name)).pixel_array
    pixels = pixels[0] if name.endswith("2frame.dcm") else pixels

    (frame,) = frames_of(stored(northside, bob, real_file(name)), [1], target)

    np.testing.assert_array_equal(ENCODED[target](frame).astype(np.uint16), pixels.astype(np.uint16))


@pytest.mark.parametrize("name", ["CT_small.dcm", "examples_rgb_color.dcm"])
def test_run_lengths_are_read_back_by_pydicom(name: str, northside: Tenant, bob: User) -> None:
    (frame,) = frames_of(stored(northside, bob, real_file(name)), [1], RLE)
    source = read(real_file(name))
    expected = source.pixel_array
    source.PixelData, source.file_meta.TransferSyntaxUID = encapsulate([frame]), RLE
    source["PixelData"].is_undefined_length = True

    np.testing.assert_array_equal(read(_written(source)).pixel_array, expected)


def _written(data_set: pydicom.Dataset) -> bytes:
    packed = io.BytesIO()
    data_set.save_as(packed)
    return packed.getvalue()


def test_baseline_jpeg_is_near_and_only_of_eight_bits(northside: Tenant, bob: User) -> None:
    (frame,) = frames_of(stored(northside, bob, real_file("examples_rgb_color.dcm")), [1], JPEG_BASELINE)
    expected = read(real_file("examples_rgb_color.dcm")).pixel_array.astype(int)
    assert np.abs(imagecodecs.jpeg8_decode(frame).astype(int) - expected).mean() < 3

    with pytest.raises(RenderFailed, match="NoEncoder"):
        frames_of(stored(northside, bob, real_file("CT_small.dcm")), [1], JPEG_BASELINE)


def test_many_frames_go_in_batches(northside: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = stored(northside, bob, real_file("emri_small_RLE.dcm"))
    monkeypatch.setattr(transcoding, "BATCH_FRAMES", 4)
    jobs = []
    run = transcoding.run
    monkeypatch.setattr(transcoding, "run", lambda *args, **kwargs: jobs.append(args) or run(*args, **kwargs))

    frames = frames_of(instance, list(range(1, 11)), EXPLICIT_LITTLE)

    assert (len(frames), len(jobs)) == (10, 3)


# --- Hostile ----------------------------------------------------------------------------------------------------


def with_frame(name: str, frame: bytes, **changes: object) -> bytes:
    source = read(real_file(name))
    source.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
    for keyword, value in changes.items():
        setattr(source, keyword, value)
    return _written(source)


def only_frame(name: str) -> bytes:
    source = read(real_file(name))
    return next(generate_frames(source.PixelData, number_of_frames=1))


HOSTILE = {
    "a codestream of other dimensions": lambda: with_frame("JPEG2000.dcm", only_frame("693_J2KI.dcm")),
    "a header of other dimensions": lambda: with_frame("JPEG2000.dcm", only_frame("JPEG2000.dcm"), Rows=4096),
    "run lengths cut off": lambda: with_frame("MR_small_RLE.dcm", only_frame("MR_small_RLE.dcm")[:2000]),
    "run lengths beyond the end": lambda: with_frame("MR_small_RLE.dcm", struct.pack("<16I", 2, 64, 10**9, *[0] * 13)),
    "a jpeg of three samples for one": lambda: with_frame("SC_rgb_jpeg_dcmtk.dcm", only_frame("SC_rgb_jpeg_dcmtk.dcm"),
                                                          SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2"),
    "more bits than allocated": lambda: with_frame("JPEG2000.dcm", only_frame("JPEG2000.dcm"),
                                                   BitsAllocated=8, BitsStored=8),
    "more bits stored than allocated": lambda: with_frame("MR_small_jpeg_ls_lossless.dcm",
                                                          only_frame("MR_small_jpeg_ls_lossless.dcm"), BitsStored=99),
    "noise": lambda: with_frame("JPEG2000.dcm", bytes(range(256)) * 20),
    "nothing": lambda: with_frame("JPEG2000.dcm", b"\0\0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_image_is_refused_with_a_reason(kind: str, northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, HOSTILE[kind]())
    client, url = browser_of(nora), instance_url(header)

    for path, accept in (
        ("", f'application/dicom; transfer-syntax="{EXPLICIT_LITTLE}"'),
        ("/frames/1", "application/octet-stream"),
        ("/rendered", "image/png"),
        ("/thumbnail", "image/jpeg"),
    ):
        response = client.get(url + path, headers={"Accept": accept})
        assert response.status_code == 406, (path, response.status_code)
        assert "cannot be decoded" in response.json()["reason"]
    assert not events(northside, Action.FRAMES_VIEWED) and not events(northside, Action.INSTANCES_RETRIEVED)


def test_a_file_too_large_once_decoded_is_not_begun(northside: Tenant, bob: User, monkeypatch) -> None:
    instance = stored(northside, bob, real_file("emri_small_RLE.dcm"))
    monkeypatch.setattr(transcoding, "MAX_FILE_BYTES", 80_000)

    with pytest.raises(NotAcceptable, match="too large"):
        transcoded_file(instance)


# --- By HTTP ----------------------------------------------------------------------------------------------------


def test_an_instance_is_transcoded_where_explicit_little_is_named(northside, bob, nora, browser_of) -> None:
    (header,) = keep(northside, bob, real_file("MR_small_RLE.dcm"))
    accept = f"application/dicom; transfer-syntax={EXPLICIT_LITTLE}"

    response = browser_of(nora).get(instance_url(header), headers={"Accept": accept})

    assert response.status_code == 200
    assert response["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT_LITTLE}"
    np.testing.assert_array_equal(read(body_of(response)).pixel_array, read(real_file("MR_small_RLE.dcm")).pixel_array)
    (event,) = events(northside, Action.INSTANCES_RETRIEVED)
    assert event.details["instances"] == 1


def test_a_series_of_mixed_transfer_syntaxes_is_transcoded_where_it_must_be(northside, bob, nora, browser_of) -> None:
    native, packed = read(real_file("MR_small.dcm")), read(real_file("MR_small_RLE.dcm"))
    packed.SOPInstanceUID = packed.file_meta.MediaStorageSOPInstanceUID = native.SOPInstanceUID + ".1"
    packed.StudyInstanceUID, packed.SeriesInstanceUID = native.StudyInstanceUID, native.SeriesInstanceUID
    header, _ = keep(northside, bob, real_file("MR_small.dcm"), _written(packed))
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT_LITTLE}'

    parts = get_parts(browser_of(nora), series_url(header), accept)

    assert {kind for kind, _ in parts} == {f"application/dicom; transfer-syntax={EXPLICIT_LITTLE}"}
    assert real_file("MR_small.dcm") in [data for _, data in parts]
    for _, data in parts:
        np.testing.assert_array_equal(read(data).pixel_array, native.pixel_array)
