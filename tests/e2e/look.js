/** What is wrong with the page as it stands: axe's serious findings, overflow, text cut off, targets too small. */

const LEAST = matchMedia('(pointer: coarse)').matches ? 44 : 24;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const TARGETS = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=tab]';

function isShown(element) {
  if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
  const box = element.getBoundingClientRect();
  return box.width > 1 && box.height > 1 && !isClipped(element);
}

/** Whether it is for readers of the page's text alone: kept in the page, clipped to nothing. */
function isClipped(element) {
  for (let each = element; each && each !== document.body; each = each.parentElement) {
    const { position, width, clipPath } = getComputedStyle(each);
    if (position === 'absolute' && (parseFloat(width) <= 1 || clipPath.startsWith('inset(50%'))) return true;
  }
  return Boolean(element.closest('.skip-link'));
}

function name(element) {
  const text = (element.innerText || element.getAttribute('aria-label') || '').trim().slice(0, 40);
  return `<${element.tagName.toLowerCase()} class="${element.className?.baseVal ?? element.className}"> ${text}`;
}

/** A link inside a sentence is as high as its line (WCAG 2.5.8); a box with a label is as large as the label. */
function isExempt(element) {
  if (element.tagName !== 'A') return false;
  const around = element.closest('p, li, dd, td, span.sub, div.sub, .alert');
  return Boolean(around) && around.innerText.trim().length > element.innerText.trim().length + 3;
}

function boxOf(element) {
  const label = element.type === 'checkbox' || element.type === 'radio' ? element.labels?.[0] : null;
  return (label ?? element).getBoundingClientRect();
}

function smallTargets() {
  return [...document.querySelectorAll(TARGETS)]
    .filter((element) => isShown(element) && !element.disabled && !isExempt(element))
    .map((element) => [element, boxOf(element)])
    .filter(([, box]) => box.height < LEAST - 0.5 || box.width < Math.min(LEAST, 24) - 0.5)
    .map(([element, box]) => `small ${Math.round(box.width)}×${Math.round(box.height)}: ${name(element)}`);
}

function hasOwnText(element) {
  return [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
}

function isCut(element) {
  const style = getComputedStyle(element);
  if (style.overflowX === 'visible' || style.overflowX === 'auto' || style.overflowX === 'scroll') return false;
  return element.scrollWidth > element.clientWidth + 1 && !element.closest('.truncate, .visually-hidden, input, textarea, select');
}

function scrolls(element) {
  for (let each = element; each && each !== document.body; each = each.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(each).overflowX)) return true;
  return false;
}

function cutTexts() {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter((element) => hasOwnText(element) && isShown(element))
    .filter((element) => isCut(element) || (element.getBoundingClientRect().right > width + 1 && !scrolls(element)))
    .map((element) => `cut off: ${name(element)}`);
}

function overflow() {
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth + 1 ? [`overflows by ${scrollWidth - clientWidth} px`] : [];
}

async function axeFindings() {
  const { violations } = await axe.run(document, { resultTypes: ['violations'], runOnly: TAGS });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)).join(' | ')}`);
}

/** The same for each kind of dialog the page has: those of a list's rows are alike, so one of them. */
globalThis.lookIntoDialogs = async () => {
  const kinds = new Map([...document.querySelectorAll('dialog[id]')].map((each) => [each.id.replace(/[-\d].*/, ''), each]));
  const found = [];
  for (const dialog of kinds.values()) {
    dialog.showModal();
    found.push(...(await lookAround()).map((complaint) => `in the dialog ${dialog.id}: ${complaint}`));
    dialog.close();
  }
  return found;
};

globalThis.lookAround = async () => [...overflow(), ...cutTexts(), ...smallTargets(), ...(await axeFindings())];
