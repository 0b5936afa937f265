import { bytes, count, percent } from "../format.js";
import { sentBytes } from "../parcels.js";
import { h, icon, reconcile, setHidden, setProgress, setText } from "./dom.js";

/** What is on the line right now: at most three rows. */
export class Active {
  #ids = new WeakMap();
  #next = 0;

  constructor(root) {
    this.root = root;
    this.list = root.querySelector("ul");
  }

  update(batch) {
    const { active } = batch;
    setHidden(this.root, !active.length);
    reconcile(this.list, active, { key: (parcel) => this.#id(parcel), create, update });
  }

  #id(parcel) {
    if (!this.#ids.has(parcel)) this.#ids.set(parcel, this.#next++);
    return this.#ids.get(parcel);
  }
}

function create({ kind }) {
  return h(
    "li",
    { class: "sending" },
    icon(kind === "file" ? "file" : "folder"),
    h(
      "div",
      { class: "sending__text" },
      h("span", { class: "sending__name truncate" }),
      h("span", { class: "sub" }),
    ),
    h("progress", { class: "progress", max: "100", value: "0", "aria-label": "Progress" }),
  );
}

function update(node, parcel) {
  const [name, sub] = node.querySelectorAll("span");
  setText(name, parcel.kind === "file" ? parcel.items[0].path : `${count(parcel.items.length)} small files`);
  setText(sub, status(parcel));
  setProgress(node.querySelector("progress"), percent(parcel.sent, parcel.size));
}

function status(parcel) {
  if (parcel.waitUntil) return "Waiting for the connection";
  const amount = `${bytes(parcel.sent)} of ${bytes(parcel.size)}`;
  if (parcel.kind === "file") return amount;
  const current = parcel.items.find((item) => sentBytes(item) < item.size);
  return current ? `${amount} · now ${current.name}` : amount;
}
