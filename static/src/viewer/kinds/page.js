import { locale, t } from '../../i18n.js';
import { TAG, number, text } from '../attributes.js';
import { element } from '../dom.js';
import { showIdentity } from '../privacy.js';

/** Keys with which a page is read; the viewer's own shortcuts leave them alone while it has the focus. */
const READING_KEYS = new Set([
  'ArrowUp',
  'ArrowDown',
  'ArrowLeft',
  'ArrowRight',
  'PageUp',
  'PageDown',
  'Home',
  'End',
  ' ',
]);

/** @returns {string} a DICOM date as people write it in the reader's language, '' without one */
export function dayOf(item, tag) {
  const found = /^(\d{4})(\d{2})(\d{2})/.exec(text(item, tag));
  if (!found) return '';
  const day = new Date(Date.UTC(Number(found[1]), Number(found[2]) - 1, Number(found[3])));
  return Number.isNaN(day.getTime())
    ? ''
    : day.toLocaleDateString(locale, {
        timeZone: 'UTC',
        dateStyle: 'medium',
      });
}

/** @returns {string} a person's name (PS3.5 §6.2.1) with its family name last, as it is spoken */
export function personName(value) {
  const groups = (value?.Alphabetic ?? value?.Ideographic ?? String(value ?? '')).split('^');
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = groups;
  return [prefix, given, middle, family, suffix]
    .map((part) => part.trim())
    .filter(Boolean)
    .join(' ');
}

/** @returns {object[]} instances in the order of their numbers */
export function inOrder(metadata) {
  return [...metadata].sort(
    (a, b) => (number(a, TAG.instanceNumber) ?? 0) - (number(b, TAG.instanceNumber) ?? 0),
  );
}

/** @returns {HTMLElement} a button with words */
export function button(label, onclick, attributes = {}) {
  return element('button', { class: 'kind-button', type: 'button', onclick, ...attributes }, label);
}

/** @returns {HTMLElement} a choice, with its label before it */
export function choice(label, options, chosen, onChoose) {
  const select = element('select', {
    class: 'kind-select',
    onchange: (event) => onChoose(event.target.value),
  });
  for (const [value, words] of options) {
    select.append(element('option', { value, selected: value === chosen }, words));
  }
  return element('label', { class: 'kind-choice' }, element('span', {}, label), select);
}

/** @returns {HTMLElement|null} terms and what is said of them; what is empty is left out */
export function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== '' && value !== null && value !== undefined);
  if (!given.length) return null;
  const list = element('dl', { class: 'kind-facts' });
  for (const [term, value] of given) list.append(element('dt', {}, term), element('dd', {}, value));
  return list;
}

/** @returns {HTMLElement} rows below headings, which scrolls sideways where it is too wide */
export function table(caption, headings, rows) {
  const head = element('tr', {}, ...headings.map((words) => element('th', { scope: 'col' }, words)));
  const body = rows.map(([first, ...rest]) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, first),
      ...rest.map((cell) => element('td', {}, ...[cell].flat())),
    ),
  );
  const whole = element(
    'table',
    {},
    caption ? element('caption', {}, caption) : null,
    element('thead', {}, head),
    element('tbody', {}, ...body),
  );
  const attributes = { class: 'kind-table', tabindex: '0', role: 'region', 'aria-label': caption || t('Table') };
  return element('div', attributes, whole);
}

/** The room a kind is shown in: a bar with its name and tools, and what is read below it. */
export class KindPage {
  /**
   * @param {HTMLElement} host
   * @param {{title: string, className?: string, context: import('./registry.js').KindContext}} what the context's study
   *   tells whose it is: the words over images are not there
   */
  constructor(host, { title, className = '', context }) {
    this.failed = context.failed;
    const identity = [context.study.title, context.study.subtitle].filter(Boolean).join(' · ');
    this.identity = element('p', { class: 'kind-identity' });
    this.bar = element(
      'div',
      { class: 'kind-bar' },
      element(
        'div',
        { class: 'kind-heading' },
        element('h2', { class: 'kind-title' }, title),
        this.identity,
      ),
    );
    showIdentity(this.identity, identity);
    this.body = element('div', {
      class: `kind-body ${className}`.trim(),
      tabindex: '0',
      role: 'region',
      'aria-label': title,
    });
    this.node = element('article', { class: 'kind' }, this.bar, this.body);
    this.node.addEventListener('keydown', (event) => {
      if (READING_KEYS.has(event.key)) event.stopPropagation();
    });
    host.replaceChildren(this.node);
  }

  /** Put tools into the bar. */
  tools(...nodes) {
    this.bar.append(...nodes.filter(Boolean));
  }

  /**
   * A choice among the objects of a series, where there are several.
   * @param {object[]} instances
   * @param {(instance: object) => string} nameOf
   * @param {(instance: object) => void|Promise<void>} onChoose
   */
  chooser(instances, nameOf, onChoose) {
    if (instances.length < 2) return;
    const options = instances.map((instance, at) => [String(at), nameOf(instance) || `${at + 1}`]);
    this.tools(choice(t('Document'), options, '0', (at) => this.attempt(() => onChoose(instances[Number(at)]))));
  }

  /** Do what may need the portal; what it does not give is told in place of the content. */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Show something instead of what is there now. */
  show(...nodes) {
    this.body.replaceChildren(...nodes.filter(Boolean));
    this.body.scrollTop = 0;
  }

  /** Take everything off the screen. */
  close() {
    this.node.remove();
  }
}

/** @returns {HTMLElement} words where something cannot be shown, with the way to the files where there is one */
export function explanation(title, lines) {
  const address = document.querySelector('#viewer')?.dataset.download;
  return element(
    'div',
    { class: 'kind-explanation' },
    element('h3', {}, title),
    ...lines.map((line) => element('p', {}, line)),
    address
      ? element('a', { class: 'button-primary', href: address }, t('Download the study'))
      : element('p', {}, t('Ask the practice for the original files.')),
  );
}
