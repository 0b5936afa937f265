const SVG = 'http://www.w3.org/2000/svg';

function append(node, children) {
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * Build an element. Text is always set as text, never parsed as markup.
 * @param {string} tag
 * @param {Object<string, string|boolean|Function|null>} [attributes] `onclick` and the like take functions
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  return append(node, children);
}

/** @returns {SVGElement} */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return append(node, children);
}
