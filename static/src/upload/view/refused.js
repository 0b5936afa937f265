import { save, toCsv } from "../csv.js";
import { count } from "../format.js";
import { h, reconcile, setHidden, setText } from "./dom.js";

const STEP = 100;

/** What was refused and why, with the means to take the list away. */
export class Refused {
  #shown = STEP;
  #items = [];

  constructor(root, redraw) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.part("save-refused").addEventListener("click", () => save(this.#csv(), "refused-files.csv"));
    this.part("copy-refused").addEventListener("click", () => this.#copy());
    this.part("more-refused").addEventListener("click", () => {
      this.#shown += STEP;
      redraw();
    });
  }

  update(batch) {
    this.#items = batch.items.filter(({ outcome }) => outcome === "refused");
    setHidden(this.root, !this.#items.length);
    setText(this.part("refused-count"), count(this.#items.length));
    reconcile(this.root.querySelector("tbody"), this.#items.slice(0, this.#shown), {
      key: ({ id }) => id,
      create: row,
    });
    setHidden(this.part("more-refused"), this.#items.length <= this.#shown);
  }

  #csv() {
    return toCsv([
      ["File", "Reason", "Explanation"],
      ...this.#items.map(({ path, reason, message }) => [path, reason, message]),
    ]);
  }

  async #copy() {
    const button = this.part("copy-refused");
    const text = this.#items.map(({ path, message }) => `${path}\t${message}`).join("\n");
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setText(button, copied ? "Copied" : "Copying is blocked; save the list instead");
    setTimeout(() => setText(button, "Copy"), 3000);
  }
}

function row({ path, message }) {
  return h(
    "tr",
    {},
    h("td", { "data-label": "File" }, h("span", { class: "refused__name" }, path)),
    h("td", { "data-label": "Reason" }, message),
  );
}
