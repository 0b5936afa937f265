import assert from "node:assert/strict";
import { test } from "node:test";

import { Looking } from "../looking.js";
import { fromHandles } from "../selection.js";

/** A worker that answers what the test says, and keeps what it was told. */
class FakeWorker extends EventTarget {
  told = [];
  isTerminated = false;

  postMessage(message) {
    this.told.push(message);
  }

  say(data) {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  terminate() {
    this.isTerminated = true;
  }
}

function begin() {
  const said = { found: [], leftOut: [], asked: [] };
  const worker = new FakeWorker();
  const looking = new Looking(
    {
      found: (files) => said.found.push(...files),
      leftOut: (files) => said.leftOut.push(...files),
      index: () => {},
      ask: (question) => said.asked.push(question),
      changed: () => {},
    },
    worker,
  );
  return { said, worker, looking };
}

const found = (content, size) => ({ path: "a", size, modified: 1, content, header: null, front: null });
const progress = (files) => ({ kind: "progress", found: files, leftOut: [], read: files.length });

async function* chosen() {
  yield { file: new File(["0123456789"], "a"), path: "a" };
  yield { file: null, path: "locked" };
}

test("files are handed over, those that cannot be opened are named, and the end is told", async () => {
  const { said, worker, looking } = begin();
  await looking.take(chosen());
  assert.deepEqual(
    worker.told.map(({ kind }) => kind),
    ["files", "end"],
  );
  assert.deepEqual(
    said.leftOut.map(({ path, reason }) => [path, reason]),
    [["locked", "unreadable"]],
  );
});

test("what was found is read where it lies: whole, in stretches, from a Blob", async () => {
  const { said, worker, looking } = begin();
  await looking.take(chosen());
  worker.say(
    progress([
      found({ index: 0 }, 10),
      found(
        {
          index: 0,
          ranges: [
            [0, 2],
            [8, 10],
          ],
        },
        4,
      ),
      found({ blob: new Blob(["inner"]) }, 5),
    ]),
  );
  const texts = await Promise.all(said.found.map(async ({ content }) => (await content.blob()).text()));
  assert.deepEqual(texts, ["0123456789", "0189", "inner"]);
});

test("what is packed is asked of the worker, which lives on for it", async () => {
  const { said, worker, looking } = begin();
  await looking.take(chosen());
  worker.say(progress([found({ id: 7 }, 4)]));
  worker.say({ kind: "done" });
  const reading = said.found[0].content.blob();
  const { ticket, id } = worker.told.at(-1);
  worker.say({ kind: "data", ticket, blob: new Blob(["1234"]) });
  assert.deepEqual([id, await (await reading).text(), worker.isTerminated], [7, "1234", false]);
});

test("a worker with nothing left to read is ended", async () => {
  const { worker, looking } = begin();
  await looking.take(chosen());
  worker.say(progress([found({ index: 0 }, 10)]));
  worker.say({ kind: "done" });
  assert.deepEqual([looking.isDone, worker.isTerminated], [true, true]);
});

test("when the worker dies, what it had not come to is named", async () => {
  const { said, worker, looking } = begin();
  await looking.take(chosen());
  worker.dispatchEvent(new Event("error"));
  assert.equal(looking.isDone, true);
  assert.match(said.leftOut.at(-1).path, /1 more/);
});

test("an answer to a password goes back with its question", () => {
  const { said, worker } = begin();
  worker.say({ kind: "ask", id: 3, name: "a.zip", isWrong: true });
  said.asked[0].answer("open sesame");
  assert.deepEqual(worker.told, [{ kind: "password", id: 3, password: "open sesame" }]);
});

test("a folder that has gone is named, and what was found before stays", async () => {
  const gone = {
    kind: "directory",
    name: "d",
    async *values() {
      yield { kind: "file", name: "a", getFile: async () => new File(["x"], "a") };
      throw new Error("NotFoundError");
    },
  };
  const paths = [];
  for await (const { path, file } of fromHandles([gone])) paths.push([path, file !== null]);
  assert.deepEqual(paths, [
    ["d/a", true],
    ["d", false],
  ]);
});
