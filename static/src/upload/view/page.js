import { count } from "../format.js";
import { Active } from "./active.js";
import { Announcer } from "./announcer.js";
import { setHidden, setText } from "./dom.js";
import { Folders } from "./folders.js";
import { Refused } from "./refused.js";
import { StudyCards } from "./studies.js";
import { Summary } from "./summary.js";

const PERIOD = 200;

/** Draws at most five times a second, however often the batch reports. */
export class Page {
  #queued = false;
  #drawn = 0;

  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.draw = this.draw.bind(this);
  }

  show(batch) {
    this.batch = batch;
    this.summary = new Summary(this.part("summary"));
    const redraw = () => this.draw();
    this.sections = [
      new Active(this.part("active")),
      new Refused(this.part("refused"), redraw),
      new StudyCards(this.part("studies")),
      new Folders(this.part("folders"), redraw),
    ];
    this.announcer = new Announcer(this.part("live"));
    setHidden(this.part("interrupted"), batch.memory.size === 0);
  }

  changed() {
    if (this.#queued) return;
    this.#queued = true;
    setTimeout(this.draw, Math.max(0, PERIOD - (performance.now() - this.#drawn)));
  }

  draw() {
    this.#queued = false;
    this.#drawn = performance.now();
    const { batch } = this;
    const totals = batch.totals();
    this.summary.update(batch, totals);
    this.sections.forEach((section) => section.update(batch));
    this.announcer.update(batch, totals);
    this.#note(batch);
    this.#hook(batch, totals);
    if (batch.waitUntil) this.changed();
  }

  #note({ skipped, items }) {
    const note = this.part("skipped");
    setHidden(note, !skipped.length);
    setText(
      note,
      `${count(skipped.length)} ${skipped.length === 1 ? "file" : "files"} of the operating system left out (such as .DS_Store or Thumbs.db).`,
    );
    if (items.length) setHidden(this.part("interrupted"), true);
    this.part("drop").classList.toggle("drop--small", items.length > 0);
  }

  // What tests and support read; `settled` follows the studies, `state` only the upload.
  #hook(batch, totals) {
    const { dataset } = this.root;
    dataset.stored = totals.stored;
    dataset.already = totals.already_here;
    dataset.refused = totals.refused;
    dataset.settled = batch.studies.isSettled;
    dataset.state = batch.state;
  }
}
