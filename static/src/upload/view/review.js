import { t, tn } from "../../i18n.js";
import { bytes, count, day, files, images, percent } from "../format.js";
import { displayName } from "../words.js";
import { h, reconcile, setHidden, setProgress, setText } from "./dom.js";

const STEP = 50;
const MOST_NAMED = 100;

/** What was found, before anything is sent: whose it is, and what of it shall be sent. */
export class ReviewCard {
  #shown = STEP;
  #wasLooking = false;

  constructor(root, redraw) {
    Object.assign(this, { root, redraw });
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.part("more-patients").addEventListener("click", () => {
      this.#shown += STEP;
      redraw();
    });
  }

  update(batch, desk) {
    const { review } = desk;
    const isIdle = review.isEmpty || (!review.isLooking && !review.studies.length);
    setHidden(this.root, isIdle);
    if (isIdle) {
      this.root.querySelector("ul.patients").replaceChildren();
      return;
    }
    const patients = review.patients;
    setText(this.part("review-title"), title(review, patients));
    this.#progress(review);
    this.#warnings(review, patients);
    this.#patients(review, patients);
    this.#actions(batch, desk);
  }

  #progress(review) {
    const { read, listed } = review.progress;
    setHidden(this.part("looking"), !review.isLooking);
    setText(
      this.part("looking-text"),
      t("Looking at {read} of {listed}. Nothing is sent yet.", { read: count(read), listed: files(listed) }),
    );
    setProgress(this.part("looking-bar"), percent(read, listed));
  }

  #warnings(review, patients) {
    const known = patients.filter(({ isUnknown }) => !isUnknown).length;
    const isReady = !review.isLooking;
    setHidden(this.part("several"), !(isReady && known > 1));
    setText(
      this.part("several-text"),
      t("These files belong to {number} patients. Make sure that all of them are meant.", {
        number: count(known),
      }),
    );
    const mixed = review.studies.filter((study) => study.mixed).length;
    setHidden(this.part("mixed"), !(isReady && mixed));
    setText(
      this.part("mixed-text"),
      t("Files of one study name different patients. Look at them before you send them."),
    );
    setHidden(this.part("completed"), !review.completed);
    setText(
      this.part("completed-text"),
      tn(
        "1 file has no file header, as on older discs; one is put in front of it.",
        "{number} files have no file header, as on older discs; one is put in front of each.",
        review.completed,
        { number: count(review.completed) },
      ),
    );
    this.#indexes(review.indexes);
  }

  #indexes(indexes) {
    const missing = indexes.flatMap((index) => index.missing);
    const outside = indexes.flatMap((index) => index.outside);
    setHidden(this.part("missing"), !missing.length);
    setText(
      this.part("missing-text"),
      tn(
        "The disc's index names 1 file that is not here. The disc was not copied completely, or only a part of it was chosen.",
        "The disc's index names {number} files that are not here. The disc was not copied completely, or only a part of it was chosen.",
        missing.length,
        { number: count(missing.length) },
      ),
    );
    nameAll(this.part("missing-names"), missing);
    setHidden(this.part("outside"), !outside.length);
    setText(
      this.part("outside-text"),
      t("The disc's index points outside the disc. That was ignored: {names}", {
        names: outside.slice(0, 3).join(", "),
      }),
    );
  }

  #patients(review, patients) {
    reconcile(this.root.querySelector("ul.patients"), patients.slice(0, this.#shown), {
      key: ({ key }) => key,
      create: (patient) => this.#createPatient(review, patient),
      update: (node, patient) => this.#updatePatient(node, review, patient),
    });
    const more = this.part("more-patients");
    setHidden(more, patients.length <= this.#shown);
    setText(
      more,
      t("Show more patients ({number} left)", { number: count(Math.max(0, patients.length - this.#shown)) }),
    );
  }

  #createPatient(review, patient) {
    const box = h("input", { type: "checkbox", change: () => this.#wantAll(review, box, patient.key) });
    const text = h(
      "span",
      { class: "patient__text" },
      h("span", { class: "patient__name" }),
      h("span", { class: "sub" }),
    );
    return h("li", { class: "patient" }, h("label", { class: "patient__head" }, box, text), h("ul"));
  }

  #updatePatient(node, review, patient) {
    setText(
      node.querySelector(".patient__name"),
      patient.isUnknown ? t("Patient not known yet") : displayName(patient.name),
    );
    setText(node.querySelector(".sub"), about(patient));
    const wanted = patient.studies.filter((study) => review.isWanted(study)).length;
    const box = node.querySelector("input");
    box.checked = wanted > 0;
    box.indeterminate = wanted > 0 && wanted < patient.studies.length;
    reconcile(node.querySelector("ul"), patient.studies, {
      key: ({ uid }) => uid,
      create: (study) => this.#createStudy(review, study),
      update: (row, study) => updateStudy(row, review, study),
    });
  }

  #wantAll(review, box, key) {
    const { studies } = review.patients.find((patient) => patient.key === key);
    studies.forEach((study) => review.want(study, box.checked));
    this.redraw();
  }

  #createStudy(review, study) {
    const box = h("input", {
      type: "checkbox",
      change: () => {
        review.want(study, box.checked);
        this.redraw();
      },
    });
    return h(
      "li",
      {},
      h(
        "label",
        { class: "found" },
        box,
        h("span", { class: "found__kinds" }),
        h("span", { class: "found__text" }),
        h("span", { class: "found__date num" }),
        h("span", { class: "found__count num" }),
        h("span", { class: "found__size num sub" }),
      ),
    );
  }

  #actions(batch, desk) {
    const { review } = desk;
    const send = this.part("send");
    setText(send.lastElementChild, sendText(review));
    send.disabled = !desk.canSend;
    setText(this.part("chosen"), chosenText(review));
    // Ready: Enter sends, unless the user is at something else.
    const isReady = this.#wasLooking && !review.isLooking;
    this.#wasLooking = review.isLooking;
    const isElsewhere = document.activeElement?.matches("input, dialog *") ?? false;
    if (!isReady || !desk.canSend || isElsewhere || batch.state === "uploading") return;
    send.focus({ preventScroll: true });
    if (matchMedia("(max-width: 639.98px)").matches) this.root.scrollIntoView({ block: "start" });
  }
}

function title(review, patients) {
  if (!review.studies.length) return t("Looking at what you chose");
  const known = patients.filter(({ isUnknown }) => !isUnknown);
  const studies = review.studies.filter(({ uid }) => uid).length;
  const number = review.studies.reduce((sum, study) => sum + study.files.length, 0);
  const parts = [
    known.length && tn("1 patient", "{number} patients", known.length, { number: count(known.length) }),
    studies && tn("1 study", "{number} studies", studies, { number: count(studies) }),
    images(number),
  ];
  return t("Found: {what}", { what: parts.filter(Boolean).join(", ") });
}

function sendText({ chosen, studies }) {
  if (studies.length === 1 || !chosen.length) return t("Send");
  return tn("Send 1 study", "Send {number} studies", chosen.length, { number: count(chosen.length) });
}

function chosenText({ chosen }) {
  const number = chosen.reduce((sum, study) => sum + study.files.length, 0);
  const size = chosen.reduce((sum, study) => sum + study.size, 0);
  return number ? `${images(number)} · ${bytes(size)}` : t("Nothing is chosen.");
}

function about({ id, birthDate, isUnknown }) {
  if (isUnknown) return t("The first bytes do not tell whose these are; the server looks further.");
  const born = day(birthDate);
  return [id && t("ID {id}", { id }), born && t("born {date}", { date: born })].filter(Boolean).join(" · ");
}

function updateStudy(node, review, study) {
  const box = node.querySelector("input");
  box.checked = review.isWanted(study);
  node.firstChild.classList.toggle("found--out", !box.checked);
  reconcile(node.querySelector(".found__kinds"), [...study.modalities].sort().slice(0, 4), {
    key: (modality) => modality,
    create: (modality) => h("span", { class: "modality" }, modality),
  });
  setText(
    node.querySelector(".found__text"),
    study.description || (study.uid ? t("No description") : t("Files to be looked at")),
  );
  setText(node.querySelector(".found__date"), day(study.date));
  setText(node.querySelector(".found__count"), images(study.files.length));
  setText(node.querySelector(".found__size"), bytes(study.size));
}

/** A list in words, once: it does not change any more when it is shown. */
function nameAll(list, names) {
  if (list.children.length === Math.min(names.length, MOST_NAMED + 1)) return;
  const more = names.length - MOST_NAMED;
  const rows = names.slice(0, MOST_NAMED).map((name) => h("li", {}, name));
  if (more > 0) rows.push(h("li", {}, t("and {number} more", { number: count(more) })));
  list.replaceChildren(...rows);
}
