import { t } from "./i18n.js";

const KEY = "collimate.theme";

/** A `[data-theme-toggle]` button switches light and dark and remembers the choice in this browser only. */
export function enhanceThemeToggle(root) {
  root.querySelectorAll("[data-theme-toggle]").forEach((button) => {
    button.hidden = false;
    label(button);
    button.addEventListener("click", () => {
      choose(isDark() ? "light" : "dark");
      label(button);
    });
  });
}

function isDark() {
  const { classList } = document.documentElement;
  if (classList.contains("theme-dark")) return true;
  return !classList.contains("theme-light") && matchMedia("(prefers-color-scheme: dark)").matches;
}

function choose(theme) {
  document.documentElement.classList.remove("theme-dark", "theme-light");
  document.documentElement.classList.add(`theme-${theme}`);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be blocked; the choice then lasts for this page.
  }
}

function label(button) {
  button.querySelector("[data-theme-label]").textContent = isDark() ? t("Light theme") : t("Dark theme");
}
