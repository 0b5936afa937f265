import { t, tn } from '../../i18n.js';
import { TAG, text } from '../attributes.js';
import { element } from '../dom.js';
import { KindPage, dayOf, explanation, facts, inOrder } from './page.js';
import { familyOfInstance } from './sop_classes.js';

/** What an object says of itself in words, whatever it is. */
function described(instance) {
  return facts([
    [t('Kind'), familyOfInstance(instance).family === 'image' ? '' : familyOfInstance(instance).name],
    [t('Description'), text(instance, '00080104') || text(instance, '00700081') || text(instance, '0008103E')],
    [t('Label'), text(instance, '00700080')],
    [t('Made on'), dayOf(instance, '00700082') || dayOf(instance, '00080023') || dayOf(instance, '00080012')],
    [t('Device'), [text(instance, '00080070'), text(instance, '00081090')].filter(Boolean).join(' ')],
    [t('SOP Class'), text(instance, TAG.sopClassUid)],
  ]);
}

/**
 * What has no picture and no words that could be shown: said plainly, with the way to the file.
 * @param {HTMLElement} host
 * @param {{series: object, metadata: object[]}} context
 */
export async function open(host, context) {
  const instances = inOrder(context.metadata);
  const { family, name } = familyOfInstance(instances[0] ?? {});
  const title = family === 'image' ? t('Object without pixels') : name;
  const page = new KindPage(host, { title, context });
  const lines = [
    t('It holds nothing that could be shown as a picture or as text. Programs that know it can open the file.'),
  ];
  page.show(
    explanation(t('{kind}: for download', { kind: title }), lines),
    described(instances[0] ?? {}),
    instances.length > 1
      ? element('p', { class: 'kind-note' }, tn('{count} such object', '{count} such objects', instances.length))
      : null,
  );
  return page;
}
