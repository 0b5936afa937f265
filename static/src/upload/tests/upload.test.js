import assert from "node:assert/strict";
import { test } from "node:test";

import { judge } from "../answers.js";
import { toCsv } from "../csv.js";
import { Memory, fingerprintOf } from "../memory.js";
import { BUNDLE_FILES, LARGE, Unreadable, bodyOf, pack, sentBytes, toItem } from "../parcels.js";
import { pair } from "../pairing.js";
import { Direct, Packed, PieceSource } from "../contents.js";
import { isLeftover } from "../survey/names.js";
import { tally } from "../tally.js";

const item = (path, content = "x", study = "") =>
  toItem({ path, content: new Direct(new Blob([content]), 1), header: study ? { study } : null });
const sized = (path, size, study = "") =>
  toItem({ path, content: { size, modified: 1 }, header: study ? { study } : null });

test("a bundle holds the magic, then length, path, length and bytes of each file", async () => {
  const [parcel] = pack([item("a/ü", "two"), item("a/b", "")]);
  const bytes = new Uint8Array(await (await bodyOf(parcel)).arrayBuffer());
  const wanted = [
    ..."COLLIMATE-BUNDLE-1\n",
    "\0",
    "\0",
    "\0",
    "\x03",
    ..."a/b",
    ..."\0\0\0\0\0\0\0\0",
    "\0",
    "\0",
    "\0",
    "\x04",
    ..."a/",
    "\xc3",
    "\xbc",
    ..."\0\0\0\0\0\0\0\x03",
    ..."two",
  ].map((char) => char.charCodeAt(0));
  assert.deepEqual([...bytes], wanted);
  assert.equal(parcel.size, bytes.length);
});

test("large files travel alone and small ones at most 500 together", () => {
  const small = Array.from({ length: BUNDLE_FILES + 1 }, (_, index) =>
    sized(`s/${String(index).padStart(4, "0")}`, 10),
  );
  const parcels = pack([...small, sized("big", LARGE), sized("less", LARGE - 1)]);
  assert.deepEqual(
    parcels.map(({ kind, items }) => [kind, items.length]),
    [
      ["bundle", 500],
      ["bundle", 2],
      ["file", 1],
    ],
  );
});

test("a bundle closes before it outgrows 16 MiB", () => {
  const parcels = pack(["a", "b", "c"].map((path) => sized(path, 7 * 2 ** 20)));
  assert.deepEqual(
    parcels.map(({ items }) => items.length),
    [2, 1],
  );
});

test("the same selection in another order gives the same fingerprints", async () => {
  const [one] = pack([item("a"), item("b")]);
  const [other] = pack([item("b"), item("a")]);
  const [changed] = pack([item("a"), item("b", "xx")]);
  assert.equal(await fingerprintOf(one), await fingerprintOf(other));
  assert.notEqual(await fingerprintOf(one), await fingerprintOf(changed));
});

test("progress of a file inside a bundle counts only its own bytes", () => {
  const first = item("a", "12345");
  const second = item("b", "12345");
  const [parcel] = pack([first, second]);
  parcel.sent = second.start + 2;
  assert.deepEqual([sentBytes(first), sentBytes(second)], [5, 2]);
});

test("what is remembered holds neither names nor paths, and is gone after a day", () => {
  const kept = new Map();
  const storage = {
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index],
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  const memory = new Memory("/t/n/uploads/", storage);
  memory.remember("f00d", "/t/n/uploads/1", "batch");
  assert.deepEqual(Object.keys(JSON.parse([...kept.values()][0])), ["url", "batch", "at"]);
  kept.set(
    "collimate.upload:/t/n/uploads/:old",
    JSON.stringify({ url: "/x", batch: "b", at: Date.now() - 25 * 3600 * 1000 }),
  );
  assert.equal(new Memory("/t/n/uploads/", storage).size, 1);
  assert.equal(new Memory("/t/other/uploads/", storage).size, 0);
});

test("leftovers of operating systems are known by name, and DICOMDIR is none", () => {
  const paths = ["d/.DS_Store", "d/Thumbs.db", "__MACOSX/d/a", "d/._a", "d/DICOMDIR", "d/IM0001"];
  assert.deepEqual(paths.map(isLeftover), [true, true, true, true, false, false]);
});

test("studies travel one after the other; small ones share a bundle", () => {
  const study = (uid, count) =>
    Array.from({ length: count }, (_, index) => sized(`f/${index}${uid}`, 10, uid));
  const parcels = pack([...study("1.2", 60), ...study("1.1", 60), ...study("1.3", 3), ...study("1.4", 3)]);
  assert.deepEqual(
    parcels.map(({ items }) => [...new Set(items.map((each) => each.study))].join()),
    ["1.1", "1.2", "1.3,1.4"],
  );
});

test("leaving a study out changes the parcels of no other of its size", async () => {
  const study = (uid) => Array.from({ length: 60 }, (_, index) => item(`f/${index}${uid}`, "x", uid));
  const all = await Promise.all(pack([...study("1.1"), ...study("1.2"), ...study("1.3")]).map(fingerprintOf));
  const some = await Promise.all(pack([...study("1.1"), ...study("1.3")]).map(fingerprintOf));
  assert.deepEqual(some, [all[0], all[2]]);
});

test("what is sent again after a refusal is another upload", async () => {
  const [first] = pack([item("a")]);
  const [second] = pack([item("a")]);
  second.attempt = 1;
  assert.notEqual(await fingerprintOf(first), await fingerprintOf(second));
});

test("the front that a file lacks travels with it", async () => {
  const content = new Direct(new Blob(["body"]), 1, new TextEncoder().encode("front"));
  const [parcel] = pack([toItem({ path: "a", content })]);
  assert.ok((await (await bodyOf(parcel)).text()).endsWith("frontbody"));
});

test("a file that cannot be unpacked is named, and its neighbours are not", async () => {
  const broken = toItem({
    path: "b",
    content: new Packed(async () => Promise.reject(new Error("x")), 1, 5, 1),
  });
  const short = toItem({ path: "c", content: new Packed(async () => new Blob(["1234"]), 2, 5, 1) });
  const [parcel] = pack([item("a"), broken, short]);
  await assert.rejects(bodyOf(parcel), (error) => {
    assert.ok(error instanceof Unreadable);
    assert.deepEqual(error.items, [broken, short]);
    return true;
  });
});

test("a large packed file is sent in pieces, and a piece that is asked for again is not unpacked again", async () => {
  const asked = [];
  const read = async (_id, start, end) => {
    asked.push([start, end]);
    return new Blob(["0123456789".slice(start, end)]);
  };
  const source = new PieceSource(new Packed(read, 1, 10, 1, new TextEncoder().encode("ab")));
  const texts = [];
  for (const [start, end] of [
    [0, 6],
    [0, 6],
    [6, 100],
  ]) {
    const { value, done } = await source.slice(start, end);
    texts.push([await value.text(), done]);
  }
  assert.deepEqual(texts, [
    ["ab0123", false],
    ["ab0123", false],
    ["456789", true],
  ]);
  assert.deepEqual(asked, [
    [0, 4],
    [4, 10],
  ]);
});

test("each study is counted by itself, in the order in which they joined", () => {
  const items = [item("a", "12345", "1.2"), item("b", "12345", "1.1"), item("c", "12345", "1.2")];
  pack(items)[0].sent = 0;
  items[0].outcome = "stored";
  items[1].outcome = "refused";
  const { totals, studies } = tally(items);
  assert.deepEqual([...studies.keys()], ["1.2", "1.1"]);
  assert.deepEqual([totals.files, totals.stored, totals.refused, totals.sentFiles], [3, 1, 1, 2]);
  assert.deepEqual([studies.get("1.2").answered, studies.get("1.2").files], [1, 2]);
});

test("a cell that looks like a formula becomes text", () => {
  const text = toCsv([["=1+1", "+a", "-a", "@a", "\t=a", 'say "x"', "plain"]]);
  assert.equal(text, `\uFEFF"'=1+1","'+a","'-a","'@a","'\t=a","say ""x""","plain"\r\n`);
});

test("answers meet their files by name, and in order where the name is not the same", () => {
  const items = [item("a"), item("b"), item("c")];
  const answers = [
    { name: "c", outcome: "stored" },
    { name: "shortened", outcome: "refused" },
    { name: "b", outcome: "stored" },
  ];
  assert.deepEqual(
    pair(items, answers).map(([each, answer]) => [each.path, answer.name]),
    [
      ["a", "shortened"],
      ["b", "b"],
      ["c", "c"],
    ],
  );
  assert.equal(pair(items, [])[0][1], undefined);
});

for (const [status, reason, kind] of [
  [0, null, "lost"],
  [500, null, "lost"],
  [503, null, "lost"],
  [409, null, "lost"],
  [423, null, "lost"],
  [429, null, "lost"],
  [401, null, "halt"],
  [403, "no agreement", "halt"],
  [507, null, "halt"],
  [403, null, "forbidden"],
  [404, null, "gone"],
  [410, null, "gone"],
  [413, null, "refused"],
  [415, null, "refused"],
]) {
  test(`an answer ${status}${reason ? " with a reason" : ""} is judged ${kind}`, () => {
    assert.equal(judge({ status, html: false, reason }).kind, kind);
  });
}

test("a login page in place of an answer means that the session has ended", () => {
  assert.equal(judge({ status: 200, html: true, reason: null }).code, "signed-out");
});
