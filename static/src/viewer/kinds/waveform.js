import { t } from '../../i18n.js';
import { TAG, text } from '../attributes.js';
import { retrieveBytes } from '../dicomweb.js';
import { element } from '../dom.js';
import { EcgPaper, STANDARD_LEADS } from './ecg_paper.js';
import { KindPage, choice, dayOf, explanation, facts, inOrder } from './page.js';
import { annotationsOf, multiplexGroups } from './waveform_data.js';

const ACQUIRED = '0008002A';

const inUnit = (numbers, unit) => numbers.map((each) => [String(each), `${each} ${unit}`]);

async function bytesOf(study, instance, group) {
  if (group.inline) return Uint8Array.from(atob(group.inline), (letter) => letter.charCodeAt(0));
  const [series, sop] = [text(instance, TAG.seriesInstanceUid), text(instance, TAG.sopInstanceUid)];
  return retrieveBytes(`${study.instanceUrl(series, sop)}/bulkdata/${group.path}`);
}

/** Curves on paper with millimetres: what a cardiologist measures with a ruler must measure the same here. */
class WaveformReader {
  constructor(host, context) {
    this.context = context;
    this.instances = inOrder(context.metadata);
    const title = text(context.series, TAG.seriesDescription) || t('Electrocardiogram');
    this.page = new KindPage(host, { title, className: 'waveform', context });
    this.page.chooser(this.instances, (instance) => dayOf(instance, ACQUIRED), (instance) => this.show(instance));
    this.how = { speed: 25, gain: 10, layout: 'standard' };
  }

  async show(instance) {
    this.instance = instance;
    this.groups = multiplexGroups(instance);
    if (!this.groups.length) {
      this.page.show(explanation(t('This recording holds no curves'), []));
      return;
    }
    await this.#open(this.groups[0]);
  }

  close() {
    this.page.close();
  }

  async #open(group) {
    this.data = group.read(await bytesOf(this.context.study, this.instance, group));
    this.group = group;
    this.#tools();
    this.#draw();
  }

  #tools() {
    const standard = STANDARD_LEADS.every((lead) => this.data.channels.some((each) => each.lead === lead));
    this.how.layout = standard && this.page.body.clientWidth > 700 ? 'standard' : 'rows';
    const set = (name, convert) => (value) => {
      this.how[name] = convert(value);
      this.#draw();
    };
    const groups = this.groups.map((each, at) => [String(at), each.label]);
    this.bar?.remove();
    this.bar = element(
      'div',
      { class: 'kind-tools' },
      groups.length > 1
        ? choice(t('Recording'), groups, String(this.groups.indexOf(this.group)), (at) =>
            this.page.attempt(() => this.#open(this.groups[at])),
          )
        : null,
      standard
        ? choice(
            t('Layout'),
            [
              ['standard', t('3 × 4 and rhythm')],
              ['rows', t('One below another')],
            ],
            this.how.layout,
            set('layout', String),
          )
        : null,
      choice(t('Speed'), inUnit([25, 50], 'mm/s'), String(this.how.speed), set('speed', Number)),
      choice(t('Gain'), inUnit([5, 10, 20], 'mm/mV'), String(this.how.gain), set('gain', Number)),
    );
    this.page.tools(this.bar);
  }

  #draw() {
    const paper = new EcgPaper(this.data, this.how).node();
    this.page.show(
      element('div', { class: 'ecg-scroll', tabindex: '0', role: 'region', 'aria-label': t('Curves') }, paper),
      this.#remarks(),
    );
  }

  #remarks() {
    const said = annotationsOf(this.instance);
    const plain = said.filter(({ name }) => !name).map(({ value }) => value);
    const named = said.filter(({ name }) => name).map(({ name, value }) => [name, value]);
    if (!said.length) return null;
    return element(
      'section',
      { class: 'ecg-remarks' },
      element('h3', {}, t('As recorded with it')),
      ...plain.map((words) => element('p', {}, words)),
      facts(named),
    );
  }
}

/**
 * Waveforms (PS3.3 §A.34), electrocardiograms above all.
 * @param {HTMLElement} host
 * @param {{study: object, series: object, metadata: object[]}} context
 */
export async function open(host, context) {
  const reader = new WaveformReader(host, context);
  await reader.show(reader.instances[0]);
  return reader;
}
