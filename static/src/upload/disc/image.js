import { readIso } from "./iso9660.js";
import { readUdf } from "./udf.js";

export const SECTOR = 2048;
const RECOGNITION = 16 * SECTOR;
/** Shorter files hold no volume. */
export const SHORTEST = RECOGNITION + 6;

/** Why a disc image is not read: `code` is one of the reasons that the page has words for. */
export class DiscRefused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @returns {Promise<"iso"|"udf"|"raw"|null>} what file system the image holds (ECMA-119 §8.1, ECMA-167 2/8.3) */
export async function recognise(place) {
  if (place.size < SHORTEST) return null;
  if (isRaw(await place.bytes(0, 16))) return "raw";
  let found = null;
  for (let sector = 16; sector < 48; sector++) {
    const mark = String.fromCharCode(...(await place.bytes(sector * SECTOR + 1, sector * SECTOR + 6)));
    if (mark === "CD001") return "iso";
    if (mark === "NSR02" || mark === "NSR03") found = "udf";
    if (!/^(BEA01|NSR0[23]|TEA01|BOOT2)$/.test(mark)) return found;
  }
  return found;
}

// Sectors with their own headings and error correction, as .bin, .mdf and some .img have (ECMA-130 §14).
const isRaw = (head) =>
  head[0] === 0 && head[11] === 0 && head.subarray(1, 11).every((byte) => byte === 0xff);

/**
 * The files on a disc image.
 * @returns {Promise<{name: string, modified: number, ranges: number[][]}[]>} `ranges`: where their bytes lie
 * @throws {DiscRefused}
 */
export async function readDisc(place, kind) {
  if (kind === "raw") throw new DiscRefused("disc-raw");
  const files = await (kind === "iso" ? readIso(place) : readUdf(place));
  return files;
}
