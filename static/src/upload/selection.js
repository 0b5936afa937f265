/**
 * What the user dropped or picked, as a flat list of `{ file, path }`.
 * Files that operating systems leave behind are set aside by name; DICOMDIR is not: the server says what
 * becomes of it.
 */
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

/** @param {Iterable<{file: File, path: string}>} found */
export function withoutLeftovers(found) {
  const kept = [];
  const skipped = [];
  for (const each of found) (isLeftover(each.path) ? skipped : kept).push(each);
  return { kept, skipped };
}

/** @param {FileList} files of an `<input type="file">`, with or without `webkitdirectory` */
export function fromInput(files) {
  return Array.from(files, (file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * The entries must be taken from the DataTransfer before the first `await`: it is emptied when the event
 * ends.
 * @param {DataTransfer} transfer
 */
export function fromDrop(transfer) {
  const files = Array.from(transfer.items).filter((item) => item.kind === "file");
  const roots = files.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  return collect(roots.filter(Boolean));
}

async function collect(roots) {
  const found = [];
  for (const root of roots) {
    if (root instanceof File) found.push({ file: root, path: root.name });
    else await walk(root, found);
  }
  return found;
}

async function walk(entry, found) {
  if (entry.isDirectory) {
    for (const child of await children(entry)) await walk(child, found);
    return;
  }
  const file = await new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => null);
  found.push({ file: file ?? unreadable(entry.name), path: entry.fullPath.replace(/^\//, "") });
}

// A file that cannot be opened still gets its line in the result.
function unreadable(name) {
  return { name, size: 0, lastModified: 0, unreadable: true };
}

// readEntries answers at most 100 entries a call, and an empty list when it is through.
async function children(directory) {
  const reader = directory.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
