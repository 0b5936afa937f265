import { setHidden } from "./dom.js";
import { Announcer } from "./announcer.js";
import { Folders } from "./folders.js";
import { LeftOut } from "./left_out.js";
import { PasswordDialog } from "./password.js";
import { Refused } from "./refused.js";
import { ReviewCard } from "./review.js";
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

  show(batch, desk) {
    Object.assign(this, { batch, desk });
    const redraw = () => this.draw();
    this.sections = [
      new ReviewCard(this.part("review"), redraw),
      new Summary(this.part("summary")),
      new StudyCards(this.part("studies"), redraw),
      new Refused(this.part("refused"), redraw),
      new LeftOut(this.part("left-out"), redraw),
      new Folders(this.part("folders"), redraw),
    ];
    this.announcer = new Announcer(this.part("live"));
    this.passwords = new PasswordDialog(this.part("password"));
  }

  ask(question) {
    this.passwords.ask(question);
  }

  changed() {
    if (this.#queued) return;
    this.#queued = true;
    setTimeout(this.draw, Math.max(0, PERIOD - (performance.now() - this.#drawn)));
  }

  draw() {
    this.#queued = false;
    this.#drawn = performance.now();
    const { batch, desk } = this;
    const counted = batch.tally();
    this.sections.forEach((section) => section.update(batch, desk, counted));
    this.announcer.update(batch, desk, counted.totals);
    this.#interrupted(batch, desk);
    this.#hook(batch, desk, counted.totals);
    if (batch.waitUntil) this.changed();
  }

  #interrupted(batch, desk) {
    const isFresh = !batch.items.length && desk.review.isEmpty;
    setHidden(this.part("interrupted"), !(isFresh && desk.interrupted.length));
    setHidden(this.part("choose-again"), !(isFresh && desk.mustChooseAgain));
    const isBusy = batch.items.length > 0 || !desk.review.isEmpty;
    this.part("drop").classList.toggle("drop--small", isBusy);
  }

  // What tests and support read; `settled` follows the studies, `state` only the upload.
  #hook(batch, { review, leftOut }, totals) {
    const { dataset } = this.root;
    dataset.stored = totals.stored;
    dataset.already = totals.already_here;
    dataset.refused = totals.refused;
    dataset.leftOut = leftOut.length;
    dataset.settled = batch.studies.isSettled;
    dataset.review = review.isEmpty ? "" : review.isLooking ? "looking" : "ready";
    dataset.state = batch.state;
  }
}
