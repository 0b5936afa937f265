import { t, tn } from "../../i18n.js";
import { count } from "../format.js";
import { reasonText } from "../words.js";
import { h, icon, reconcile, setHidden, setText } from "./dom.js";

const STEP = 50;
const FEW = 12;
// What everybody expects on a disc, against what somebody may have wanted to send.
const ORDINARY = new Set(["index", "system", "program", "text", "page", "empty"]);

/** What was chosen and is no DICOM file, by the reason why it is not sent. */
export class LeftOut {
  #windows = new Map();

  constructor(root, redraw) {
    Object.assign(this, { root, redraw });
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
  }

  update(batch, { leftOut, review }) {
    setHidden(this.root, !leftOut.length);
    if (!leftOut.length) return;
    const isAll =
      !batch.items.length && review.isEmpty === false && !review.studies.length && !review.isLooking;
    setHidden(this.part("nothing"), !isAll);
    setText(
      this.part("left-out-title"),
      tn("Left out: 1 file", "Left out: {number} files", leftOut.length, { number: count(leftOut.length) }),
    );
    const groups = [...group(leftOut)].sort(([a], [b]) => ORDINARY.has(a) - ORDINARY.has(b));
    reconcile(this.root.querySelector("ul"), groups, {
      key: ([reason]) => reason,
      create: ([reason]) => this.#create(reason, leftOut.length <= FEW),
      update: (node, [reason, paths]) => this.#update(node, reason, paths),
    });
  }

  #create(reason, open) {
    const more = h("button", {
      type: "button",
      class: "btn btn--small btn--quiet",
      hidden: true,
      click: () => this.#widen(reason),
    });
    const summary = h(
      "summary",
      { class: "left-out__summary" },
      icon("chevron-right"),
      h("span", { class: "badge left-out__count" }),
      h("span", {}, reasonText(reason)),
    );
    const details = h(
      "details",
      { class: "left-out", open, toggle: () => this.redraw() },
      summary,
      h("ul", { class: "left-out__names" }),
      more,
    );
    return h("li", {}, details);
  }

  #update(node, reason, paths) {
    setText(node.querySelector(".badge"), count(paths.length));
    if (!node.firstChild.open) return;
    const shown = this.#windows.get(reason) ?? STEP;
    reconcile(node.querySelector("ul"), paths.slice(0, shown), {
      key: (path) => path,
      create: (path) => h("li", {}, path),
    });
    const more = node.querySelector("button");
    setHidden(more, paths.length <= shown);
    setText(more, t("Show more files ({number} left)", { number: count(Math.max(0, paths.length - shown)) }));
  }

  #widen(reason) {
    this.#windows.set(reason, (this.#windows.get(reason) ?? STEP) + 2 * STEP);
    this.redraw();
  }
}

function group(leftOut) {
  const groups = new Map();
  for (const { reason, path } of leftOut) {
    if (!groups.has(reason)) groups.set(reason, []);
    groups.get(reason).push(path);
  }
  return groups;
}
