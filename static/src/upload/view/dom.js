const SVG = "http://www.w3.org/2000/svg";
let sprite = "";

export function useSprite(url) {
  sprite = url;
}

/** `h("p", { class: "sub", hidden: false }, "text", child)`: text always as text, never as markup. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon icon--${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Writing the same text again would make screen readers and the layout work for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

export function setProgress(element, value) {
  if (element.value !== value) element.value = value;
}

/** Keeps the children of `parent` in step with `rows`, by key, touching only what changed. */
export function reconcile(parent, rows, { key, create, update }) {
  const old = new Map(Array.from(parent.children, (child) => [child.dataset.key, child]));
  rows.forEach((row, index) => {
    const id = String(key(row));
    const node = old.get(id) ?? create(row);
    node.dataset.key = id;
    old.delete(id);
    update?.(node, row);
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  old.forEach((node) => node.remove());
}
