import { TAG, number, text } from './attributes.js';
import { element } from './dom.js';

/** What has no pixels, by modality (PS3.3 §C.7.3.1.1.1), in words. */
const WITHOUT_IMAGES = Object.freeze({
  SR: 'Structured report',
  DOC: 'Document',
  PR: 'Presentation state',
  KO: 'Key object selection',
  RTSTRUCT: 'Radiotherapy structure set',
  RTPLAN: 'Radiotherapy plan',
  RTRECORD: 'Radiotherapy record',
  REG: 'Registration',
  ECG: 'Electrocardiogram',
  HD: 'Haemodynamic waveform',
  AU: 'Audio',
  M3D: '3D model',
});

/** @returns {string} what a series without images is called */
export function kindOf(series) {
  return WITHOUT_IMAGES[text(series, TAG.modality)] ?? 'This object';
}

/** @returns {string} what a series is called on the screen */
export function titleOf(series) {
  return text(series, TAG.seriesDescription) || `Series ${text(series, TAG.seriesNumber) || '–'}`;
}

function countOf(series) {
  const count = number(series, TAG.seriesInstanceCount);
  if (WITHOUT_IMAGES[text(series, TAG.modality)]) return 'Cannot be shown as an image; download to open';
  if (count === null) return '';
  return count === 1 ? '1 image' : `${count} images`;
}

function thumbnail(series, url) {
  const letters = element(
    'span',
    { class: 'thumb-letters', 'aria-hidden': 'true' },
    text(series, TAG.modality) || '?',
  );
  const holder = element('span', { class: 'thumb' }, letters);
  if (WITHOUT_IMAGES[text(series, TAG.modality)]) return holder;
  const image = element('img', {
    src: url,
    alt: '',
    loading: 'lazy',
    decoding: 'async',
    draggable: 'false',
  });
  image.addEventListener('error', () => image.remove());
  image.addEventListener('load', () => letters.remove());
  holder.append(image);
  return holder;
}

/** The list of series: a column beside the images, or a strip below them. */
export class SeriesPanel {
  /**
   * @param {import('./dicomweb.js').DicomwebStudy} study
   * @param {(seriesInstanceUid: string) => void} onChoose
   */
  constructor(study, onChoose) {
    Object.assign(this, { study, onChoose, series: [], tiles: new Map() });
    this.node = element('nav', { class: 'series-panel', 'aria-label': 'Series' });
  }

  /** @param {object[]} series DICOM JSON datasets */
  fill(series) {
    const order = (item) => number(item, TAG.seriesNumber) ?? Number.MAX_SAFE_INTEGER;
    this.series = [...series].sort((a, b) => order(a) - order(b));
    this.tiles = new Map(this.series.map((item) => [text(item, TAG.seriesInstanceUid), this.#tile(item)]));
    this.node.replaceChildren(...this.tiles.values());
  }

  /** @returns {object|undefined} */
  find(seriesInstanceUid) {
    return this.series.find((item) => text(item, TAG.seriesInstanceUid) === seriesInstanceUid);
  }

  /** @returns {string} UID of the series to open first: the wanted one, else the first that holds images */
  first(wanted) {
    if (wanted && this.find(wanted)) return wanted;
    const images = this.series.find((item) => !WITHOUT_IMAGES[text(item, TAG.modality)]);
    return text(images ?? this.series[0], TAG.seriesInstanceUid);
  }

  /** @returns {string|null} UID of a neighbour of a series */
  neighbour(seriesInstanceUid, step) {
    const uids = [...this.tiles.keys()];
    return uids[uids.indexOf(seriesInstanceUid) + step] ?? null;
  }

  mark(seriesInstanceUid) {
    for (const [uid, tile] of this.tiles) tile.toggleAttribute('aria-current', uid === seriesInstanceUid);
    this.tiles.get(seriesInstanceUid)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  #tile(series) {
    const uid = text(series, TAG.seriesInstanceUid);
    const badge = [text(series, TAG.modality), text(series, TAG.seriesNumber)].filter(Boolean).join(' · ');
    const words = element(
      'span',
      { class: 'series-words' },
      element('span', { class: 'series-title' }, titleOf(series)),
      element('span', { class: 'series-badge' }, badge),
      element('span', { class: 'series-count' }, countOf(series)),
    );
    const onclick = () => this.onChoose(uid);
    const attributes = { class: 'series-tile', type: 'button', 'data-series': uid, onclick };
    return element('button', attributes, thumbnail(series, this.study.thumbnailUrl(uid)), words);
  }
}
