import assert from "node:assert/strict";
import { test } from "node:test";

import { BlobWriter, Uint8ArrayReader, ZipReader } from "@zip.js/zip.js/lib/zip-core-native.js";

import { Packed } from "../survey/packed.js";
import { Readings } from "../survey/readings.js";
import { bytesOf, part10, reasons, survey, zip } from "./making.js";

test("a ZIP is read entry by entry, compressed or not, with folders and a ZIP inside", async () => {
  const inner = await zip([["deep.dcm", part10({ study: "1.2.4" })]]);
  const outer = await zip([
    ["a/packed.dcm", part10()],
    ["a/stored.dcm", part10({ study: "1.2.2" }), { level: 0 }],
    ["a/inner.zip", inner],
    ["a/inner-stored.zip", inner, { level: 0 }],
    ["a/viewer.exe", bytesOf("MZ and more")],
  ]);
  const said = await survey({ "disc.zip": outer });
  const studies = Object.fromEntries(said.found.map(({ path, header }) => [path, header.study]));
  assert.deepEqual(studies, {
    "disc.zip/a/packed.dcm": "1.2.1",
    "disc.zip/a/stored.dcm": "1.2.2",
    "disc.zip/a/inner.zip/deep.dcm": "1.2.4",
    "disc.zip/a/inner-stored.zip/deep.dcm": "1.2.4",
  });
  for (const file of said.found)
    assert.deepEqual(await said.read(file), part10({ study: file.header.study }));
  const kept = said.found.find(({ path }) => path.endsWith("stored.dcm"));
  assert.equal(kept.content.index, 0, "what lies uncompressed is sent from where it lies");
  assert.deepEqual(reasons(said), { "disc.zip/a/viewer.exe": "program" });
});

test("a ZIP64 archive is read", async () => {
  const said = await survey({ "a.zip": await zip([["a.dcm", part10()]], { zip64: true }) });
  assert.deepEqual(await said.read(said.found[0]), part10());
});

for (const [name, options] of [
  ["AES", { encryptionStrength: 3 }],
  ["ZipCrypto", { zipCrypto: true }],
]) {
  test(`the password of a ZIP locked by ${name} is asked for until it is right`, async () => {
    const locked = await zip([["a.dcm", part10()]], { password: "right", ...options });
    const said = await survey({ "a.zip": locked }, { passwords: ["wrong", "right"] });
    assert.deepEqual(said.asked, [
      ["a.zip", false],
      ["a.zip", true],
    ]);
    assert.deepEqual(await said.read(said.found[0]), part10());
  });
}

test("a wrong password that passes the old encryption's check of one byte is still wrong", async () => {
  for (const files of [[["a.dcm", part10()]], ["a.dcm", "b.dcm", "c.dcm"].map((name) => [name, part10()])]) {
    const locked = await zip(files, { password: "right", zipCrypto: true });
    const said = await survey({ "a.zip": locked }, { passwords: [await passing(locked), "right"] });
    assert.deepEqual(said.asked, [
      ["a.zip", false],
      ["a.zip", true],
    ]);
    assert.equal(said.found.length, files.length);
  }
});

test("a damaged file under AES is not the password's fault", async () => {
  const locked = await zip([["a.dcm", part10()]], { password: "right", encryptionStrength: 3 });
  const view = new DataView(locked.buffer);
  locked[view.getUint32(locked.length - 6, true) - 20] ^= 1; // the last bytes before the index end the file
  const said = await survey({ "a.zip": locked }, { passwords: ["right", "right"] });
  assert.deepEqual(said.asked, [["a.zip", false]]);
  if (said.found.length) await assert.rejects(said.read(said.found[0]));
  else assert.deepEqual(reasons(said), { "a.zip/a.dcm": "packed-damaged" });
});

/** A password that is wrong and passes the check of the archive's first file. */
async function passing(locked) {
  const [entry] = await new ZipReader(new Uint8ArrayReader(locked)).getEntries();
  for (let number = 0; ; number += 1) {
    const password = `wrong ${number}`;
    const passes = entry.getData(new BlobWriter(), { password, checkPasswordOnly: true }).then(
      () => true,
      () => false,
    );
    if (await passes) return password;
  }
}

test("a file whose bytes are not those that went into the archive is not sent", async () => {
  const content = part10();
  const bytes = await zip([["a.dcm", content]]);
  const view = new DataView(bytes.buffer);
  const crc = view.getUint32(bytes.length - 6, true) + 16;
  view.setUint32(crc, view.getUint32(crc, true) ^ 1, true);
  const said = await survey({ "a.zip": bytes });
  if (said.found.length) await assert.rejects(said.read(said.found[0]));
  else assert.deepEqual(reasons(said), { "a.zip/a.dcm": "packed-damaged" });
});

test("without its password a locked file is left out and said to be locked; its neighbours are found", async () => {
  const locked = await zip([
    ["open.dcm", part10()],
    ["locked.dcm", part10(), { password: "x" }],
  ]);
  const said = await survey({ "a.zip": locked });
  assert.deepEqual(
    said.found.map(({ path }) => path),
    ["a.zip/open.dcm"],
  );
  assert.deepEqual(reasons(said), { "a.zip/locked.dcm": "locked" });
});

test("a ZIP whose files share their bytes is a bomb", async () => {
  const bytes = await zip([
    ["a", new Uint8Array(5000).map((_, index) => (index * 7919) >> 3)],
    ["b", part10()],
  ]);
  const view = new DataView(bytes.buffer);
  const directory = view.getUint32(bytes.length - 6, true);
  view.setUint32(directory + 20, bytes.length, true);
  assert.deepEqual(reasons(await survey({ "a.zip": bytes })), { "a.zip": "bomb" });
});

test("a ZIP that declares to grow beyond all measure is a bomb, and nothing of it is unpacked", async () => {
  const bytes = await zip([["a", part10()]]);
  const view = new DataView(bytes.buffer);
  view.setUint32(view.getUint32(bytes.length - 6, true) + 24, 0xfffffffe, true);
  const said = await survey({ "a.zip": bytes });
  assert.deepEqual([reasons(said), said.shelf.size], [{ "a.zip": "bomb" }, 0]);
});

test("a file that holds more than its archive declares fails where the declared size ends", async () => {
  const bytes = await zip([["a.dcm", Uint8Array.from([...part10(), ...new Uint8Array(10_000)])]]);
  const view = new DataView(bytes.buffer);
  view.setUint32(view.getUint32(bytes.length - 6, true) + 24, 400, true);
  const said = await survey({ "a.zip": bytes });
  if (said.found.length) await assert.rejects(said.read(said.found[0]));
  else assert.deepEqual(reasons(said), { "a.zip/a.dcm": "packed-damaged" });
});

for (const [name, length, words] of [
  ["more", 9, /^longer/],
  ["less", 7, /^shorter/],
]) {
  test(`a file of ${name} bytes than its archive declares is not taken for whole`, async () => {
    const getData = (sink) => new Blob([new Uint8Array(length)]).stream().pipeTo(sink);
    const packed = new Packed({ uncompressedSize: 8, getData }, undefined, 1);
    await assert.rejects(packed.whole(), ({ message }) => words.test(message));
  });
}

test("links in a ZIP are not followed", async () => {
  const link = { versionMadeBy: 0x031e, externalFileAttributes: 0o120777 * 2 ** 16 };
  const said = await survey({ "a.zip": await zip([["link", bytesOf("/etc/passwd"), link]]) });
  assert.deepEqual(reasons(said), { "a.zip/link": "link" });
});

test("ZIPs in ZIPs end at the fourth", async () => {
  let bytes = await zip([["a.dcm", part10()]]);
  for (const name of ["3.zip", "2.zip", "1.zip"]) bytes = await zip([[name, bytes]]);
  assert.deepEqual(reasons(await survey({ "0.zip": bytes })), { "0.zip/1.zip/2.zip/3.zip": "nested" });
});

test("an archive that lies compressed in another is unpacked up to a size and no further", async () => {
  const inner = await zip([["a.dcm", part10()]]);
  const limits = { largestInner: inner.length - 1 };
  const said = await survey(
    {
      "a.zip": await zip([
        ["b.zip", inner],
        ["c.zip", inner, { level: 0 }],
      ]),
    },
    { limits },
  );
  assert.deepEqual(reasons(said), { "a.zip/b.zip": "inner-large" });
  assert.deepEqual(
    said.found.map(({ path }) => path),
    ["a.zip/c.zip/a.dcm"],
  );
});

test("files beyond the most that are walked are named as such, and those before are found", async () => {
  const files = await zip(Array.from({ length: 5 }, (_, index) => [`${index}.dcm`, part10()]));
  const said = await survey({ "a.zip": files }, { limits: { mostFiles: 4 } });
  assert.deepEqual([said.found.length, Object.values(reasons(said))], [3, ["too-many", "too-many"]]);
});

test("damaged archives and other kinds are refused plainly", async () => {
  const whole = await zip([["a.dcm", part10()]]);
  const said = await survey({
    "cut.zip": whole.subarray(0, whole.length - 30),
    "a.rar": bytesOf("Rar!\x1a\x07"),
    "a.7z": bytesOf("7z\xbc\xaf"),
  });
  assert.deepEqual(reasons(said), { "cut.zip": "zip-damaged", "a.rar": "archive", "a.7z": "archive" });
});

test("a large packed file is read in pieces, and again from an earlier one", async () => {
  const content = new Uint8Array(1_000_000).map((_, index) => (index * 2654435761) >>> 24);
  content.set(part10());
  const said = await survey({ "a.zip": await zip([["a.dcm", content]]) });
  const answers = [];
  const readings = new Readings(said.shelf, ({ blob, error }) => answers.push(blob ?? error));
  for (const [start, end] of [
    [0, 300_000],
    [300_000, 1_000_000],
    [100_000, 200_000],
  ])
    await readings.answer({ ticket: 1, id: 1, start, end });
  const read = await Promise.all(answers.map(async (blob) => new Uint8Array(await blob.arrayBuffer())));
  assert.deepEqual(read, [
    content.slice(0, 300_000),
    content.slice(300_000),
    content.slice(100_000, 200_000),
  ]);
});
