import assert from "node:assert/strict";
import { test } from "node:test";

import { Batch } from "../batch.js";
import { Direct } from "../contents.js";

const file = (path, study = "1.1") => ({ path, content: new Direct(new Blob(["x"]), 1), header: { study } });

/** A batch that sends nothing. */
function still(files) {
  const batch = new Batch({ endpoint: "/t/n/uploads/", csrf: { value: "" }, changed: () => {} });
  batch.isPaused = true;
  batch.add(files);
  return batch;
}

test("several drops join one queue", () => {
  const batch = still([file("a")]);
  batch.add([file("b", "1.2")]);
  assert.deepEqual([batch.items.length, batch.parcels.length, batch.state], [2, 2, "uploading"]);
});

test("what was refused is sent again as another upload, and what was stored is not", async () => {
  const batch = still([file("a"), file("b")]);
  const [stored, refused] = batch.items;
  batch.parcels[0].state = "answered";
  stored.outcome = "stored";
  Object.assign(refused, { outcome: "refused", reason: "TRUNCATED", message: "cut" });
  batch.retryRefused();
  const [, again] = batch.parcels;
  assert.deepEqual(again.items, [refused]);
  assert.deepEqual(
    [again.attempt, again.state, refused.outcome, stored.outcome],
    [1, "waiting", null, "stored"],
  );
});

test("cancelling gives up what is not sent, and keeps what is", () => {
  const batch = still([file("a")]);
  batch.parcels[0].state = "answered";
  batch.items[0].outcome = "stored";
  batch.add([file("b", "1.2")]);
  batch.cancel();
  assert.deepEqual(
    batch.items.map(({ outcome }) => outcome),
    ["stored", "cancelled"],
  );
  assert.equal(batch.state, "done");
});

test("a problem stops the queue until it is resumed", () => {
  const batch = still([file("a")]);
  batch.halt({ code: "full", message: "full" });
  assert.deepEqual([batch.problem.code, batch.isPaused, batch.active.length], ["full", false, 0]);
});
