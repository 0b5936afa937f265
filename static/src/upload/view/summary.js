import { OFFLINE } from "../answers.js";
import { bytes, count, duration, files, percent } from "../format.js";
import { setHidden, setProgress, setText } from "./dom.js";

/** The big line: how far, how fast, how long, and what to do about it. */
export class Summary {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.bar = this.part("progress");
  }

  update(batch, totals) {
    const { state } = batch;
    setHidden(this.root, state === "idle");
    setText(this.part("headline"), headline(batch, totals));
    setText(this.part("detail"), detail(batch, totals));
    setProgress(this.bar, percent(totals.sent, totals.bytes) || (state === "uploading" ? 0 : 100));
    this.bar.classList.toggle("progress--paused", batch.isPaused || Boolean(batch.problem));
    this.bar.classList.toggle("progress--ok", state === "done" && !totals.refused);
    this.#buttons(batch, state);
    this.#problem(batch);
  }

  #buttons(batch, state) {
    const stopped = batch.isPaused || Boolean(batch.problem);
    setHidden(this.part("pause"), state !== "uploading" || stopped);
    setHidden(this.part("resume"), !(state === "uploading" && stopped) && !batch.problem);
    setHidden(this.part("cancel"), state !== "uploading");
  }

  #problem(batch) {
    const problem = batch.problem ?? waiting(batch);
    setHidden(this.part("problem"), !problem);
    setText(this.part("problem-text"), problem?.message ?? "");
    setHidden(this.part("retry"), problem?.code !== "lost");
  }
}

/** What holds the upload up by itself, as against a problem that needs the user. */
function waiting(batch) {
  if (!navigator.onLine && batch.state === "uploading") return OFFLINE;
  if (!batch.waitUntil) return null;
  const seconds = Math.max(1, Math.ceil((batch.waitUntil - Date.now()) / 1000));
  return {
    code: "lost",
    message: `The server cannot be reached. Trying again in ${seconds} s; nothing already sent is sent twice.`,
  };
}

export function headline(batch, totals) {
  if (batch.state === "processing") return "Everything is sent. Checking the files…";
  if (batch.state === "done") return outcome(totals);
  const done = `${percent(totals.sent, totals.bytes)} %`;
  if (batch.problem) return `${done} · stopped`;
  return batch.isPaused ? `${done} · paused` : done;
}

function outcome({ stored, already_here: already, refused, cancelled }) {
  const parts = [
    stored && `${count(stored)} stored`,
    already && `${count(already)} already here`,
    refused && `${count(refused)} refused`,
    cancelled && `${count(cancelled)} cancelled`,
  ].filter(Boolean);
  return parts.length ? `Done: ${parts.join(", ")}` : "Nothing to send";
}

function detail(batch, totals) {
  const sent = `${bytes(totals.sent)} of ${bytes(totals.bytes)}`;
  if (batch.state === "processing")
    return `${files(totals.files)}, ${bytes(totals.bytes)}. You may leave this page; checking goes on without it.`;
  if (batch.state === "done") return `${files(totals.files)}, ${bytes(totals.bytes)}`;
  return [`${count(totals.sentFiles)} of ${files(totals.files)}`, sent, ...pace(batch, totals)].join(" · ");
}

function pace(batch, totals) {
  const rate = batch.isPaused || batch.problem || batch.waitUntil ? 0 : batch.rate.perSecond();
  if (!rate) return [];
  return [`${bytes(rate)}/s`, `${duration((totals.bytes - totals.sent) / rate)} left`];
}
