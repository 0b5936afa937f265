import { t } from "../../i18n.js";
import { percent } from "../format.js";
import { setText } from "./dom.js";
import { headline } from "./summary.js";

/** Tells screen readers the milestones, not every percent. */
export class Announcer {
  #last = "";

  constructor(region) {
    this.region = region;
  }

  update(batch, desk, totals) {
    const milestone = this.#milestone(batch, desk, totals);
    if (milestone === this.#last) return;
    this.#last = milestone;
    setText(this.region, milestone);
  }

  #milestone(batch, { review }, totals) {
    if (!review.isEmpty && review.isLooking) return t("Looking at what you chose.");
    if (review.studies.length) return t("Ready to send. Nothing is sent yet.");
    if (batch.state === "idle") return "";
    if (batch.problem) return batch.problem.message;
    if (batch.state !== "uploading" || batch.isPaused) return headline(batch, totals);
    if (batch.waitUntil) return t("The server cannot be reached. Trying again.");
    return t("Uploading, {percent} percent.", {
      percent: Math.floor(percent(totals.sent, totals.bytes) / 25) * 25,
    });
  }
}
