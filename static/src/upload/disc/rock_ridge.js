const MOST_AREAS = 32;

/**
 * The long name of a file or folder in its System Use Area (SUSP 1.12, RRIP 1.12): NM entries, which may go on
 * elsewhere on the disc; CL is where a folder that was moved up lies, RE marks the place it was moved to.
 * @param {Uint8Array} area
 * @returns {Promise<{name: string, child: number|null, isRelocated: boolean}>}
 */
export async function rockRidge(area, read, block) {
  const parts = [];
  let child = null;
  let isRelocated = false;
  let next = area;
  for (let count = 0; next && count < MOST_AREAS; count++) {
    const bytes = next;
    next = null;
    for (const { kind, at, size } of entries(bytes)) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
      // Flags 2 and 4 are "." and "..".
      if (kind === "NM" && size > 5 && !(bytes[at + 4] & 6)) parts.push(bytes.subarray(at + 5, at + size));
      if (kind === "CL" && size >= 12) child = view.getUint32(4, true);
      if (kind === "RE") isRelocated = true;
      if (kind === "CE" && size >= 28) next = await continuation(view, read, block);
    }
  }
  return { name: decode(parts), child, isRelocated };
}

function* entries(bytes) {
  let at = 0;
  while (at + 4 <= bytes.length) {
    const size = bytes[at + 2];
    const kind = String.fromCharCode(bytes[at], bytes[at + 1]);
    if (size < 4 || at + size > bytes.length || kind === "ST") return;
    yield { kind, at, size };
    at += size;
  }
}

function continuation(view, read, block) {
  const from = view.getUint32(4, true) * block + view.getUint32(12, true);
  return read(from, from + Math.min(view.getUint32(20, true), block));
}

// POSIX names have no character set; UTF-8 is what writers use.
function decode(parts) {
  const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
