import { t } from '../../i18n.js';
import { TAG, text, values } from '../attributes.js';
import { element } from '../dom.js';
import { contentTree, standingOf } from './content_tree.js';
import { KindPage, dayOf, facts, inOrder, personName, table } from './page.js';
import { evidenceOf, linkTo, referencesOf } from './references.js';
import { familyOf } from './sop_classes.js';

const timeOf = (value) => (/^\d{4}/.test(value) ? `${value.slice(0, 2)}:${value.slice(2, 4)}` : '');

const whenOf = ({ date = '', time = '' }) =>
  [dayOf({ day: { Value: [date] } }, 'day'), timeOf(time)].filter(Boolean).join(' ');

/** What modifies or surrounds an item rather than being said by it. */
const isAside = (item) => ['HAS CONCEPT MOD', 'HAS OBS CONTEXT', 'HAS ACQ CONTEXT'].includes(item.relation);

/** One report as text that reads well: sections with headings, measurements in tables, images as links. */
class Report {
  /** @param {object} document DICOM JSON dataset */
  constructor(document, context) {
    this.document = document;
    this.evidence = evidenceOf(document);
    this.context = context;
    this.own = text(document, '0020000D');
  }

  nodes() {
    const { root, cut } = contentTree(this.document);
    const nodes = [element('h3', { class: 'report-title' }, root.name || t('Structured report')), this.#standing()];
    nodes.push(facts(root.children.filter(isAside).flatMap((item) => this.#aside(item))));
    nodes.push(...this.#section(root.children.filter((item) => !isAside(item)), 4));
    if (cut) nodes.push(element('p', { class: 'kind-note' }, t('The report is longer than what is shown here.')));
    return nodes.filter(Boolean);
  }

  /** Whether it is finished and who stands for it: a reader must not take a draft for a finding. */
  #standing() {
    const { completed, verified, observers } = standingOf(this.document);
    const names = observers.map((observer) =>
      [personName(values(observer, '0040A075')[0]), text(observer, '0040A027')].filter(Boolean).join(', '),
    );
    return element(
      'p',
      { class: 'report-standing' },
      element('span', { class: completed ? 'kind-tag' : 'kind-tag warn' }, completed ? t('Complete') : t('Partial')),
      element('span', { class: verified ? 'kind-tag' : 'kind-tag warn' }, verified ? t('Verified') : t('Not verified')),
      element('span', {}, dayOf(this.document, '00080023')),
      names.length ? element('span', {}, t('Verified by {names}', { names: names.join('; ') })) : null,
    );
  }

  #section(items, level) {
    const nodes = [];
    let numbers = [];
    let list = null;
    const flush = () => {
      if (numbers.length) nodes.push(this.#measurements(numbers));
      numbers = [];
      list = null;
    };
    for (const item of items) {
      if (item.type === 'NUM') {
        list = null;
        numbers.push(item);
      } else if (item.type === 'CONTAINER') {
        flush();
        nodes.push(this.#container(item, level));
      } else if (!item.technical && item.type) {
        if (numbers.length) flush();
        if (!list) nodes.push((list = element('dl', { class: 'report-items' })));
        this.#leaf(item, list);
      }
    }
    flush();
    return nodes;
  }

  #container(item, level) {
    const said = item.children.filter((child) => !isAside(child));
    const heading = item.name ? element(`h${Math.min(level, 6)}`, {}, item.name) : null;
    const content = item.continuous ? [this.#paragraph(said)] : this.#section(said, level + 1);
    const asides = facts(item.children.filter(isAside).flatMap((child) => this.#aside(child)));
    return element('section', { class: 'report-section' }, heading, asides, ...content);
  }

  /** Continuous content is one sentence made of its items (PS3.3 §C.17.3.2.1). */
  #paragraph(items) {
    const words = items.flatMap((item) => [this.#value(item), ' ']);
    return element('p', { class: 'report-text' }, ...words);
  }

  #leaf(item, list) {
    const name = item.name || (item.reference ? t('Refers to') : t('Entry'));
    list.append(element('dt', {}, name));
    const value = element('dd', {}, this.#value(item));
    const children = item.children.filter((child) => !child.technical && child.type);
    if (children.length) value.append(this.#below(children));
    list.append(value);
  }

  #below(children) {
    const list = element('ul', { class: 'report-below' });
    for (const child of children) {
      const words = child.name ? [element('span', { class: 'soft' }, `${child.name}: `)] : [];
      const line = element('li', {}, ...words, this.#value(child));
      const deeper = child.children.filter((each) => !each.technical && each.type);
      if (deeper.length) line.append(this.#below(deeper));
      list.append(line);
    }
    return list;
  }

  #measurements(items) {
    const noted = items.some((item) => item.children.some((child) => !child.technical && child.type));
    const headings = [t('Measurement'), t('Value'), ...(noted ? [t('Remarks')] : [])];
    const rows = items.map((item) => {
      const children = item.children.filter((child) => !child.technical && child.type);
      const remarks = children.length ? this.#below(children) : '';
      return [item.name, this.#value(item), ...(noted ? [remarks] : [])];
    });
    return table(t('Measurements'), headings, rows);
  }

  #aside(item) {
    const value = this.#value(item);
    return item.technical || !value.textContent.trim() ? [] : [[item.name, value]];
  }

  #kindOf({ sopClass }) {
    const { family, name } = familyOf(sopClass);
    return family === 'image' ? t('Image') : name;
  }

  /** @returns {HTMLElement} always a node, so that what a report says is never taken for markup */
  #value(item) {
    if (item.reference) return this.#references(item.reference);
    if (item.measured) {
      const { value, unit } = item.measured;
      return element('span', { class: 'report-number' }, [value || '–', unit].filter(Boolean).join(' '));
    }
    if (item.date !== undefined || item.time !== undefined) return element('span', {}, whenOf(item));
    if (item.person !== undefined) return element('span', {}, personName(item.person));
    if (item.drawing !== undefined) return element('span', { class: 'soft' }, t('Marked on the image'));
    if (item.type === 'CONTAINER') return element('div', {}, ...this.#section(item.children, 6));
    return element('span', { class: 'report-text' }, item.text ?? '');
  }

  #references(item) {
    const open = this.context.open;
    const links = referencesOf(item).map((reference) => {
      const kind = this.#kindOf(reference);
      const words = reference.frame ? t('{what}, frame {frame}', { what: kind, frame: reference.frame }) : kind;
      const place = this.evidence.get(reference.sop);
      return linkTo(reference, { place, own: this.own, open }, words);
    });
    return element('span', {}, ...links);
  }
}

const nameOf = (document) =>
  [contentTree(document).root.name, dayOf(document, '00080023')].filter(Boolean).join(' · ');

/**
 * Structured reports as text.
 * @param {HTMLElement} host
 * @param {{metadata: object[], open?: Function}} context
 */
export async function open(host, context) {
  const documents = inOrder(context.metadata);
  const page = new KindPage(host, {
    title: text(context.series, TAG.seriesDescription) || t('Structured report'),
    className: 'report',
    context,
  });
  const show = (document) => page.show(...new Report(document, context).nodes());
  page.chooser(documents, nameOf, show);
  show(documents[0]);
  return page;
}
