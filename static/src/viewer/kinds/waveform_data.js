import { number, text, values } from '../attributes.js';
import { meaning } from './content_tree.js';

const WAVEFORMS = '54000100';
const DATA = '54001010';

/** To millivolts; what is no voltage stays in its own unit. */
const MILLIVOLTS = Object.freeze({ V: 1000, mV: 1, uV: 0.001, nV: 0.000001 });

/** How samples are stored (PS3.3 §C.10.9.1.4), by Waveform Sample Interpretation. */
const SAMPLES = Object.freeze({
  SB: [1, (view, at) => view.getInt8(at)],
  UB: [1, (view, at) => view.getUint8(at)],
  SS: [2, (view, at) => view.getInt16(at, true)],
  US: [2, (view, at) => view.getUint16(at, true)],
  SL: [4, (view, at) => view.getInt32(at, true)],
  UL: [4, (view, at) => view.getUint32(at, true)],
});

/**
 * @typedef {object} Channel
 * @property {string} name e.g. 'Lead I', as the source says
 * @property {string} lead the short name that stands on paper: 'I', 'aVR', 'V1'
 * @property {string} unit 'mV' for voltages
 * @property {Float32Array} values in that unit
 */

/** @returns {string} */
export function shortLead(name) {
  const found = /\b(aV[RLF]|V\d{1,2}R?|III|II|I|[XYZ])\b/i.exec(name.replace(/^lead\s+/i, ''));
  if (!found) return name;
  return /^av/i.test(found[1]) ? `aV${found[1].at(-1).toUpperCase()}` : found[1].toUpperCase();
}

function channelOf(definition, index) {
  const source = meaning(definition, '003A0208') || text(definition, '003A0203');
  const unit = text(values(definition, '003A0211')[0], '00080100');
  const factor = MILLIVOLTS[unit];
  return {
    name: source || `${index + 1}`,
    lead: shortLead(source) || `${index + 1}`,
    unit: factor ? 'mV' : unit,
    scale: (number(definition, '003A0210') ?? 1) * (number(definition, '003A0212') ?? 1) * (factor ?? 1),
    baseline: (number(definition, '003A0213') ?? 0) * (factor ?? 1),
  };
}

function samplesOf(bytes, interpretation, channels, count) {
  const [size, read] = SAMPLES[interpretation] ?? SAMPLES.SS;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const there = Math.min(count, Math.floor(bytes.byteLength / size / channels.length));
  return channels.map(({ scale, baseline, ...channel }, index) => {
    const found = new Float32Array(there);
    for (let sample = 0; sample < there; sample += 1) {
      found[sample] = read(view, (sample * channels.length + index) * size) * scale + baseline;
    }
    return { ...channel, values: found };
  });
}

/**
 * @returns {{label: string, path: string, inline: string|null, read: (bytes: Uint8Array) => object}[]} one for each
 *   group of channels that were recorded together (PS3.3 §C.10.9)
 */
export function multiplexGroups(instance) {
  return values(instance, WAVEFORMS).map((group, at) => {
    const channels = values(group, '003A0200').map(channelOf);
    const frequency = number(group, '003A001A') || 1;
    return {
      label: text(group, '003A0020') || `${at + 1}`,
      path: `${WAVEFORMS}/${at}/${DATA}`,
      inline: group[DATA]?.InlineBinary ?? null,
      read: (bytes) => ({
        frequency,
        channels: channels.length
          ? samplesOf(bytes, text(group, '54001006'), channels, number(group, '003A0010') ?? Infinity)
          : [],
      }),
    };
  });
}

/** @returns {{name: string, value: string}[]} what the device or a reader wrote to it (PS3.3 §C.10.10) */
export function annotationsOf(instance) {
  return values(instance, '0040B020')
    .map((item) => {
      const value = text(item, '0040A30A');
      const unit = text(values(item, '004008EA')[0], '00080100');
      const said = value ? `${value} ${unit}`.trim() : meaning(item, '0040A168');
      return { name: meaning(item, '0040A043'), value: said || text(item, '00700006') };
    })
    .filter(({ value }) => value);
}
