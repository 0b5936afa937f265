/** A thumbnail on its way looks like one, and one that cannot come leaves a quiet tile instead of a broken picture. */
export function enhanceThumbnails(root) {
  root.querySelectorAll(".thumb img").forEach((image) => {
    if (!image.complete) watch(image);
    else if (!image.naturalWidth) fail(image);
  });
}

function watch(image) {
  const tile = image.closest(".thumb");
  tile.classList.add("thumb--loading");
  image.addEventListener("load", () => tile.classList.remove("thumb--loading"), { once: true });
  image.addEventListener("error", () => fail(image), { once: true });
}

function fail(image) {
  const tile = image.closest(".thumb");
  tile.classList.remove("thumb--loading");
  tile.classList.add("thumb--failed");
}
