import { t } from "../i18n.js";

/** Why a file is not sent, by the survey's codes. */
const REASONS = {
  system: () => t("Left behind by an operating system; not part of the images."),
  virus: () =>
    t("A virus, or the harmless file that tests for one. It was not sent; warn whoever gave you the disc."),
  program: () => t("A program, such as the viewer on a disc. Programs are never sent."),
  document: () => t("A document. Only DICOM files are sent."),
  picture: () =>
    t("A photo or picture, not a DICOM image. It says nothing of the patient, so it cannot be filed."),
  video: () => t("A film or sound, not a DICOM file."),
  page: () => t("A web page or XML document, not a DICOM file."),
  text: () => t("A text file, not a DICOM file."),
  other: () => t("Not a DICOM file."),
  empty: () => t("The file is empty."),
  index: () => t("The index of a disc, not an image. The images it names are sent on their own."),
  archive: () => t("Packed in a way that this page cannot open. Unpack it first, then choose the folder."),
  locked: () => t("Password-protected, and no password was given."),
  bomb: () => t("This archive would grow beyond all measure when unpacked. It was not opened."),
  nested: () => t("An archive inside an archive inside an archive. Unpack it first, then choose the folder."),
  "inner-large": () =>
    t("A large archive inside another. Unpack the outer one first, then choose the folder."),
  "zip-damaged": () => t("The ZIP is damaged or not complete."),
  "zip-split": () => t("One part of a ZIP in several parts. Unpack it first, then choose the folder."),
  "packed-damaged": () =>
    t("Damaged inside its archive, or packed in a way that this browser cannot unpack."),
  "disc-damaged": () => t("The disc image is damaged."),
  "disc-raw": () => t("A raw disc image. Open it on this computer and choose the disc itself."),
  "disc-udf": () =>
    t("A kind of disc image that cannot be read here. Open it on this computer and choose the disc itself."),
  "disc-cut": () => t("The disc image ends before this file does: it was not copied completely."),
  link: () => t("A link to another file. Links are not followed."),
  "too-many": () => t("More than 200,000 files at once. Send it in parts."),
  unreadable: () => t("This computer could not read the file: it was moved, changed or is locked."),
};

export const reasonText = (code) => (REASONS[code] ?? REASONS.other)();

/** `DOE^JANE^A^DR^` as `DOE, JANE A DR`: the first group that says anything (PS3.5 §6.2.1). */
export function displayName(name) {
  const group = name.split("=").find((part) => part.replace(/[\s^]/g, "")) ?? "";
  const [family, ...others] = group.split("^").map((part) => part.trim());
  return [family, others.filter(Boolean).join(" ")].filter(Boolean).join(", ") || t("No name");
}
