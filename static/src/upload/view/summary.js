import { t } from "../../i18n.js";
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

  update(batch, _desk, { totals }) {
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
    const goesOnByItself = batch.problem?.code === "signed-out";
    setHidden(this.part("resume"), goesOnByItself || (!(state === "uploading" && stopped) && !batch.problem));
    setHidden(this.part("cancel"), state !== "uploading");
  }

  #problem(batch) {
    const problem = batch.problem ?? waiting(batch);
    setHidden(this.part("problem"), !problem);
    setText(this.part("problem-text"), problem?.message ?? "");
    setHidden(this.part("retry"), problem?.code !== "lost");
    setHidden(this.part("sign-in"), !["signed-out", "someone-else"].includes(problem?.code));
  }
}

/** What holds the upload up by itself, as against a problem that needs the user. */
function waiting(batch) {
  if (!navigator.onLine && batch.state === "uploading") return OFFLINE;
  if (!batch.waitUntil) return null;
  const seconds = Math.max(1, Math.ceil((batch.waitUntil - Date.now()) / 1000));
  return {
    code: "lost",
    message: t(
      "The server cannot be reached. Trying again in {seconds} s; nothing already sent is sent twice.",
      { seconds },
    ),
  };
}

export function headline(batch, totals) {
  if (batch.state === "processing") return t("Everything is sent. Checking the files…");
  if (batch.state === "done") return outcome(totals);
  const done = `${percent(totals.sent, totals.bytes)} %`;
  if (batch.problem) return t("{done} · stopped", { done });
  return batch.isPaused ? t("{done} · paused", { done }) : done;
}

function outcome({ stored, already_here: already, refused, cancelled }) {
  const parts = [
    stored && t("{number} stored", { number: count(stored) }),
    already && t("{number} already here", { number: count(already) }),
    refused && t("{number} refused", { number: count(refused) }),
    cancelled && t("{number} cancelled", { number: count(cancelled) }),
  ].filter(Boolean);
  return parts.length ? t("Done: {what}", { what: parts.join(", ") }) : t("Nothing to send");
}

function detail(batch, totals) {
  const sent = t("{done} of {all}", { done: bytes(totals.sent), all: bytes(totals.bytes) });
  if (batch.state === "processing")
    return `${files(totals.files)}, ${bytes(totals.bytes)}. ${t("You may leave this page; checking goes on without it.")}`;
  if (batch.state === "done") return `${files(totals.files)}, ${bytes(totals.bytes)}`;
  return [
    t("{done} of {all}", { done: count(totals.sentFiles), all: files(totals.files) }),
    sent,
    ...pace(batch, totals),
  ].join(" · ");
}

function pace(batch, totals) {
  const isStill = batch.isPaused || batch.problem || batch.waitUntil || !navigator.onLine;
  const rate = isStill ? 0 : batch.rate.perSecond();
  if (!rate) return [];
  return [`${bytes(rate)}/s`, t("{time} left", { time: duration((totals.bytes - totals.sent) / rate) })];
}
