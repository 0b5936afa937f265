import { t } from "../../i18n.js";
import { bytes, count, files, percent } from "../format.js";
import { sentBytes } from "../parcels.js";
import { h, icon, reconcile, setHidden, setProgress, setText } from "./dom.js";

const STEP = 50;
const NATURAL = new Intl.Collator("en", { numeric: true });

/**
 * All files by folder. A closed folder is one row; an open one shows a window of its files, so that 20,000
 * files
 * cost a few hundred nodes.
 */
export class Folders {
  #shown = STEP;
  #windows = new Map();
  #sorted = new Map();

  constructor(root, redraw) {
    this.root = root;
    this.redraw = redraw;
    this.list = root.querySelector("ul");
    root.querySelector("details").addEventListener("toggle", redraw);
    this.more = root.querySelector("[data-part=more-folders]");
    this.more.addEventListener("click", () => {
      this.#shown += STEP;
      redraw();
    });
  }

  update(batch) {
    setHidden(this.root, !batch.items.length);
    if (!this.root.querySelector("details").open) return;
    const folders = group(batch.items);
    reconcile(this.list, folders.slice(0, this.#shown), {
      key: ({ path }) => path,
      create: (folder) => this.#create(folder),
      update: (node, folder) => this.#update(node, folder),
    });
    setHidden(this.more, folders.length <= this.#shown);
    setText(
      this.more,
      t("Show more folders ({number} left)", { number: count(Math.max(0, folders.length - this.#shown)) }),
    );
  }

  #create({ path }) {
    const more = h("button", {
      type: "button",
      class: "btn btn--small btn--quiet",
      hidden: true,
      click: () => this.#widen(path),
    });
    return h(
      "li",
      {},
      h(
        "details",
        { class: "folder", toggle: () => this.redraw() },
        h(
          "summary",
          { class: "folder__summary" },
          icon("chevron-right"),
          h("span", { class: "folder__name truncate" }, path || t("Single files")),
          h("span", { class: "folder__count sub" }),
          h("progress", {
            class: "progress",
            max: "100",
            value: "0",
            "aria-label": t("Progress of {folder}", { folder: path || t("Single files") }),
          }),
        ),
        h("ul", { class: "folder__files" }),
        more,
      ),
    );
  }

  #update(node, folder) {
    const done = folder.answered === folder.items.length;
    setText(node.querySelector(".folder__count"), describe(folder));
    const bar = node.querySelector("progress");
    setProgress(bar, done ? 100 : percent(folder.sent, folder.bytes));
    bar.classList.toggle("progress--ok", done && !folder.refused);
    if (node.firstChild.open) this.#updateFiles(node, folder);
  }

  #updateFiles(node, { path, items }) {
    const shown = this.#windows.get(path) ?? STEP;
    reconcile(node.querySelector(".folder__files"), this.#inOrder(path, items).slice(0, shown), {
      key: ({ id }) => id,
      create: fileRow,
      update: updateFile,
    });
    const more = node.querySelector("button");
    setHidden(more, items.length <= shown);
    setText(more, t("Show more files ({number} left)", { number: count(Math.max(0, items.length - shown)) }));
  }

  // Sorting a large folder takes its time, so an open one is sorted again only when it has grown.
  #inOrder(path, items) {
    if (this.#sorted.get(path)?.length !== items.length)
      this.#sorted.set(
        path,
        [...items].sort((a, b) => NATURAL.compare(a.name, b.name)),
      );
    return this.#sorted.get(path);
  }

  #widen(path) {
    this.#windows.set(path, (this.#windows.get(path) ?? STEP) + 2 * STEP);
    this.redraw();
  }
}

function group(items) {
  const folders = new Map();
  for (const item of items) {
    if (!folders.has(item.folder))
      folders.set(item.folder, { path: item.folder, items: [], bytes: 0, sent: 0, refused: 0, answered: 0 });
    const folder = folders.get(item.folder);
    folder.items.push(item);
    folder.bytes += item.size;
    folder.sent += item.parcel ? sentBytes(item) : item.size;
    if (item.outcome) folder.answered += 1;
    if (item.outcome === "refused") folder.refused += 1;
  }
  return [...folders.values()];
}

function describe({ items, bytes: size, refused }) {
  const refusals = refused ? ` · ${t("{number} refused", { number: count(refused) })}` : "";
  return `${files(items.length)} · ${bytes(size)}${refusals}`;
}

const OUTCOMES = {
  stored: [t("Stored"), "badge badge--ok"],
  already_here: [t("Already here"), "badge"],
  refused: [t("Refused"), "badge badge--bad"],
  cancelled: [t("Cancelled"), "badge"],
};

function fileRow(item) {
  return h(
    "li",
    { class: "folder__file" },
    h("span", { class: "truncate" }, item.name),
    h("span", { class: "sub nowrap" }, bytes(item.size)),
    h("span"),
  );
}

function updateFile(node, item) {
  const [text, style] = OUTCOMES[item.outcome] ?? progressOf(item);
  setText(node.lastChild, text);
  if (node.lastChild.className !== style) node.lastChild.className = style;
}

function progressOf(item) {
  if (!item.parcel) return [t("Waiting"), "badge"];
  const { state, sent } = item.parcel;
  const part = sentBytes(item);
  if (state === "sent" || (part === item.size && sent > item.start)) return [t("Sent"), "badge badge--info"];
  return part ? [`${percent(part, item.size)} %`, "badge badge--busy"] : [t("Waiting"), "badge"];
}
