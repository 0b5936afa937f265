/**
 * What the user dropped or picked, as a stream of `{ file, path }`; `file` is null where it cannot be opened.
 * Where the browser gives handles (File System Access), they are kept: with them a page that was closed finds
 * the files again.
 */
const DEEPEST = 64;

/** @param {File[]} files of an `<input type="file">`, with or without `webkitdirectory` */
export async function* fromFiles(files) {
  for (const file of files) yield { file, path: file.webkitRelativePath || file.name };
}

/** @param {FileSystemHandle[]} handles */
export async function* fromHandles(handles) {
  for (const handle of handles) yield* walkHandle(handle, "", 0);
}

async function* walkHandle(handle, folder, depth) {
  const path = folder + handle.name;
  if (handle.kind === "file") {
    yield { file: await handle.getFile().catch(() => null), path };
    return;
  }
  if (depth > DEEPEST) return;
  try {
    for await (const child of handle.values()) yield* walkHandle(child, `${path}/`, depth + 1);
  } catch {
    yield { file: null, path }; // moved, or taken out of the drive
  }
}

/**
 * Everything must be taken from the DataTransfer before the first `await`: it is emptied when the event ends.
 * @param {DataTransfer} transfer
 * @returns {{files: AsyncIterable, handles: Promise<FileSystemHandle[]>}}
 */
export function fromDrop(transfer) {
  const items = Array.from(transfer.items).filter((item) => item.kind === "file");
  const handles = Promise.all(items.map((item) => item.getAsFileSystemHandle?.()));
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean);
  return {
    files: fromEntries(entries),
    handles: handles.then(
      (all) => all.filter(Boolean),
      () => [],
    ),
  };
}

async function* fromEntries(roots) {
  for (const root of roots) {
    if (root instanceof File) yield { file: root, path: root.name };
    else yield* walkEntry(root, 0);
  }
}

async function* walkEntry(entry, depth) {
  if (entry.isDirectory) {
    if (depth > DEEPEST) return;
    for (const child of await children(entry)) yield* walkEntry(child, depth + 1);
    return;
  }
  const file = await new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => null);
  yield { file, path: entry.fullPath.replace(/^\//, "") };
}

// readEntries answers at most 100 entries a call, and an empty list when it is through.
async function children(directory) {
  const reader = directory.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => []);
    if (!some.length) return all;
    all.push(...some);
  }
}
