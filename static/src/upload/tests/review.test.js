import assert from "node:assert/strict";
import { test } from "node:test";

import { fromHandles } from "../selection.js";
import { Review } from "../review.js";
import { displayName, reasonText } from "../words.js";

const file = (path, header = {}) => ({
  path,
  size: 10,
  header: {
    study: "1.1",
    patientName: "DOE^JANE",
    patientId: "1",
    birthDate: "",
    date: "",
    modality: "CT",
    ...header,
  },
});

test("files become patients with their studies, the newest first", () => {
  const review = new Review();
  review.add([
    file("a", { date: "20250101" }),
    file("b", { study: "1.2", date: "20260101" }),
    file("c", { study: "1.3", patientName: "ROE^JIM", patientId: "2" }),
  ]);
  const found = review.patients.map(({ name, studies }) => [name, studies.map(({ uid }) => uid)]);
  assert.deepEqual(found, [
    ["DOE^JANE", ["1.2", "1.1"]],
    ["ROE^JIM", ["1.3"]],
  ]);
});

test("one patient whose name is written in two ways is one patient; another id is another", () => {
  const review = new Review();
  review.add([
    file("a"),
    file("b", { study: "1.2", patientName: "Doe^Jane^^" }),
    file("c", { study: "1.3", patientId: "2" }),
  ]);
  assert.deepEqual(
    review.patients.map(({ studies }) => studies.length),
    [2, 1],
  );
});

test("a study whose files name two patients is marked", () => {
  const review = new Review();
  review.add([file("a"), file("b", { patientName: "ROE^JIM", patientId: "2" })]);
  assert.deepEqual(
    review.studies.map(({ mixed }) => mixed),
    [true],
  );
});

test("what is left out is not taken; afterwards nothing is left to review", () => {
  const review = new Review();
  review.add([file("a"), file("b", { study: "1.2" })]);
  review.want(review.studies[0], false);
  assert.deepEqual(
    review.take().map(({ path }) => path),
    ["b"],
  );
  assert.equal(review.isEmpty, true);
});

test("files of unknown studies come last and may be sent", () => {
  const review = new Review();
  review.add([{ path: "x", size: 1, header: null }, file("a")]);
  assert.deepEqual(
    review.patients.map(({ isUnknown }) => isUnknown),
    [false, true],
  );
  assert.equal(review.take().length, 2);
});

test("names are shown as people write them", () => {
  const shown = ["DOE^JANE^A^DR^", "Yamada^Tarou=山田^太郎", "=山田^太郎", "^^", ""].map(displayName);
  assert.deepEqual(shown, ["DOE, JANE A DR", "Yamada, Tarou", "山田, 太郎", "No name", "No name"]);
});

test("every reason has words, and an unknown one does not break the page", () => {
  assert.match(reasonText("locked"), /password/i);
  assert.equal(reasonText("new-one"), reasonText("other"));
});

const leaf = (name) => ({ kind: "file", name, getFile: async () => new File(["x"], name) });
const folder = (name, ...children) => ({
  kind: "directory",
  name,
  async *values() {
    yield* children;
  },
});

test("folders are walked by their handles; a file that cannot be opened keeps its line", async () => {
  const locked = { kind: "file", name: "locked", getFile: async () => Promise.reject(new Error("x")) };
  const found = [];
  for await (const { path, file } of fromHandles([folder("d", folder("e", leaf("a")), locked), leaf("b")]))
    found.push([path, file !== null]);
  assert.deepEqual(found, [
    ["d/e/a", true],
    ["d/locked", false],
    ["b", true],
  ]);
});

test("a folder that holds itself ends", async () => {
  const self = folder("d");
  self.values = async function* () {
    yield leaf("a");
    yield self;
  };
  let count = 0;
  for await (const _ of fromHandles([self])) if (++count > 500) break;
  assert.equal(count, 65);
});
