import { t, tn } from '../../i18n.js';
import { TAG, number, text, values } from '../attributes.js';
import { element } from '../dom.js';
import { KindPage, dayOf, facts, inOrder, personName, table } from './page.js';

const STRUCTURES = '1.2.840.10008.5.1.4.1.1.481.3';

const join = (...parts) => parts.filter(Boolean).join(' · ');

/** A colour as the planner chose it, with its name beside it: colour alone says nothing to some readers. */
function swatch(contour) {
  const [red, green, blue] = values(contour, '3006002A').map(Number);
  if (![red, green, blue].every((each) => each >= 0 && each <= 255)) return '';
  const patch = element('span', { class: 'swatch', 'aria-hidden': 'true' });
  patch.style.backgroundColor = `rgb(${red} ${green} ${blue})`;
  return patch;
}

function structures(instance) {
  const contours = new Map(values(instance, '30060039').map((item) => [number(item, '30060084'), item]));
  const observations = new Map(values(instance, '30060080').map((item) => [number(item, '30060084'), item]));
  const rows = values(instance, '30060020').map((region) => {
    const key = number(region, '30060022');
    const drawn = values(contours.get(key), '30060040').length;
    return [
      element('span', {}, swatch(contours.get(key)), text(region, '30060026') || String(key)),
      text(observations.get(key), '300600A4'),
      tn('{count} contour', '{count} contours', drawn),
      text(region, '30060036'),
    ];
  });
  return [
    facts([
      [t('Label'), text(instance, '30060002')],
      [t('Name'), text(instance, '30060004')],
      [t('Drawn on'), dayOf(instance, '30060008')],
    ]),
    table(t('Structures'), [t('Structure'), t('Type'), t('Contours'), t('Made')], rows),
  ];
}

function beamsOf(instance) {
  const beams = [...values(instance, '300A00B0'), ...values(instance, '300A03A2')];
  return beams.map((beam) => {
    const point = values(beam, '300A0111')[0] ?? values(beam, '300A03A8')[0];
    return [
      join(text(beam, '300A00C0'), text(beam, '300A00C2')),
      join(text(beam, '300A00C4'), text(beam, '300A00C6')),
      text(beam, '300A00B2'),
      number(point, '300A011E') === null ? '' : `${number(point, '300A011E')}°`,
      number(point, '300A0114') === null ? '' : `${number(point, '300A0114')} MV`,
    ];
  });
}

function plan(instance) {
  const groups = values(instance, '300A0070').map((group) => [
    text(group, '300A0071'),
    text(group, '300A0078'),
    text(group, '300A0080'),
  ]);
  const doses = values(instance, '300A0010').map((dose) => [
    text(dose, '300A0016') || text(dose, '300A0014'),
    text(dose, '300A0020'),
    number(dose, '300A0026') === null ? '' : `${number(dose, '300A0026')} Gy`,
  ]);
  const beams = beamsOf(instance);
  const nodes = [
    facts([
      [t('Label'), text(instance, '300A0002')],
      [t('Name'), text(instance, '300A0003')],
      [t('Planned on'), dayOf(instance, '300A0006')],
      [t('Intent'), text(instance, '300A000A')],
      [t('Approval'), text(instance, '300E0002')],
      [t('Reviewed by'), personName(values(instance, '300E0008')[0])],
    ]),
  ];
  if (doses.length) nodes.push(table(t('Prescription'), [t('Target'), t('Kind'), t('Dose')], doses));
  if (groups.length) nodes.push(table(t('Fractions'), [t('Group'), t('Planned fractions'), t('Beams')], groups));
  const headings = [t('Beam'), t('Kind'), t('Machine'), t('Gantry'), t('Energy')];
  if (beams.length) nodes.push(table(t('Beams'), headings, beams));
  return nodes;
}

function nodesOf(instance) {
  const isStructures = text(instance, TAG.sopClassUid) === STRUCTURES;
  return [
    ...(isStructures ? structures(instance) : plan(instance)),
    element('p', { class: 'kind-note' }, t('A summary. What is drawn or planned in space needs a planning system.')),
  ];
}

/**
 * Structure sets and plans of radiotherapy (PS3.3 §A.19, §A.20) in words.
 * @param {HTMLElement} host
 * @param {{series: object, metadata: object[]}} context
 */
export async function open(host, context) {
  const instances = inOrder(context.metadata);
  const title = text(context.series, TAG.seriesDescription) || t('Radiotherapy');
  const page = new KindPage(host, { title, className: 'report', context });
  const show = (instance) => page.show(...nodesOf(instance));
  page.chooser(instances, (instance) => text(instance, '300A0002') || text(instance, '30060002'), show);
  show(instances[0]);
  return page;
}
