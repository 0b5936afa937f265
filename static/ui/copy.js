import { t } from "./i18n.js";

/** `<button data-copy="#id">` copies the text of the element and says so in the button itself. */
export function enhanceCopy(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) await copy(button);
  });
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    answer(button, t("Copied"));
  } catch {
    select(source);
    answer(button, t("Selected: press Ctrl+C"));
  }
}

// The clipboard is closed to pages without TLS; selecting leaves one key press.
function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

function answer(button, text) {
  button.dataset.label ??= button.textContent;
  button.setAttribute("aria-live", "polite");
  button.textContent = text;
  setTimeout(() => {
    button.textContent = button.dataset.label;
  }, 2500);
}
