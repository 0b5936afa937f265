import { t, tn } from "../i18n.js";

const LANGUAGE = globalThis.document?.documentElement.lang || "en";
const NUMBER = new Intl.NumberFormat(LANGUAGE);
const ONE_PLACE = new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
// Day, month, year, as the server writes them.
const DAY = new Intl.DateTimeFormat(LANGUAGE === "en" ? "en-GB" : LANGUAGE, {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});
const UNITS = ["B", "KB", "MB", "GB", "TB"];

export const count = (value) => NUMBER.format(value);

export const files = (value) => tn("1 file", "{number} files", value, { number: count(value) });

export const images = (value) => tn("1 image", "{number} images", value, { number: count(value) });

export function bytes(value) {
  const power = value > 0 ? Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3)) : 0;
  const scaled = value / 1000 ** power;
  return `${scaled >= 100 || power === 0 ? count(Math.round(scaled)) : ONE_PLACE.format(scaled)} ${UNITS[power]}`;
}

export function duration(seconds) {
  if (seconds < 10) return t("a few seconds");
  if (seconds < 90) return t("{seconds} s", { seconds: Math.round(seconds / 5) * 5 });
  if (seconds < 5400) return t("{minutes} min", { minutes: Math.round(seconds / 60) });
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.round((seconds % 3600) / 60)];
  return t("{hours} h {minutes} min", { hours, minutes });
}

/** A DICOM date (PS3.5 §6.2, DA) as people write it; nothing where it is none. */
export function day(date) {
  const [, year, month, dayOfMonth] = /^(\d{4})\.?(\d\d)\.?(\d\d)/.exec(date) ?? [];
  const time = Date.UTC(year, month - 1, dayOfMonth);
  return Number.isFinite(time) ? DAY.format(time) : "";
}

export const percent = (part, whole) => (whole > 0 ? Math.min(100, Math.floor((100 * part) / whole)) : 0);
