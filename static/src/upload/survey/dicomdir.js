import { ITEM, Walk } from "./elements.js";

const RECORDS = 0x00041220;
const FILE_ID = 0x00041500;
const PART = /^[A-Z0-9_]{1,8}$/i;
/** An index of 100,000 images is some 60 MB; larger ones are not read. */
export const LARGEST_INDEX = 64 * 2 ** 20;

/**
 * The files that a DICOMDIR names (PS3.10 §8.6, PS3.3 §F.3): `inside` as paths from its own folder with "/",
 * `outside` those that would lead out of it. Names are compared and shown, never opened.
 * @param {Uint8Array} bytes the whole file
 * @returns {{inside: string[], outside: string[]}}
 */
export function readDirectory(bytes) {
  const walk = new Walk(bytes, { explicit: true, little: true });
  const inside = new Set();
  const outside = new Set();
  walk.each(132, bytes.length, (element) => {
    if (element.tag !== RECORDS) return true;
    const end = element.length === 0xffffffff ? bytes.length : element.start + element.length;
    for (const path of references(walk, element.start, end)) (leadsOut(path) ? outside : inside).add(path);
    return false;
  });
  return { inside: [...inside], outside: [...outside] };
}

function references(walk, start, end) {
  const found = [];
  walk.each(start, end, (item) => {
    if (item.tag !== ITEM) return false;
    const itemEnd = item.length === 0xffffffff ? walk.bytes.length : item.start + item.length;
    walk.each(item.start, itemEnd, (element) => {
      if (element.tag > FILE_ID) return false;
      if (element.tag === FILE_ID) found.push(pathOf(walk.text(element)));
      return true;
    });
    return true;
  });
  return found.filter(Boolean);
}

/** File IDs are up to eight components, divided like any multiple value by "\" (PS3.10 §8.2). */
function pathOf(text) {
  return text
    .split("\\")
    .map((part) => part.replace(/[\0\s]+$/, ""))
    .join("/");
}

// Windows and careless writers put longer names, dots and lower case in; only steps out of the folder are refused.
function leadsOut(path) {
  const parts = path.split("/");
  return parts.some(
    (part) => !PART.test(part) && (part === "" || part === "." || part === ".." || part.includes(":")),
  );
}
