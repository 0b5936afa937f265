const NAMES = new Intl.Collator();

/** What was found and is not sent yet: patients, their studies, and which of them the user wants sent. */
export class Review {
  indexes = [];
  completed = 0;
  #studies = new Map();
  #lookings = [];
  #unwanted = new Set();
  #patients = null;

  get isEmpty() {
    return !this.#studies.size && !this.#lookings.length;
  }

  get isLooking() {
    return this.#lookings.some(({ isDone }) => !isDone);
  }

  /** Files looked at, and files there are to look at as far as is known. */
  get progress() {
    const sum = (name) => this.#lookings.reduce((total, each) => total + each[name], 0);
    return { read: sum("read"), listed: Math.max(sum("read"), sum("listed")) };
  }

  begin(looking) {
    this.#lookings.push(looking);
  }

  add(files) {
    this.#patients = null;
    for (const file of files) {
      const study = this.#studyOf(file);
      study.files.push(file);
      study.size += file.size;
      if (file.isCompleted) this.completed += 1;
    }
  }

  /** @returns {{key: string, name: string, id: string, birthDate: string, studies: object[]}[]} */
  get patients() {
    this.#patients ??= this.#grouped();
    return this.#patients;
  }

  #grouped() {
    const patients = new Map();
    for (const study of this.#studies.values()) {
      const { patient } = study;
      if (!patients.has(patient.key)) patients.set(patient.key, { ...patient, studies: [] });
      patients.get(patient.key).studies.push(study);
    }
    const all = [...patients.values()];
    all.forEach(({ studies }) => studies.sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0)));
    return all.sort((a, b) => a.isUnknown - b.isUnknown || NAMES.compare(a.name, b.name));
  }

  isWanted(study) {
    return !this.#unwanted.has(study.uid);
  }

  want(study, wanted) {
    if (wanted) this.#unwanted.delete(study.uid);
    else this.#unwanted.add(study.uid);
  }

  get studies() {
    return [...this.#studies.values()];
  }

  get chosen() {
    return this.studies.filter((study) => this.isWanted(study));
  }

  /** What is to be sent; afterwards nothing is left to review. */
  take() {
    const files = this.chosen.flatMap((study) => study.files);
    this.#clear();
    return files;
  }

  discard() {
    this.#lookings.forEach((looking) => looking.stop());
    this.#clear();
  }

  #clear() {
    this.#patients = null;
    this.#studies.clear();
    this.#unwanted.clear();
    this.#lookings = [];
    this.indexes = [];
    this.completed = 0;
  }

  #studyOf({ header }) {
    const uid = header?.study ?? "";
    if (!this.#studies.has(uid)) this.#studies.set(uid, newStudy(uid, header));
    const study = this.#studies.get(uid);
    if (header?.modality) study.modalities.add(header.modality);
    if (header && keyOf(header) !== study.patient.key) study.mixed = true;
    return study;
  }
}

function newStudy(uid, header) {
  const { patientName = "", patientId = "", birthDate = "" } = header ?? {};
  return {
    uid,
    files: [],
    size: 0,
    modalities: new Set(),
    mixed: false,
    date: header?.date ?? "",
    description: header?.description ?? "",
    patient: { key: keyOf(header), name: patientName, id: patientId, birthDate, isUnknown: !uid },
  };
}

/** Who differs in nothing but how the name is written is one patient. */
function keyOf(header) {
  if (!header?.study) return "?";
  const name = header.patientName
    .toUpperCase()
    .replace(/[\s^=]+/g, " ")
    .trim();
  return [header.patientId.trim(), name, header.birthDate].join("\0");
}
