import { Looking } from "./looking.js";
import { Review } from "./review.js";
import { fromHandles } from "./selection.js";
import { Sources, mayRead, wantedOf } from "./sources.js";

const LOCK = "collimate-upload";

/** Between choosing and sending: looks through each drop, lets the user leave studies out, hands on to the batch. */
export class Desk {
  review = new Review();
  leftOut = [];
  interrupted = [];
  mustChooseAgain = false;
  #handles = [];
  #letGo = null;

  /** @param view `changed()`, `ask(question)` for a password */
  constructor(batch, view) {
    Object.assign(this, { batch, view });
    this.sources = new Sources(batch.endpoint);
  }

  /** @param {{files: AsyncIterable, handles: FileSystemHandle[]}} drop */
  async take({ files, handles }) {
    this.#handles.push(...handles);
    this.mustChooseAgain = false;
    await this.#look(files);
  }

  #look(files) {
    const { review } = this;
    return new Promise((resolve) => {
      const looking = new Looking({
        found: (found) => review.add(found),
        leftOut: (leftOut) => {
          this.leftOut = this.leftOut.concat(leftOut);
        },
        index: (index) => review.indexes.push(index),
        ask: (question) => this.view.ask(question),
        changed: () => {
          if (looking.isDone) resolve();
          this.view.changed();
        },
      });
      review.begin(looking);
      looking.take(files);
      this.view.changed();
    });
  }

  get canSend() {
    return !this.review.isLooking && this.review.chosen.length > 0;
  }

  async send() {
    if (!this.canSend) return;
    const studies = this.review.chosen.map(({ uid }) => uid);
    const handles = this.#handles.splice(0);
    const files = this.review.take();
    this.interrupted = [];
    this.#hold();
    this.batch.add(files);
    await this.sources.remember(handles, studies);
  }

  discard() {
    this.review.discard();
    this.#handles = [];
    this.leftOut = [];
    this.view.changed();
  }

  /** What an earlier page left unfinished. */
  async recall() {
    if (await isHeld()) return; // an upload in another tab is not interrupted
    if (!this.batch.memory.size) {
      await this.sources.forgetAll();
      return;
    }
    this.interrupted = await this.sources.recall();
    this.mustChooseAgain = !this.interrupted.length;
    this.view.changed();
  }

  /** Finds the files of the interrupted upload again and sends the studies that were to be sent. */
  async goOn() {
    const rows = this.interrupted;
    const handles = rows.flatMap((row) => row.handles);
    if (!(await mayRead(handles).catch(() => false))) return this.#askAgain();
    this.interrupted = [];
    await this.take({ files: fromHandles(handles), handles });
    const wanted = new Set(await wantedOf(this.review.studies, rows));
    if (!wanted.size) return this.#askAgain();
    for (const study of this.review.studies) this.review.want(study, wanted.has(study));
    await this.sources.forgetAll();
    return this.send();
  }

  /** The user does not want the interrupted upload any more. */
  async forget() {
    this.batch.memory.forgetAll();
    this.interrupted = [];
    this.mustChooseAgain = false;
    this.view.changed();
    await this.sources.forgetAll();
  }

  /** Once everything is through, nothing need be found again. */
  settle() {
    if (!this.#letGo || this.batch.state !== "done") return;
    this.#letGo();
    this.#letGo = null;
    this.sources.forgetAll();
  }

  // Other tabs see by this lock that the upload goes on; the browser frees it when this one is closed.
  #hold() {
    if (this.#letGo) return;
    const end = new Promise((resolve) => {
      this.#letGo = resolve;
    });
    globalThis.navigator.locks?.request(LOCK, { mode: "shared" }, () => end);
  }

  #askAgain() {
    this.interrupted = [];
    this.mustChooseAgain = true;
    this.view.changed();
  }
}

async function isHeld() {
  const { held = [] } = (await globalThis.navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === LOCK);
}
