import { percent } from "../format.js";
import { setText } from "./dom.js";
import { headline } from "./summary.js";

/** Tells screen readers the milestones, not every percent. */
export class Announcer {
  #last = "";

  constructor(region) {
    this.region = region;
  }

  update(batch, totals) {
    if (batch.state === "idle") return;
    const milestone = this.#milestone(batch, totals);
    if (milestone === this.#last) return;
    this.#last = milestone;
    setText(this.region, milestone);
  }

  #milestone(batch, totals) {
    if (batch.problem) return batch.problem.message;
    if (batch.state !== "uploading" || batch.isPaused) return headline(batch, totals);
    if (batch.waitUntil) return "The server cannot be reached. Trying again.";
    return `Uploading, ${Math.floor(percent(totals.sent, totals.bytes) / 25) * 25} percent.`;
  }
}
