import { t, tn } from '../i18n.js';
import { TAG, number, text } from './attributes.js';
import { element } from './dom.js';
import { icon } from './icons.js';
import { showIdentity } from './privacy.js';
import { iconOf, kindOf, mayHoldImages, titleOf } from './series_titles.js';

function countOf(series) {
  const count = number(series, TAG.seriesInstanceCount);
  if (count === null) return '';
  if (mayHoldImages(series)) return tn('{count} image', '{count} images', count);
  return count === 1 ? kindOf(series) : `${kindOf(series)} · ${count}`;
}

function thumbnail(series, url) {
  const letters = element(
    'span',
    { class: 'thumb-letters', 'aria-hidden': 'true' },
    text(series, TAG.modality) || '?',
  );
  if (!mayHoldImages(series)) return element('span', { class: 'thumb thumb-kind' }, icon(iconOf(series)));
  const holder = element('span', { class: 'thumb' }, letters);
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

const uidOf = (series) => text(series, TAG.seriesInstanceUid);

const byNumber = (item) => number(item, TAG.seriesNumber) ?? Number.MAX_SAFE_INTEGER;

const inOrder = (series) => [...series].sort((a, b) => byNumber(a) - byNumber(b));

/** The list of series, the study's own first and then the priors': a column beside the images, or a strip below them. */
export class SeriesPanel {
  /**
   * @param {import('./dicomweb.js').DicomwebStudy} study
   * @param {(place: {study: object, series: object}) => void} onChoose
   */
  constructor(study, onChoose) {
    Object.assign(this, { study, onChoose, series: [], places: new Map(), tiles: new Map(), priors: new Map() });
    this.own = element('div', { class: 'series-group', role: 'group', 'aria-label': t('This study') });
    this.node = element('nav', { class: 'series-panel', 'aria-label': t('Series') }, this.own);
  }

  /** @param {object[]} series DICOM JSON datasets */
  fill(series) {
    this.series = inOrder(series);
    this.own.replaceChildren(...this.#tilesOf(this.study, this.series));
  }

  /** @param {import('./dicomweb.js').DicomwebStudy[]} studies other studies of the patient, newest first */
  addPriors(studies) {
    if (!studies.length) return;
    const heading = element('h2', { class: 'series-heading' }, t('Earlier and later studies'));
    this.node.append(heading, ...studies.map((study) => this.#prior(study)));
  }

  /**
   * The first series with images of one of the priors, whose list then shows.
   * @returns {Promise<{study: object, series: object}|null>} null where there is none
   */
  async openPrior(studyInstanceUid) {
    const prior = this.priors.get(studyInstanceUid);
    if (!prior) return null;
    const series = await this.#fillPrior(prior.study, prior.list);
    prior.node.open = true;
    const first = series.find(mayHoldImages);
    return first ? { study: prior.study, series: first } : null;
  }

  clear() {
    this.node.replaceChildren();
  }

  /** @returns {{study: object, series: object}|undefined} */
  find(seriesInstanceUid) {
    return this.places.get(seriesInstanceUid);
  }

  /** @returns {string} UID of the series to open first: the wanted one, else the first that holds images */
  first(wanted) {
    if (wanted && this.find(wanted)) return wanted;
    return uidOf(this.series.find(mayHoldImages) ?? this.series[0]);
  }

  /** @returns {string|null} UID of a neighbour of a series */
  neighbour(seriesInstanceUid, step) {
    const uids = [...this.tiles.keys()];
    return uids[uids.indexOf(seriesInstanceUid) + step] ?? null;
  }

  /** Mark what is open, and bring what the active pane shows into sight. */
  mark(panes, active) {
    const open = new Set(panes.map((pane) => pane.uid));
    for (const [uid, tile] of this.tiles) {
      tile.toggleAttribute('aria-current', uid === active.uid);
      tile.toggleAttribute('data-open', open.has(uid));
    }
    this.tiles.get(active.uid)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** A prior shows its series when it is asked for them: most are never opened. */
  #prior(study) {
    const owner = element('span', { class: 'prior-owner' });
    if (study.title !== this.study.title) showIdentity(owner, study.title);
    const summary = element(
      'summary',
      { class: 'prior-summary' },
      element('span', { class: 'prior-day' }, study.heading),
      element('span', { class: 'series-badge' }, study.words),
      owner,
    );
    const list = element('div', { class: 'series-group' });
    const node = element('details', { class: 'prior', 'data-study': study.uid }, summary, list);
    node.addEventListener('toggle', () => node.open && !list.childElementCount && this.#fillPrior(study, list));
    this.priors.set(study.uid, { study, list, node });
    return node;
  }

  async #fillPrior(study, list) {
    try {
      const series = inOrder(await study.searchForSeries());
      list.replaceChildren(...this.#tilesOf(study, series));
      return series;
    } catch (error) {
      list.replaceChildren(element('p', { class: 'series-count', role: 'alert' }, error.message));
      return [];
    }
  }

  #tilesOf(study, series) {
    return series.map((item) => {
      const tile = this.#tile(study, item);
      this.places.set(uidOf(item), { study, series: item });
      this.tiles.set(uidOf(item), tile);
      return tile;
    });
  }

  #tile(study, series) {
    const uid = uidOf(series);
    const badge = [text(series, TAG.modality), text(series, TAG.seriesNumber)].filter(Boolean).join(' · ');
    const words = element(
      'span',
      { class: 'series-words' },
      element('span', { class: 'series-title' }, titleOf(series)),
      element('span', { class: 'series-badge' }, badge),
      element('span', { class: 'series-count' }, countOf(series)),
    );
    const onclick = () => this.onChoose({ study, series });
    const attributes = { class: 'series-tile', type: 'button', 'data-series': uid, onclick };
    return element('button', attributes, thumbnail(series, study.thumbnailUrl(uid)), words);
  }
}
