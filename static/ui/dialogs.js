/**
 * `data-dialog-open="id"`, `data-dialog-close`, and `<dialog data-dialog-auto>` for a form that came back
 * with errors.
 */
export function enhanceDialogs(root) {
  root.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) document.getElementById(opener.dataset.dialogOpen)?.showModal();
    if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
    if (event.target.matches?.("dialog.dialog") && isOutside(event)) event.target.close();
  });
  root.querySelectorAll("dialog[data-dialog-auto]").forEach((dialog) => dialog.showModal());
}

// A key press on a button arrives as a click at 0,0 and must not count as one on the backdrop.
function isOutside({ target, clientX, clientY, detail }) {
  const box = target.getBoundingClientRect();
  return (
    detail > 0 && (clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom)
  );
}
