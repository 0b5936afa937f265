/**
 * Where the looking is done: beside the page, so that it stays quick. Messages in: `files`, `end`, `password`,
 * `read`, `stop`. Messages out: `progress`, `ask`, `index`, `done`, `data`.
 */
import { Readings } from "./readings.js";
import { Survey } from "./survey.js";

const EVERY = 200;
const shelf = new Map();
const readings = new Readings(shelf, (message, transfer) => postMessage(message, transfer));
const questions = new Map();
let waiting = { found: [], leftOut: [], read: 0 };
let queue = Promise.resolve();
let reported = 0;

const survey = new Survey(
  {
    found: (file) => add("found", file),
    leftOut: (file) => add("leftOut", file),
    read: (count) => {
      waiting.read += count;
      reportSometimes();
    },
    ask: (name, isWrong) => ask(name, isWrong),
    index: (found) => postMessage({ kind: "index", ...found }),
  },
  shelf,
);

function add(list, file) {
  waiting[list].push(file);
  reportSometimes();
}

function reportSometimes() {
  if (performance.now() - reported > EVERY) report();
}

function report() {
  reported = performance.now();
  postMessage({ kind: "progress", ...waiting });
  waiting = { found: [], leftOut: [], read: 0 };
}

function ask(name, isWrong) {
  const id = questions.size + 1;
  report();
  postMessage({ kind: "ask", id, name, isWrong });
  return new Promise((resolve) => questions.set(id, resolve));
}

const tasks = {
  files: ({ files }) => {
    queue = queue.then(() => survey.add(files));
  },
  end: () => {
    queue = queue.then(async () => {
      await survey.finish();
      report();
      postMessage({ kind: "done" });
    });
  },
  password: ({ id, password }) => questions.get(id)?.(password),
  read: (message) => readings.answer(message),
};

addEventListener("message", ({ data }) => tasks[data.kind]?.(data));
