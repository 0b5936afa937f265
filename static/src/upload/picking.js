import { fromDrop, fromFiles, fromHandles } from "./selection.js";

/**
 * The two buttons. Where the browser can, they ask for handles, which outlive the page; else they press the
 * hidden file inputs.
 * @param take `({files, handles})`
 */
export function pickFiles(root, take) {
  for (const kind of ["files", "folder"]) {
    const input = root.querySelector(`#upload-${kind}`);
    const button = root.querySelector(`[data-pick="${kind}"]`);
    button.hidden = kind === "folder" && !("webkitdirectory" in input) && !globalThis.showDirectoryPicker;
    button.addEventListener("click", () => press(kind, input, take));
    input.addEventListener("change", () => {
      const files = Array.from(input.files);
      input.value = ""; // the same folder may be chosen again
      if (files.length) take({ files: fromFiles(files), handles: [] });
    });
  }
}

async function press(kind, input, take) {
  try {
    const handles = await pick(kind);
    if (handles) take({ files: fromHandles(handles), handles });
    else input.click();
  } catch (error) {
    // The user closed the window; or, where the browser does not allow it here, the input may do.
    if (error.name !== "AbortError") input.click();
  }
}

async function pick(kind) {
  if (kind === "folder") return globalThis.showDirectoryPicker ? [await showDirectoryPicker()] : null;
  return globalThis.showOpenFilePicker ? showOpenFilePicker({ multiple: true }) : null;
}

// The whole window takes drops: a file that misses the zone would otherwise open in place of the page.
export function wireDrop(zone, take) {
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle("drop--over", depth > 0);
  };
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    mark(1);
  });
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    event.preventDefault();
    mark(-depth);
    const { files, handles } = fromDrop(event.dataTransfer);
    take({ files, handles: await handles });
  });
}
