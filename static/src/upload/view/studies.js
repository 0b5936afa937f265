import { t, tn } from "../../i18n.js";
import { bytes, count, day, percent } from "../format.js";
import { displayName } from "../words.js";
import { h, icon, reconcile, setHidden, setProgress, setText } from "./dom.js";

const STEP = 30;
const STEPS = [
  ["received", () => t("received")],
  ["in_pacs", () => t("in the PACS")],
  ["sealed", () => t("sealed")],
  ["mirrored", () => t("mirrored")],
];

/** The queue: each study from waiting over receiving to where the server has come with it. */
export class StudyCards {
  #shown = STEP;

  constructor(root, redraw) {
    this.root = root;
    this.list = root.querySelector("ul");
    this.more = root.querySelector('[data-part="more-studies"]');
    this.more.addEventListener("click", () => {
      this.#shown += STEP;
      redraw();
    });
  }

  update(batch, _desk, { studies }) {
    const rows = join(studies, batch.studies.list);
    setHidden(this.root, !rows.length);
    reconcile(this.list, rows.slice(0, this.#shown), { key: ({ uid }) => uid || "?", create, update });
    setHidden(this.more, rows.length <= this.#shown);
    setText(
      this.more,
      t("Show more studies ({number} left)", { number: count(Math.max(0, rows.length - this.#shown)) }),
    );
  }
}

/** What this page knows of each study, with what the server says of it. */
function join(local, remote) {
  const byUid = new Map(remote.map((study) => [study.study_instance_uid, study]));
  const rows = [...local].map(([uid, sending]) => ({ uid, sending, server: byUid.get(uid) ?? null }));
  const rest = remote.filter(({ study_instance_uid: uid }) => !local.has(uid));
  return [...rows, ...rest.map((server) => ({ uid: server.study_instance_uid, sending: null, server }))];
}

function create() {
  return h(
    "li",
    { class: "arrived" },
    h("span", { class: "thumb arrived__thumb" }, icon("image")),
    h(
      "div",
      { class: "arrived__text" },
      h(
        "div",
        { class: "arrived__head" },
        h("span", { class: "arrived__title" }),
        h("span", { class: "badge" }),
      ),
      h("p", { class: "sub arrived__about" }),
      h(
        "div",
        { class: "arrived__sending" },
        h("progress", {
          class: "progress",
          max: "100",
          value: "0",
          "aria-label": t("Received of this study"),
        }),
        h("span", { class: "sub num" }),
      ),
      h(
        "ol",
        { class: "track", "aria-label": t("Progress of this study") },
        ...STEPS.map(([, label]) => step(label())),
      ),
      h("p", { class: "sub arrived__outcome" }),
    ),
  );
}

function step(label) {
  return h(
    "li",
    {},
    h("span", { class: "track__dot", "aria-hidden": "true" }, icon("check")),
    h("span", { class: "track__text" }, label, " ", h("span", { class: "track__count" })),
    h("span", { class: "visually-hidden" }),
  );
}

function update(node, { sending, server }) {
  updateTitle(node.querySelector(".arrived__title"), sending, server);
  updateState(node.querySelector(".badge"), stateOf(sending, server));
  setText(node.querySelector(".arrived__about"), server?.subtitle || about(sending));
  const isReceiving = sending !== null && sending.answered < sending.files;
  updateSending(node.querySelector(".arrived__sending"), sending, isReceiving);
  const track = node.querySelector(".track");
  setHidden(track, isReceiving || !server);
  if (server) STEPS.forEach(([name], index) => updateStep(track.children[index], server, name));
  updateOutcome(node.querySelector(".arrived__outcome"), sending);
  updateThumbnail(node.querySelector(".thumb"), server?.thumbnail_url);
}

function updateTitle(node, sending, server) {
  const text =
    server?.title || (sending?.header ? displayName(sending.header.patientName) : t("Patient not known yet"));
  if (server && !node.firstElementChild) node.replaceChildren(h("a", { href: server.url }));
  setText(node.firstElementChild ?? node, text);
}

const STATES = {
  waiting: () => ["badge", t("Waiting")],
  receiving: () => ["badge badge--info", t("Receiving")],
  processing: () => ["badge badge--busy", t("Processing")],
  done: () => ["badge badge--ok", t("Done")],
  refused: () => ["badge badge--bad", t("Refused")],
  cancelled: () => ["badge", t("Cancelled")],
};

function stateOf(sending, server) {
  if (sending && sending.answered < sending.files) return sending.sent ? "receiving" : "waiting";
  if (server) return isThrough(server) ? "done" : "processing";
  if (sending.refused + sending.cancelled < sending.files) return "processing";
  return sending.refused ? "refused" : "cancelled";
}

const isThrough = ({ instances, in_pacs: inPacs, sealed, mirrored }) =>
  Math.min(inPacs, sealed, mirrored) >= instances;

function updateState(node, state) {
  const [style, text] = STATES[state]();
  if (node.className !== style) node.className = style;
  setText(node, text);
}

function about(sending) {
  if (!sending?.header) return "";
  const { modality, date, description } = sending.header;
  return [modality, day(date), description].filter(Boolean).join(" · ");
}

function updateSending(node, sending, isReceiving) {
  setHidden(node, !isReceiving);
  if (!isReceiving) return;
  setProgress(node.firstChild, percent(sending.sent, sending.bytes));
  setText(node.lastChild, sendingText(sending));
}

function sendingText({ sent, sentFiles, files, bytes: size }) {
  if (!sent) return t("waiting");
  if (sentFiles === files) return t("checking");
  const values = { sent: count(sentFiles), files: count(files), bytes: bytes(size) };
  return t("{sent} of {files} · {bytes}", values);
}

function updateOutcome(node, sending) {
  const { already_here: already = 0, refused = 0, cancelled = 0 } = sending ?? {};
  const parts = [
    already &&
      tn(
        "1 image was already here and is kept once",
        "{number} images were already here and are kept once",
        already,
        {
          number: count(already),
        },
      ),
    refused && t("{number} refused", { number: count(refused) }),
    cancelled && t("{number} cancelled", { number: count(cancelled) }),
  ].filter(Boolean);
  setHidden(node, !parts.length);
  setText(node, parts.join(" · "));
}

function updateStep(node, study, name) {
  const done = name === "received" ? study.instances : study[name];
  const state = done >= study.instances ? "done" : "doing";
  node.className = `track__step track__step--${state}`;
  setText(node.querySelector(".track__count"), countText(name, state, done, study.instances));
  setText(node.lastChild, state === "done" ? t(": done") : t(": in progress"));
}

function countText(name, state, done, all) {
  if (state === "doing") return t("{done} of {all}", { done: count(done), all: count(all) });
  return name === "received" ? count(done) : "";
}

function updateThumbnail(tile, url) {
  if (!url || tile.firstChild.getAttribute("src") === url) return;
  tile.replaceChildren(h("img", { src: url, alt: "", loading: "lazy" }));
}
