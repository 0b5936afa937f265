/** `<details data-menu>` closes on Escape, on a click elsewhere and when the focus leaves it. */
export function enhanceMenus(root) {
  root.querySelectorAll("details[data-menu]").forEach(enhanceMenu);
}

function enhanceMenu(menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
