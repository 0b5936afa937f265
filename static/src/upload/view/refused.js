import { t } from "../../i18n.js";
import { save, toCsv } from "../csv.js";
import { count } from "../format.js";
import { reasonText } from "../words.js";
import { h, reconcile, setHidden, setText } from "./dom.js";

const STEP = 100;

/** What was refused and why, with the means to take the list away. */
export class Refused {
  #shown = STEP;
  #items = [];
  #leftOut = [];

  constructor(root, redraw) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    for (const button of document.querySelectorAll('#upload [data-part^="save-"]'))
      button.addEventListener("click", () => save(this.#csv(), t("refused-files.csv")));
    this.part("copy-refused").addEventListener("click", () => this.#copy());
    this.part("more-refused").addEventListener("click", () => {
      this.#shown += STEP;
      redraw();
    });
  }

  update(batch, { leftOut }) {
    this.#items = batch.items.filter(({ outcome }) => outcome === "refused");
    this.#leftOut = leftOut;
    setHidden(this.root, !this.#items.length);
    this.part("retry-refused").disabled = batch.state === "uploading";
    setText(this.part("refused-count"), count(this.#items.length));
    reconcile(this.root.querySelector("tbody"), this.#items.slice(0, this.#shown), {
      key: ({ id }) => id,
      create: row,
    });
    setHidden(this.part("more-refused"), this.#items.length <= this.#shown);
  }

  #csv() {
    return toCsv([
      [t("File"), t("What happened"), t("Reason"), t("Explanation")],
      ...this.#items.map(({ path, reason, message }) => [path, t("Refused"), reason, message]),
      ...this.#leftOut.map(({ path, reason }) => [path, t("Left out"), reason, reasonText(reason)]),
    ]);
  }

  async #copy() {
    const button = this.part("copy-refused");
    const text = this.#items.map(({ path, message }) => `${path}\t${message}`).join("\n");
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setText(button, copied ? t("Copied") : t("Copying is blocked; save the list instead"));
    setTimeout(() => setText(button, t("Copy")), 3000);
  }
}

function row({ path, message }) {
  return h(
    "tr",
    {},
    h("td", { "data-label": t("File") }, h("span", { class: "refused__name" }, path)),
    h("td", { "data-label": t("Reason") }, message),
  );
}
