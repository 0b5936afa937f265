import { count } from "../format.js";
import { h, icon, reconcile, setHidden, setText } from "./dom.js";

const STEPS = [
  ["received", "received"],
  ["in_pacs", "in the PACS"],
  ["sealed", "sealed"],
  ["mirrored", "mirrored"],
];

/** The studies the files became, and how far each has come on its way. */
export class StudyCards {
  constructor(root) {
    this.root = root;
    this.list = root.querySelector("ul");
  }

  update({ studies }) {
    setHidden(this.root, !studies.list.length);
    reconcile(this.list, studies.list, { key: (study) => study.study_instance_uid, create, update });
  }
}

function create(study) {
  return h(
    "li",
    { class: "arrived" },
    h("span", { class: "thumb arrived__thumb" }, icon("image")),
    h(
      "div",
      { class: "arrived__text" },
      h("a", { class: "arrived__title", href: study.url }),
      h("p", { class: "sub" }),
      h(
        "ol",
        { class: "track", "aria-label": "Progress of this study" },
        ...STEPS.map(([, label]) => step(label)),
      ),
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

function update(node, study) {
  setText(node.querySelector("a"), study.title || "Study");
  setText(node.querySelector("p"), study.subtitle ?? "");
  const steps = node.querySelectorAll(".track > li");
  STEPS.forEach(([name], index) => updateStep(steps[index], study, name));
  updateThumbnail(node.querySelector(".thumb"), study.thumbnail_url);
}

function updateStep(node, study, name) {
  const done = name === "received" ? study.instances : study[name];
  const state = done >= study.instances ? "done" : "doing";
  node.className = `track__step track__step--${state}`;
  const text =
    name === "received" || state === "doing"
      ? `${count(done)}${state === "doing" ? ` of ${count(study.instances)}` : ""}`
      : "";
  setText(node.querySelector(".track__count"), text);
  setText(node.lastChild, state === "done" ? ": done" : ": in progress");
}

function updateThumbnail(tile, url) {
  if (!url || tile.firstChild.getAttribute("src") === url) return;
  tile.replaceChildren(h("img", { src: url, alt: "", loading: "lazy" }));
}
