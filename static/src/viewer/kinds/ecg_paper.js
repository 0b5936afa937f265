import { t } from '../../i18n.js';
import { svg } from '../dom.js';

/** As they stand on paper, column by column. */
export const STANDARD_LEADS = Object.freeze([
  'I',
  'II',
  'III',
  'aVR',
  'aVL',
  'aVF',
  'V1',
  'V2',
  'V3',
  'V4',
  'V5',
  'V6',
]);

const RHYTHM = 'II';
const ROW = 25;
const MARGIN = 10;
const PIXELS_PER_MILLIMETRE = 4;
const MOST_SECONDS = 600;

/** Beyond this many points a millimetre the eye sees no more: the least and greatest of each step stay. */
const POINTS_PER_MILLIMETRE = 8;

/**
 * A curve as the points of a line, in millimetres.
 * @param {Float32Array} values
 * @param {{frequency: number, speed: number, gain: number, x: number, y: number}} how
 * @returns {string}
 */
export function pointsOf(values, { frequency, speed, gain, x, y }) {
  const across = speed / frequency;
  const step = Math.max(1, Math.floor(1 / (across * POINTS_PER_MILLIMETRE)));
  const points = [];
  const add = (at) => points.push(`${(x + at * across).toFixed(2)},${(y - values[at] * gain).toFixed(2)}`);
  for (let from = 0; from < values.length; from += step) {
    const end = Math.min(values.length, from + step);
    let [low, high] = [from, from];
    for (let at = from + 1; at < end; at += 1) {
      if (values[at] < values[low]) low = at;
      if (values[at] > values[high]) high = at;
    }
    add(Math.min(low, high));
    if (low !== high) add(Math.max(low, high));
  }
  return points.join(' ');
}

/** Millimetre paper with curves on it; user units are millimetres. */
export class EcgPaper {
  /**
   * @param {{frequency: number, channels: import('./waveform_data.js').Channel[]}} data
   * @param {{speed: number, gain: number, layout: 'standard'|'rows'}} how millimetres a second and a millivolt
   */
  constructor(data, how) {
    Object.assign(this, { ...data, ...how });
    const longest = Math.max(0, ...this.channels.map((channel) => channel.values.length));
    this.seconds = Math.min(MOST_SECONDS, longest / this.frequency);
  }

  /** @returns {SVGElement} */
  node() {
    const width = this.seconds * this.speed + 2 * MARGIN;
    const pieces = this.layout === 'standard' ? this.#standard() : this.#rows();
    const rows = 1 + Math.max(0, ...pieces.map((piece) => piece.row));
    const height = rows * ROW + 2 * MARGIN;
    return svg(
      'svg',
      {
        class: 'ecg-paper',
        viewBox: `0 0 ${width} ${height}`,
        width: width * PIXELS_PER_MILLIMETRE,
        height: height * PIXELS_PER_MILLIMETRE,
        role: 'img',
        'aria-label': t('Curves of {leads}, {seconds} seconds', {
          leads: this.channels.map((channel) => channel.lead).join(', '),
          seconds: this.seconds.toFixed(1),
        }),
      },
      ...this.#grid(width, height),
      ...pieces.flatMap((piece) => this.#curve(piece)),
      ...this.#scale(height),
    );
  }

  #grid(width, height) {
    const lines = (step) => {
      const path = [];
      for (let x = 0; x <= width; x += step) path.push(`M${x} 0V${height}`);
      for (let y = 0; y <= height; y += step) path.push(`M0 ${y}H${width}`);
      return path.join('');
    };
    return [
      svg('rect', { class: 'ecg-sheet', width, height }),
      svg('path', { class: 'ecg-minor', d: lines(1) }),
      svg('path', { class: 'ecg-major', d: lines(5) }),
    ];
  }

  #standard() {
    const quarter = this.seconds / 4;
    const pieces = STANDARD_LEADS.map((lead, at) => ({
      channel: this.channels.find((each) => each.lead === lead),
      from: Math.floor(at / 3) * quarter,
      until: (Math.floor(at / 3) + 1) * quarter,
      row: at % 3,
    }));
    const rhythm = this.channels.find((each) => each.lead === RHYTHM);
    return [...pieces, { channel: rhythm, from: 0, until: this.seconds, row: 3 }];
  }

  #rows() {
    return this.channels.map((channel, row) => ({ channel, from: 0, until: this.seconds, row }));
  }

  #curve({ channel, from, until, row }) {
    const middle = MARGIN + row * ROW + ROW / 2;
    const left = MARGIN + from * this.speed;
    const values = channel.values.subarray(from * this.frequency, until * this.frequency);
    const { frequency, speed } = this;
    // What is no voltage fills its row.
    const gain = channel.unit === 'mV' ? this.gain : ROW / 2 / (Math.max(...values.map(Math.abs)) || 1);
    const points = pointsOf(values, { frequency, speed, gain, x: left, y: middle });
    const words = channel.unit === 'mV' || !channel.unit ? channel.lead : `${channel.lead} (${channel.unit})`;
    return [
      svg('polyline', { class: 'ecg-curve', points }),
      svg('text', { class: 'ecg-lead', x: left + 1, y: middle - ROW / 2 + 4 }, words),
    ];
  }

  /** What a millivolt and a second are, where somebody measures. */
  #scale(height) {
    const y = height - MARGIN / 2 + 2;
    const words = `${this.speed} mm/s · ${this.gain} mm/mV · ${this.seconds.toFixed(1)} s`;
    const mark = `M2 ${MARGIN + ROW / 2}h2v${-this.gain}h4v${this.gain}h2`;
    return [svg('path', { class: 'ecg-curve', d: mark }), svg('text', { class: 'ecg-words', x: MARGIN, y }, words)];
  }
}
