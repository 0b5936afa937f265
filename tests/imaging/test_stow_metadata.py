"""STOW-RS of metadata and bulk data: what we give is what we take (PS3.18 §10.5.1, §8.6.1.2)."""

import base64
import json
import socket
from collections.abc import Callable

import pytest
from django.test import Client

from imaging.dicom import metadata_text
from imaging.models import Instance
from imaging.services import assembly
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import CT_IMAGE, ROOT, without_pixels
from tests.imaging.library import ANY, body_of, get_parts, instance_url, keep, real_file
from tests.imaging.test_stow import URL, count, store, token_of

JSON = "application/dicom+json"
TYPE = f'multipart/related; type="{JSON}"; boundary=part'
OCTETS = "application/octet-stream"
NEW = f"{ROOT}.77"
PIXELS = "7FE00010"


def related(*parts: tuple[str, str, bytes], **more: str) -> bytes:
    """A body of (Content-Type, Content-Location, bytes)."""
    body = b""
    for kind, location, data in parts:
        place = f"\r\nContent-Location: {location}" if location else ""
        extra = "".join(f"\r\n{name.replace('_', '-')}: {value}" for name, value in more.items() if location)
        body += f"--part\r\nContent-Type: {kind}{place}{extra}\r\n\r\n".encode() + data + b"\r\n"
    return body + b"--part--\r\n"


def described(number: int = 1, **elements: object) -> dict:
    """Metadata of a 2 by 2 image of 16 bits; `elements` by tag, with a leading t."""
    texts = {
        "00080016": CT_IMAGE, "00080018": f"{ROOT}.9.1.{number}", "0020000D": f"{ROOT}.9", "0020000E": f"{ROOT}.9.1",
    }  # fmt: skip
    shorts = {"00280002": 1, "00280010": 2, "00280011": 2, "00280100": 16, "00280101": 16, "00280103": 0}
    found = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in texts.items()}
    found |= {tag: {"vr": "US", "Value": [value]} for tag, value in shorts.items()}
    found |= {"00280004": {"vr": "CS", "Value": ["MONOCHROME2"]}, "00100020": {"vr": "LO", "Value": ["P1"]}}
    return found | {tag[1:]: value for tag, value in elements.items()}


def bulk(uri: str, vr: str = "OW") -> dict[str, str]:
    return {"vr": vr, "BulkDataURI": uri}


def metadata(*instances: dict) -> tuple[str, str, bytes]:
    return JSON, "", json.dumps(list(instances)).encode()


def octets(uri: str, data: bytes = b"12345678") -> tuple[str, str, bytes]:
    return OCTETS, uri, data


def failures(answer) -> list[str]:
    items = answer.json().get("0008119A", {"Value": []})["Value"]
    return [item["00000902"]["Value"][0] for item in items]


@pytest.fixture
def token(bob: User, northside: Tenant) -> str:
    return token_of(bob, northside, "store", "read")


@pytest.fixture
def send(token: str) -> Callable:
    def post(*parts: tuple[str, str, bytes], url: str = URL, **more: str):
        return store(token, related(*parts, **more), url, TYPE)

    return post


@pytest.fixture
def reader(bob: User, northside: Tenant, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(bob)


def get_metadata(client: Client, url: str) -> dict:
    (found,) = json.loads(body_of(client.get(f"{url}/metadata", headers={"Accept": JSON})))
    return found


def bulk_uris(json_value: object) -> list[str]:
    if isinstance(json_value, dict):
        own = [json_value["BulkDataURI"]] if "BulkDataURI" in json_value else []
        return own + [uri for value in json_value.values() for uri in bulk_uris(value)]
    return [uri for value in json_value for uri in bulk_uris(value)] if isinstance(json_value, list) else []


NATIVE = ["CT_small.dcm", "SC_rgb_small_odd.dcm", "liver_1frame.dcm", "emri_small.dcm"]
COMPRESSED = [
    "JPEG-LL.dcm", "SC_rgb_jpeg_dcmtk.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "rtdose_rle.dcm", "emri_small_RLE.dcm",
    "emri_small_jpeg_2k_lossless.dcm", "MR_small_jpeg_ls_lossless.dcm",
]  # fmt: skip


@pytest.mark.parametrize("name", NATIVE + COMPRESSED)
def test_a_real_instance_taken_apart_is_put_together_again(
    send: Callable, reader: Client, northside: Tenant, bob: User, name: str
) -> None:
    (header,) = keep(northside, bob, real_file(name))
    url = instance_url(header)
    frames = ",".join(map(str, range(1, int(header.get("NumberOfFrames") or 1) + 1)))
    found = get_metadata(reader, url)
    values = [octets(uri, body_of(reader.get(uri, headers={"Accept": OCTETS}))) for uri in bulk_uris(found)]
    pixels = get_parts(reader, f"{url}/frames/{frames}", ANY)
    sent = found | {PIXELS: bulk("cid:pixels"), "00080018": {"vr": "UI", "Value": [NEW]}}

    answer = send(metadata(sent), *values, *((kind, "cid:pixels", data) for kind, data in pixels))

    assert answer.status_code == 200, answer.content
    again = url.replace(header.SOPInstanceUID, NEW)
    assert get_parts(reader, f"{again}/frames/{frames}", ANY) == pixels
    kept = get_metadata(reader, again)
    relabelled = json.loads(json.dumps(found).replace(header.SOPInstanceUID, NEW))
    assert kept | {"00083002": None} == relabelled | {"00083002": None}


def test_pixels_whole_are_taken_as_frames_are(send: Callable, reader: Client, northside: Tenant, bob: User) -> None:
    (header,) = keep(northside, bob, real_file("rtdose_rle.dcm"))
    (native,) = keep(northside, bob, real_file("emri_small.dcm"))
    for number, each in enumerate((header, native)):
        url = instance_url(each)
        parts = get_parts(reader, f"{url}/bulkdata/{PIXELS}", ANY)
        new = f"{NEW}.{number}"
        sent = get_metadata(reader, url) | {PIXELS: bulk("x"), "00080018": {"vr": "UI", "Value": [new]}}
        values = [octets(uri, body_of(reader.get(uri, headers={"Accept": OCTETS}))) for uri in bulk_uris(sent)[:-1]]

        answer = send(metadata(sent), *values, *((kind, "x", data) for kind, data in parts))

        assert answer.status_code == 200, answer.content
        assert get_parts(reader, f"{url.replace(each.SOPInstanceUID, new)}/bulkdata/{PIXELS}", ANY) == parts


def test_an_encapsulated_document_comes_as_bulk_data(
    send: Callable, reader: Client, northside: Tenant, bob: User
) -> None:
    pdf = b"%PDF-1.7 " + b"page " * 1000
    data = without_pixels(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
        EncapsulatedDocument=pdf,
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    (header,) = keep(northside, bob, data)
    found = get_metadata(reader, instance_url(header))
    (uri,) = bulk_uris(found)

    answer = send(metadata(found | {"00080018": {"vr": "UI", "Value": [NEW]}}), ("application/pdf", uri, pdf))

    assert answer.status_code == 200, answer.content
    again = get_metadata(reader, instance_url(header).replace(header.SOPInstanceUID, NEW))
    assert body_of(reader.get(bulk_uris(again)[0], headers={"Accept": OCTETS})).rstrip(b"\0") == pdf


def test_metadata_alone_in_one_object_with_inline_pixels_are_an_instance(send: Callable, northside: Tenant) -> None:
    inline = {"vr": "OW", "InlineBinary": base64.b64encode(b"12345678").decode()}
    answer = send((f"{JSON}; charset=utf-8", "", json.dumps(described(**{f"t{PIXELS}": inline})).encode()))
    assert (answer.status_code, count(northside)) == (200, 1)


def test_parts_are_found_by_their_names_in_whatever_order(send: Callable, reader: Client) -> None:
    first, second = (described(n, **{f"t{PIXELS}": bulk(f"../{n}"), "t00420011": bulk(f"d{n}", "OB")}) for n in (1, 2))
    answer = send(
        metadata(first), metadata(second), octets("d2"), octets("../2", b"22222222"), octets("nobody"), octets("d1"),
        octets("../1", b"11111111"),
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    url = f"{URL}/{ROOT}.9/series/{ROOT}.9.1/instances/{ROOT}.9.1"
    assert [get_parts(reader, f"{url}.{n}/frames/1")[0][1] for n in (1, 2)] == [b"11111111", b"22222222"]


def test_names_are_utf_8_whatever_the_metadata_say(send: Callable, reader: Client) -> None:
    name = {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg", "Ideographic": "山田"}]}
    charset = {"vr": "CS", "Value": ["ISO_IR 100"]}
    for number, more in ((1, {}), (2, {"t00080005": charset})):
        sent = described(number, t00100010=name, **more, **{f"t{PIXELS}": bulk("p")})
        assert send(metadata(sent), octets("p")).status_code == 200
        url = f"{URL}/{ROOT}.9/series/{ROOT}.9.1/instances/{ROOT}.9.1.{number}"
        assert get_metadata(reader, url)["00100010"] == name


@pytest.mark.parametrize(
    ("kind", "available", "syntax"),
    [
        ("image/jp2", "", "90"), ("image/jp2", "91", "91"), ("image/jp2", "50", "90"), ("image/jls", "", "80"),
        ("image/jpeg", "", "70"), ('image/jpeg; transfer-syntax="1.2.840.10008.1.2.4.50"', "", "50"),
        ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.81", "", "81"),
    ],
)  # fmt: skip
def test_the_media_type_says_how_frames_are_compressed(
    send: Callable, northside: Tenant, kind: str, available: str, syntax: str
) -> None:
    stem = "1.2.840.10008.1.2.4."
    more = {"t00083002": {"vr": "UI", "Value": [stem + available]}} if available else {}
    answer = send(metadata(described(**more, **{f"t{PIXELS}": bulk("p", "OB")})), (kind, "p", b"frame"))
    assert answer.status_code == 200, answer.content
    with tenant_scope(northside.id):
        assert Instance.objects.get().transfer_syntax_uid == stem + syntax


def test_a_missing_part_costs_its_instance_and_is_never_fetched(send: Callable, northside: Tenant) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        here = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        uris = [here, "file:///etc/passwd", "/t/northside/dicomweb/studies", "cid:a"]
        pixels = [described(n, **{f"t{PIXELS}": bulk(uri)}) for n, uri in enumerate(uris)]
        others = [described(n, t00420011=bulk(f"{uri}/", "OB")) for n, uri in enumerate(uris, 4)]
        answer = send(metadata(*pixels, *others, described(8, **{f"t{PIXELS}": bulk("here")})), octets("here"))
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert (answer.status_code, count(northside)) == (202, 1)
    assert failures(answer) == ["Bulk data that the metadata name did not come along."] * 8


def test_bulk_data_behind_the_pixels_come_too_late(send: Callable, northside: Tenant) -> None:
    sent = described(**{f"t{PIXELS}": bulk("p"), "t00420011": bulk("d", "OB")})
    answer = send(metadata(sent, described(2, **{f"t{PIXELS}": bulk("q")})), octets("p"), octets("d"), octets("q"))
    assert (answer.status_code, count(northside), len(failures(answer))) == (202, 1, 1)


@pytest.mark.parametrize("data", [b"", b"1234567", b"123456789", b"1" * 8000])
def test_pixels_of_another_length_are_refused(send: Callable, northside: Tenant, data: bytes) -> None:
    frames = {"vr": "IS", "Value": [2]}
    sent = metadata(described(**{f"t{PIXELS}": bulk("p"), "t00280008": frames}))
    answer = send(sent, octets("p", data))
    assert (answer.status_code, count(northside), len(failures(answer))) == (409, 0, 1)


@pytest.mark.parametrize("kind", [OCTETS, "image/jp2"])
def test_a_part_must_be_as_long_as_it_says(send: Callable, northside: Tenant, kind: str) -> None:
    def status(number: int, length: str) -> int:
        sent = metadata(described(number, **{f"t{PIXELS}": bulk("p", "OB")}))
        return send(sent, (kind, "p", b"12345678"), Content_Length=length).status_code

    told = [status(number, length) for number, length in enumerate(["8", "7", "9", "16", "-8", "x", "8" * 30])]
    assert (told, count(northside)) == ([200, 409, 409, 409, 409, 409, 409], 1)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("kind", [OCTETS, "image/jp2"])
def test_as_many_frames_must_come_as_are_named(send: Callable, northside: Tenant, kind: str, parts: int) -> None:
    sent = described(**{f"t{PIXELS}": bulk("p", "OB"), "t00280008": {"vr": "IS", "Value": [2]}})
    frames = [(kind, "p", b"12345678")] * parts
    answer = send(metadata(sent, described(2, **{f"t{PIXELS}": bulk("q")})), *frames, octets("q"))
    assert (answer.status_code, count(northside), len(failures(answer))) == (202, 1, 1)


def test_pixels_longer_than_what_is_held_stream_by_the_length_the_header_gives(
    send: Callable, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "NATIVE_BYTES", 4)
    monkeypatch.setattr(assembly, "FRAME_BYTES", 4)
    sent = [described(n, **{f"t{PIXELS}": bulk(f"p{n}")}) for n in (1, 2, 3)]
    answer = send(metadata(*sent), octets("p1"), octets("p2", b"1234567"), ("image/jp2", "p3", b"12345678"))
    assert (answer.status_code, count(northside), len(failures(answer))) == (202, 1, 2)


def test_bulk_data_that_wait_have_a_limit(send: Callable, northside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "HELD_BYTES", 20)
    names = [(f"p{n}", f"d{n}") for n in (1, 2, 3)]
    sent = [described(n, **{f"t{PIXELS}": bulk(p), "t00420011": bulk(d, "OB")}) for n, (p, d) in enumerate(names, 1)]
    parts = [octets(d) for _, d in names] + [octets(p) for p, _ in names]
    assert (send(metadata(*sent), *parts).status_code, count(northside)) == (202, 2)
    last = described(4, **{f"t{PIXELS}": bulk("p"), "t00420011": bulk("d", "OB")})
    assert send(metadata(last), octets("d"), octets("p")).status_code == 200


def test_metadata_have_a_limit(send: Callable, northside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "METADATA_BYTES", 100)
    assert (send(metadata(described())).status_code, count(northside)) == (413, 0)


def test_an_instance_of_another_study_is_a_failure(send: Callable, northside: Tenant) -> None:
    other = described(2, t0020000D={"vr": "UI", "Value": [f"{ROOT}.10"]})
    for each in (described(1), other):
        each[PIXELS] = bulk(each["00080018"]["Value"][0])
    parts = [octets(f"{ROOT}.9.1.{n}") for n in (2, 1)]
    answer = send(metadata(described(1) | {PIXELS: bulk(f"{ROOT}.9.1.1")}, other), *parts, url=f"{URL}/{ROOT}.9")
    assert (answer.status_code, count(northside)) == (202, 1)
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA900]


def nested(levels: int) -> dict:
    found = {"00080100": {"vr": "SH", "Value": ["x"]}}
    for _ in range(levels):
        found = {"0040A730": {"vr": "SQ", "Value": [found]}}
    return found["0040A730"]


DEEP = '{"vr":"SQ","Value":[{"0040A730":'
HOSTILE = [
    json.dumps(nested(65)), DEEP * 50_000 + "{}" + "}]}" * 50_000, "[" * 99_999 + "]" * 99_999,
    '{"vr":"US","Value":[65536]}', '{"vr":"US","Value":[-1]}', '{"vr":"US","Value":[1.5]}',
    '{"vr":"US","Value":[true]}',
    '{"vr":"US","Value":[' + "9" * 10_000 + "]}", '{"vr":"FD","Value":[1e999]}', '{"vr":"IS","Value":[99999999999]}',
    '{"vr":"DS","Value":["' + "1" * 17 + '"]}', '{"vr":"DS","Value":["nan"]}', '{"vr":"DS","Value":["1_0"]}',
    '{"vr":"IS","Value":["1_0"]}', '{"vr":"DS","Value":[{}]}',
    '{"vr":"LO","Value":["a\\u0000b"]}', '{"vr":"LO","Value":["a\\\\b"]}', '{"vr":"LO","Value":["\\ud800"]}',
    '{"vr":"LO","Value":[7]}', '{"vr":"LO","Value":"x"}', '{"vr":"LO","Value":[["x"]]}',
    '{"vr":"LT","Value":["a","b"]}',
    '{"vr":"LO","Value":["' + "x" * 70_000 + '"]}', '{"vr":"LO","InlineBinary":"AAAA"}', '{"vr":"LO","BulkDataURI":7}',
    '{"vr":"OB","InlineBinary":"*"}', '{"vr":"OB","InlineBinary":["AAAA"]}', '{"vr":"OB","Value":["x"]}',
    '{"vr":"OB","InlineBinary":"AAAA","BulkDataURI":"x"}', '{"vr":"OB","BulkDataURI":""}',
    '{"vr":"AT","Value":["0008001x"]}', '{"vr":"AT","Value":["8"]}', '{"vr":"PN","Value":["Doe"]}',
    '{"vr":"PN","Value":[{"Alphabetic":7}]}', '{"vr":"PN","Value":[{"Other":"x"}]}',
    '{"vr":"PN","Value":[{"Phonetic":"="}]}',
    '{"vr":"SQ","Value":{}}', '{"vr":"SQ","Value":["x"]}', '{"vr":"SQ","Value":[{"x":{"vr":"LO"}}]}',
    '{"vr":"SQ","InlineBinary":"AAAA"}', '{"vr":"XX"}', '{"vr":["LO"]}', '{}', "[]", "7", "null", '"x"',
    '{"vr":"LO","vr":"SH"}',
]  # fmt: skip


def test_hostile_elements_cost_their_own_instance(send: Callable, northside: Tenant) -> None:
    good = json.dumps(described(0, **{f"t{PIXELS}": bulk("p")}))
    bad = [json.dumps(described(n))[:-1] + f', "00189999": {each}}}' for n, each in enumerate(HOSTILE, 1)]
    answer = send((JSON, "", f"[{','.join([*bad, good])}]".encode()), octets("p"))
    assert (answer.status_code, count(northside)) == (202, 1)
    kept = [item["00081155"]["Value"] for item in answer.json()["00081199"]["Value"]]
    assert (kept, len(failures(answer))) == ([[f"{ROOT}.9.1.0"]], len(HOSTILE))


def test_sequences_as_deep_as_the_gate_allows_are_taken(send: Callable) -> None:
    answer = send(metadata(described(t0040A730=nested(63), **{f"t{PIXELS}": bulk("p")})), octets("p"))
    assert answer.status_code == 200, answer.content


IMPOSSIBLE = [
    {"00080018": None}, {"00080016": {"vr": "UI"}}, {"00080018": {"vr": "UI", "Value": ["a b"]}},
    {"00080018": {"vr": "LO", "Value": [f"{ROOT}.1"]}}, {"00280010": {"vr": "US", "Value": [0]}},
    {"00280010": {"vr": "SQ"}}, {"0020000D": {"vr": "UI"}}, {PIXELS: bulk("p", "LO")}, {"7FE00008": bulk("f", "OF")},
    {"FFFEE000": {"vr": "UN"}}, {"0008001": {"vr": "UN"}}, {"0008103e": {"vr": "LO"}, "0008103E": {"vr": "LO"}},
]  # fmt: skip


def test_metadata_that_cannot_be_an_instance_are_refused(send: Callable, northside: Tenant) -> None:
    for change in IMPOSSIBLE:
        sent = {tag: value for tag, value in (described(**{f"t{PIXELS}": bulk("p")}) | change).items() if value}
        assert (send(metadata(sent), octets("p")).status_code, count(northside)) == (409, 0), change


MALFORMED = ["", "{", "[{}", "[{},]", "[{} {}]", "[7]", "null", "[]x", '[{"a":]', '[{"a":NaN}]', "[{}]]", "[" * 99_999]


def test_malformed_json_is_a_bad_request(send: Callable, northside: Tenant) -> None:
    good = metadata(described(2, **{f"t{PIXELS}": bulk("p")}))
    for text in MALFORMED:
        answer = send(good, (JSON, "", text.encode()), octets("p"))
        assert (answer.status_code, count(northside)) == (400, 0), text
        assert "metadata" in answer.json()["reason"]


def test_bytes_that_are_no_utf_8_are_a_bad_request(send: Callable) -> None:
    assert send((JSON, "", b'[{"\xff":{}}]')).status_code == 400


@pytest.mark.parametrize(
    "parts", [(octets("p"), metadata(described())), (metadata(), octets("p"), metadata(described())), (metadata(),), ()]
)
def test_metadata_come_first(send: Callable, northside: Tenant, parts: tuple) -> None:
    assert (send(*parts).status_code, count(northside)) == (400, 0)


def test_text_is_too_much_for_one_instance_only(
    send: Callable, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_text, "MOST_INSTANCE_BYTES", 5000)
    large = described(1, t00400300={"vr": "ST", "Value": ["x" * 5000]})
    answer = send(metadata(large, described(2, **{f"t{PIXELS}": bulk("p")})), octets("p"))
    assert (answer.status_code, count(northside)) == (202, 1)


def test_a_body_that_breaks_off_keeps_what_came_whole(token: str, northside: Tenant) -> None:
    sent = metadata(*(described(n, **{f"t{PIXELS}": bulk(f"p{n}")}) for n in (1, 2)))
    body = related(sent, octets("p1"), octets("p2"))[:-20]
    assert (store(token, body, content_type=TYPE).status_code, count(northside)) == (400, 1)


# --- Who may -------------------------------------------------------------------------------------------------


def test_only_a_token_to_store_here_stores(
    bob: User, carol: User, nora: User, northside: Tenant, southside: Tenant
) -> None:
    body = related(metadata(described(**{f"t{PIXELS}": bulk("p")})), octets("p"))
    tokens = ["", "wrong", token_of(bob, northside, "read"), token_of(carol, southside), token_of(nora, northside)]
    assert [store(each, body, content_type=TYPE).status_code for each in tokens] == [401, 401, 401, 401, 404]
    assert count(northside) == count(southside) == 0
