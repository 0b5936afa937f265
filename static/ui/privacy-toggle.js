const KEY = "collimate.privacy";
const TYPED_INTO = "input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]";

/**
 * The key `h`, or a `[data-privacy-toggle]` button, hides names, ids and birth dates on every page of this browser:
 * whatever is marked `phi` (static/css/privacy.css).
 */
export function enhancePrivacy(root) {
  const buttons = [...root.querySelectorAll("[data-privacy-toggle]")];
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener("click", () => hide(!isHidden(), buttons));
  }
  root.addEventListener("keydown", (event) => {
    if (event.key !== "h" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(TYPED_INTO)) return;
    event.preventDefault();
    hide(!isHidden(), buttons);
  });
  addEventListener("storage", (event) => {
    if (event.key === KEY) show(event.newValue === "1", buttons);
  });
  show(isHidden(), buttons);
}

function isHidden() {
  return "privacy" in document.documentElement.dataset;
}

function hide(hidden, buttons) {
  show(hidden, buttons);
  try {
    if (hidden) localStorage.setItem(KEY, "1");
    else localStorage.removeItem(KEY);
  } catch {
    // Storage may be blocked; the choice then lasts for this page.
  }
}

function show(hidden, buttons) {
  if (hidden) document.documentElement.dataset.privacy = "";
  else delete document.documentElement.dataset.privacy;
  for (const button of buttons) button.setAttribute("aria-pressed", String(hidden));
}
