import { toWellFormed } from "./text.js";

const LONGEST = 1000;

/**
 * A path as a label: it opens nothing, here or on the server, so it need only be readable and bounded.
 * Steps up, drive letters' backslashes, and characters that hide or turn text around go.
 */
export function cleanPath(path) {
  const parts = toWellFormed(path)
    .replaceAll("\\", "/")
    .split("/")
    .map((part) => part.replace(/[\p{Cc}\p{Cf}]/gu, "").trim())
    .filter((part) => part && part !== "." && part !== "..");
  const joined = parts.join("/") || "unnamed";
  return joined.length > LONGEST ? toWellFormed(`…${joined.slice(-LONGEST)}`) : joined;
}

export const folderOf = (path) => path.slice(0, path.lastIndexOf("/") + 1);

/** Two names of one file on a disc: ISO 9660 knows no lower case, and adds versions and a dot (ECMA-119 §7.5). */
export const sameOnDisc = (path) => path.toUpperCase().replace(/\.?(;\d+)?$/, "");

/** Files that operating systems leave behind. */
const LEFTOVERS = new Set([
  ".ds_store",
  "thumbs.db",
  "desktop.ini",
  ".localized",
  ".spotlight-v100",
  ".trashes",
  ".fseventsd",
]);

export function isLeftover(path) {
  const parts = path.toLowerCase().split("/");
  const name = parts.at(-1);
  return LEFTOVERS.has(name) || name.startsWith("._") || parts.includes("__macosx");
}
