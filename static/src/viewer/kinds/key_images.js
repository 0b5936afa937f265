import { t, tn } from '../../i18n.js';
import { TAG, text } from '../attributes.js';
import { element } from '../dom.js';
import { contentTree } from './content_tree.js';
import { KindPage, dayOf, inOrder } from './page.js';
import { evidenceOf, linkTo, referencesOf } from './references.js';
import { familyOf } from './sop_classes.js';

function picture(study, place, { sop, frame }) {
  const instance = study.instanceUrl(place.series, sop);
  const src = `${frame ? `${instance}/frames/${frame}` : instance}/thumbnail`;
  const image = element('img', { src, alt: '', loading: 'lazy', decoding: 'async', draggable: 'false' });
  // What has no picture, or is not here any more, keeps its words.
  image.addEventListener('error', () => image.remove());
  return image;
}

function card(reference, number, { study, evidence, own, open }) {
  const place = evidence.get(reference.sop);
  const { family, name } = familyOf(reference.sopClass);
  const kind = family === 'image' ? t('Image') : name;
  const frame = reference.frame ? t('frame {frame}', { frame: reference.frame }) : '';
  const words = [`${number}. ${kind}`, frame].filter(Boolean).join(', ');
  const link = linkTo(reference, { place, own, open }, words);
  if (place?.study === own && family === 'image') link.prepend(picture(study, place, reference));
  return element('li', { class: 'key-card' }, link);
}

function nodesOf(document, context) {
  const { root } = contentTree(document);
  const evidence = evidenceOf(document);
  const references = root.children.filter((item) => item.reference).flatMap((item) => referencesOf(item.reference));
  const remarks = root.children.filter((item) => item.type === 'TEXT' && item.text).map((item) => item.text);
  const own = text(document, '0020000D');
  const where = { study: context.study, evidence, own, open: context.open };
  const count = tn('{count} object is marked.', '{count} objects are marked.', references.length);
  return [
    element('h3', { class: 'report-title' }, root.name || t('Key images')),
    element(
      'p',
      { class: 'report-standing' },
      element('span', {}, dayOf(document, '00080023')),
      element('span', {}, count),
    ),
    ...remarks.map((remark) => element('p', { class: 'report-text' }, remark)),
    element('ul', { class: 'key-cards' }, ...references.map((reference, at) => card(reference, at + 1, where))),
  ];
}

const nameOf = (document) =>
  [contentTree(document).root.name, dayOf(document, '00080023')].filter(Boolean).join(' · ');

/**
 * Key object selections (PS3.3 §A.35.4): the images that somebody found important, with what was said of them.
 * @param {HTMLElement} host
 * @param {{study: object, metadata: object[], open?: Function}} context
 */
export async function open(host, context) {
  const documents = inOrder(context.metadata);
  const title = text(context.series, TAG.seriesDescription) || t('Key images');
  const page = new KindPage(host, { title, className: 'report', context });
  const show = (document) => page.show(...nodesOf(document, context));
  page.chooser(documents, nameOf, show);
  show(documents[0]);
  return page;
}
