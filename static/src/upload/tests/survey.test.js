import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { test } from "node:test";

import { cleanPath } from "../survey/names.js";
import { sniff } from "../survey/sniff.js";
import {
  bytesOf,
  dataSet,
  dicomdir,
  element,
  meta,
  part10,
  preamble,
  reasons,
  survey,
  zip,
} from "./making.js";

const VIRUS = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

test("files are known by their content and not by their names", async () => {
  const said = await survey({
    "disc/IM1.exe": part10(),
    "disc/autorun.dcm": bytesOf(`MZ${"\0".repeat(200)}`),
    "disc/leaflet": bytesOf("%PDF-1.7"),
    "disc/readme": bytesOf("Insert this disc"),
    "disc/eicar.com": bytesOf(VIRUS),
    "disc/nothing": new Uint8Array(0),
    "photo.jpg": bytesOf("\xff\xd8\xff\xe0"),
    "disc/Thumbs.db": part10(),
    "disc/noise": new Uint8Array(500).fill(7),
  });
  assert.deepEqual(
    said.found.map(({ path, header }) => [path, header.study, header.patientName]),
    [["disc/IM1.exe", "1.2.1", "DOE^JANE"]],
  );
  assert.deepEqual(reasons(said), {
    "disc/autorun.dcm": "program",
    "disc/leaflet": "document",
    "disc/readme": "text",
    "disc/eicar.com": "virus",
    "disc/nothing": "empty",
    "photo.jpg": "picture",
    "disc/Thumbs.db": "system",
    "disc/noise": "other",
  });
});

test("photos of a phone are pictures, whatever their format", () => {
  assert.equal(sniff(bytesOf("\0\0\0\x18ftypheic\0\0\0\0")), "picture");
  assert.equal(sniff(bytesOf("\0\0\0\x18ftypqt  \0\0\0\0")), "video");
});

for (const [name, file] of [
  [
    "implicit VR",
    () => Uint8Array.from([...preamble, ...meta("1.2.840.10008.1.2"), ...dataSet({ explicit: false })]),
  ],
  [
    "deflated",
    () =>
      Uint8Array.from([
        ...preamble,
        ...meta("1.2.840.10008.1.2.1.99"),
        ...deflateRawSync(Uint8Array.from(dataSet())),
      ]),
  ],
  [
    "a long private value in front of the names",
    () => part10({ before: element(0x00091010, "OB", new Uint8Array(20_000)) }),
  ],
  [
    "a sequence of undefined length in front of the names",
    () =>
      part10({
        before: [
          ...element(0x00081115, "SQ", [0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255], { length: 0xffffffff }),
          ...element(0x00081150, "UI", "1.2"),
          ...[0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0],
        ],
      }),
  ],
]) {
  test(`the study of a file is read in ${name}`, async () => {
    const { found } = await survey({ a: file() });
    assert.deepEqual([found[0].header.study, found[0].header.patientId], ["1.2.1", "P-1"]);
  });
}

test("names are decoded by the file's own character set", async () => {
  const latin = await survey({ a: part10({ name: "M\xfcLLER", charset: "ISO_IR 100" }) });
  const utf8 = await survey({ a: part10({ name: "\xc5\x81", charset: "ISO_IR 192" }) });
  assert.deepEqual(
    [latin, utf8].map(({ found }) => found[0].header.patientName),
    ["MüLLER", "Ł"],
  );
});

test("a file that is cut off in its header is still sent: the server says what is wrong with it", async () => {
  const { found } = await survey({ a: part10().subarray(0, 150) });
  assert.equal(found[0].header, null);
});

test("files without preamble or file header get what they lack in front, and stay as they are", async () => {
  const bare = Uint8Array.from(dataSet({ explicit: false }));
  const said = await survey({
    bare,
    headed: Uint8Array.from([...meta("1.2.840.10008.1.2.1"), ...dataSet()]),
  });
  assert.deepEqual(
    said.found.map(({ front }) => front.length > 130),
    [true, true],
  );
  for (const each of said.found) {
    const whole = new Uint8Array([...each.front, ...(await said.read(each))]);
    const again = await survey({ whole });
    assert.equal(again.found[0].front, null);
    assert.deepEqual(
      [again.found[0].header.study, again.found[0].header.syntax],
      ["1.2.1", each.header.syntax],
    );
  }
});

test("a header that nests beyond all measure is left to the server, and breaks nothing here", async () => {
  const open = [0x08, 0x00, 0x15, 0x11, ...bytesOf("SQ"), 0, 0, 255, 255, 255, 255];
  const item = [0xfe, 0xff, 0x00, 0xe0, 255, 255, 255, 255];
  const before = Array.from({ length: 20_000 }, () => [...open, ...item]).flat();
  const { found } = await survey({ a: part10({ before }) });
  assert.equal(found[0].header, null);
});

test("names that would lead elsewhere are labels and nothing more", async () => {
  const said = await survey({ "a.zip": await zip([["../../etc/passwd", part10()]]) });
  assert.equal(said.found[0].path, "a.zip/etc/passwd");
  assert.equal(cleanPath("C:\\..\\x\0\u202egpj.exe"), "C:/xgpj.exe");
  assert.equal(cleanPath("../.."), "unnamed");
  assert.equal(cleanPath("a\ud800"), "a\ufffd");
  assert.equal(cleanPath("x".repeat(5000)).length, 1001);
});

test("a DICOMDIR is no image; what it names and is not there is listed, what leads outside is said", async () => {
  const index = dicomdir(["IMAGES\\IM1", "IMAGES\\IM2", "..\\..\\SECRET", "C:\\X"]);
  const said = await survey({ "disc/DICOMDIR": index, "disc/images/im1": part10() });
  assert.deepEqual(
    said.found.map(({ path }) => path),
    ["disc/images/im1"],
  );
  assert.deepEqual(reasons(said), { "disc/DICOMDIR": "index" });
  assert.deepEqual(said.indexes, [
    { path: "disc/DICOMDIR", missing: ["IMAGES/IM2"], outside: ["../../SECRET", "C:/X"] },
  ]);
});

test("a damaged DICOMDIR costs its neighbours nothing", async () => {
  const said = await survey({ "d/DICOMDIR": dicomdir(["A"]).subarray(0, 260), "d/A": part10() });
  assert.deepEqual([said.found.length, said.indexes.length], [1, 1]);
});
