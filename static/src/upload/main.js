import { Batch } from "./batch.js";
import { CsrfToken } from "./csrf.js";
import { fromDrop, fromInput, withoutLeftovers } from "./selection.js";
import { useSprite } from "./view/dom.js";
import { Page } from "./view/page.js";

const root = document.getElementById("upload");
if (root?.dataset.uploadsUrl) begin(root);

function begin(root) {
  useSprite(root.dataset.icons);
  const page = new Page(root);
  const batch = new Batch({
    endpoint: root.dataset.uploadsUrl,
    csrf: new CsrfToken(root.dataset.csrf),
    changed: () => page.changed(),
  });
  page.show(batch);
  wirePickers(root, batch);
  wireDrop(root.querySelector('[data-part="drop"]'), batch, page);
  wireControls(root, batch);
  addEventListener("online", () => batch.retryNow());
  addEventListener("offline", () => page.changed());
  addEventListener("beforeunload", (event) => {
    if (batch.state === "uploading") event.preventDefault();
  });
}

function wirePickers(root, batch) {
  for (const kind of ["files", "folder"]) {
    const input = root.querySelector(`#upload-${kind}`);
    const button = root.querySelector(`[data-pick="${kind}"]`);
    button.hidden = kind === "folder" && !("webkitdirectory" in input);
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      batch.add(withoutLeftovers(fromInput(input.files)));
      input.value = ""; // the same folder may be chosen again
    });
  }
}

// The whole window takes drops: a file that misses the zone would otherwise open in place of the page.
function wireDrop(zone, batch, page) {
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
    zone.classList.add("drop--reading");
    const found = await fromDrop(event.dataTransfer).finally(() => zone.classList.remove("drop--reading"));
    batch.add(withoutLeftovers(found));
    page.changed();
  });
}

function wireControls(root, batch) {
  const on = (part, action) => root.querySelector(`[data-part="${part}"]`).addEventListener("click", action);
  on("pause", () => batch.pause());
  on("resume", () => batch.resume());
  on("retry", () => batch.retryNow());
  on("cancel", () => batch.cancel());
}
