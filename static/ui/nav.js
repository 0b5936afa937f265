/**
 * On narrow screens the navigation scrolls sideways: bring the current section into view, without moving the
 * page.
 */
export function enhanceNav(root) {
  const current = root.querySelector(".nav [aria-current]");
  const nav = current?.closest(".nav");
  if (nav) nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
}
