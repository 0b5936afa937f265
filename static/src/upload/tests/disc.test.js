import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { readDisc, recognise } from "../disc/image.js";
import { rockRidge } from "../disc/rock_ridge.js";
import { Place } from "../survey/place.js";
import { bytesOf, dicomdir, part10, reasons, survey, zip } from "./making.js";

const LONG = "Thorax Aufnahme März 2026/eine lange Bildbezeichnung.dcm";
const DEEP = `${Array.from({ length: 12 }, (_, index) => `f${index}`).join("/")}/IM9`;
const FILES = {
  DICOMDIR: dicomdir(["IMAGES\\IM1", "IMAGES\\IM2"]),
  "IMAGES/IM1": part10({ study: "1.2.1" }),
  [LONG]: part10({ study: "1.2.2" }),
  [DEEP]: part10({ study: "1.2.3" }),
  "VIEWER/START.EXE": bytesOf("MZ and more"),
  "AUTORUN.INF": bytesOf("[autorun]\r\nopen=VIEWER\\START.EXE\r\n"),
};

/** A disc image made by `program`, as bytes. */
function burn(program, options, files = FILES) {
  const folder = mkdtempSync(join(tmpdir(), "disc-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, "root", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    const image = join(folder, "image.iso");
    const quiet = { stdio: "pipe" };
    const [command, ...first] = program;
    execFileSync(command, [...first, ...options, "-o", image, join(folder, "root")], quiet);
    return new Uint8Array(readFileSync(image));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const genisoimage = ["genisoimage", "-quiet", "-input-charset", "utf-8"];
const xorriso = ["xorriso", "-as", "mkisofs", "-quiet"];
const placeOf = (bytes) => new Place(new Blob([bytes]));
const namesOf = (files) => files.map(({ name }) => name).sort();

for (const [name, program, options] of [
  ["Rock Ridge by genisoimage", genisoimage, ["-R"]],
  ["Rock Ridge by xorriso", xorriso, ["-R"]],
  ["Joliet by genisoimage", genisoimage, ["-J", "-joliet-long", "-D"]],
  ["Joliet by xorriso", xorriso, ["-J", "-joliet-long"]],
  ["Rock Ridge and Joliet", genisoimage, ["-R", "-J", "-joliet-long"]],
]) {
  test(`all files of a disc are found under their long names: ${name}`, async () => {
    const place = placeOf(burn(program, options));
    assert.equal(await recognise(place), "iso");
    const files = await readDisc(place, "iso");
    assert.deepEqual(namesOf(files), Object.keys(FILES).sort());
    for (const { name: path, ranges } of files)
      assert.deepEqual(await place.part(ranges).head(1e6), FILES[path], path);
  });
}

test("a disc of short names only is read as well", async () => {
  const files = { "IMAGES/IM1": FILES["IMAGES/IM1"], "A.TXT": bytesOf("a") };
  const place = placeOf(burn(genisoimage, ["-iso-level", "1"], files));
  assert.deepEqual(namesOf(await readDisc(place, "iso")), ["A.TXT", "IMAGES/IM1"]);
});

test("a UDF volume is read by its own file entries", async () => {
  const place = placeOf(burn(genisoimage, ["-udf", "-D"]));
  const files = await readDisc(place, "udf");
  assert.deepEqual(namesOf(files), Object.keys(FILES).sort());
  for (const { name, ranges } of files)
    assert.deepEqual(await place.part(ranges).head(1e6), FILES[name], name);
});

test("a survey of a disc finds its images, leaves programs out and says what its DICOMDIR misses", async () => {
  const said = await survey({ "disc.iso": burn(genisoimage, ["-R"]) });
  const studies = Object.fromEntries(said.found.map(({ path, header }) => [path, header.study]));
  assert.deepEqual(studies, {
    "disc.iso/IMAGES/IM1": "1.2.1",
    [`disc.iso/${LONG}`]: "1.2.2",
    [`disc.iso/${DEEP}`]: "1.2.3",
  });
  for (const file of said.found)
    assert.deepEqual(await said.read(file), part10({ study: file.header.study }));
  assert.deepEqual(reasons(said), {
    "disc.iso/DICOMDIR": "index",
    "disc.iso/VIEWER/START.EXE": "program",
    "disc.iso/AUTORUN.INF": "text",
  });
  assert.deepEqual(said.indexes[0].missing, ["IMAGES/IM2"]);
});

test("a disc image in a ZIP is read, compressed or not", async () => {
  const image = burn(genisoimage, ["-R"]);
  const said = await survey({
    "a.zip": await zip([
      ["a.iso", image],
      ["b.iso", image, { level: 0 }],
    ]),
  });
  assert.equal(said.found.length, 6);
  for (const file of said.found)
    assert.deepEqual(await said.read(file), part10({ study: file.header.study }));
});

test("what is cut off of an image is named, and the rest is found", async () => {
  const image = burn(genisoimage, ["-R"], { A: part10(), "B/LATE": new Uint8Array(400_000) });
  const said = await survey({ "cut.iso": image.subarray(0, image.length - 500_000) });
  assert.deepEqual([said.found.length, reasons(said)["cut.iso/B/LATE"]], [1, "disc-cut"]);
});

test("a folder that is its own ancestor is read once", async () => {
  const image = burn(genisoimage, [], { "LOOP/IM1": part10(), "LOOP/IM2": part10() });
  const view = new DataView(image.buffer, image.byteOffset);
  const root = view.getUint32(16 * 2048 + 156 + 2, true);
  const at = root * 2048 + 2 * 34; // after "." and "..": LOOP
  const loop = view.getUint32(at + 2, true) * 2048 + 2 * 34;
  const size = image[loop];
  image.copyWithin(loop, at, at + 38); // LOOP/IM1 becomes LOOP/LOOP
  image[loop] = size;
  const files = await readDisc(placeOf(image), "iso");
  assert.deepEqual(namesOf(files), ["LOOP/IM2"]);
});

test("a long name that goes on in itself ends", async () => {
  const area = new Uint8Array(28); // CE: goes on in block 0, at 0, for 28 bytes
  area.set([...bytesOf("CE"), 28, 1]);
  new DataView(area.buffer).setUint32(20, 28, true);
  let reads = 0;
  const read = async () => {
    if (++reads > 500) throw new Error("it does not end");
    return area;
  };
  assert.equal((await rockRidge(area, read, 2048)).name, "");
});

test("raw images and noise are refused plainly", async () => {
  const raw = new Uint8Array(40_000);
  raw.fill(255, 1, 11);
  const damaged = burn(genisoimage, [], { A: part10() });
  damaged.fill(255, 16 * 2048 + 156, 16 * 2048 + 190);
  const said = await survey({ "a.bin": raw, "b.iso": damaged });
  assert.equal(reasons(said)["a.bin"], "disc-raw");
  assert.equal(reasons(said)["b.iso"], "disc-damaged");
});
