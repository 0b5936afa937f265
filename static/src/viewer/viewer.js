import { t } from '../i18n.js';
import { TAG, text } from './attributes.js';
import { controls } from './controls/index.js';
import { Dragging } from './dragging.js';
import { DicomwebStudy, RequestFailed } from './dicomweb.js';
import { alignAtEdges } from './hanging/alignment.js';
import { hang } from './hanging/index.js';
import { Help } from './help.js';
import { Keyboard } from './keyboard.js';
import { Menu } from './menu.js';
import { endsReading, imageMessage, requestMessage } from './messages.js';
import { findPriors } from './priors.js';
import { startPrivacy } from './privacy.js';
import { Panes } from './panes.js';
import { Screen } from './screen.js';
import { SeriesPanel } from './series_panel.js';
import { Toolbar } from './toolbar.js';

/**
 * One page, one study and its priors: which series is read where, and what an error means for the reader.
 *
 * What others build on: `panes`, `toolbar`, `keyboard`, `menu`, `screen`, `panel`, `study`; `tools` once
 * `reading` (a promise) has come.
 */
export class Viewer {
  constructor(root) {
    startPrivacy();
    this.root = root;
    this.study = new DicomwebStudy(root.dataset.dicomweb, root.dataset.study, root.dataset);
    this.study.expect(root.dataset.series || root.dataset.first); // on its way while the page is built
    this.keyboard = new Keyboard();
    this.menu = new Menu();
    this.toolbar = new Toolbar(this.menu, this.keyboard);
    this.panel = new SeriesPanel(this.study, (place) => this.openPlace(place));
    this.panes = new Panes(this);
    this.help = new Help(this.keyboard);
    this.screen = new Screen(root, this);
    this.worked = false;
    for (const control of controls) control.plug?.(this);
    this.#listen();
  }

  /**
   * Cornerstone, started when it is first asked for: after the first image's bytes are, as nothing else runs on the
   * page while it starts.
   * @returns {Promise<import('./reading.js').Reading>}
   */
  get reading() {
    this.starting ??= this.#startReading().catch((error) => {
      this.starting = null;
      throw error;
    });
    return this.starting;
  }

  async start() {
    const pane = this.panes.active;
    pane.frame.setState('loading');
    try {
      this.panel.fill(await this.study.searchForSeries());
      this.worked = true;
    } catch (error) {
      this.requestFailed(error, pane);
      return;
    }
    if (this.panel.series.length) await this.#openStudy().catch((error) => this.requestFailed(error, pane));
    else pane.frame.refuse({ title: t('This study holds no series'), lines: [] });
    this.reading.catch(() => {}); // told by whoever needs it
  }

  /** @param {string} uid Series Instance UID; it opens in the active pane unless another is named */
  async openSeries(uid, pane = this.panes.active) {
    const place = this.panel.find(uid);
    if (!place || this.ended) return;
    this.panes.activate(pane);
    await pane.open(place);
  }

  /** What was chosen from the panel: another study comes beside what is read, and does not replace it. */
  async openPlace(place) {
    const { panes } = this;
    if (panes.all.length === 1 && panes.active.study && panes.active.study !== place.study) {
      const { width, height } = panes.size;
      panes.layout(...(width >= height ? [1, 2] : [2, 1]));
    }
    const beside = panes.active.study && panes.active.study !== place.study;
    await this.openSeries(text(place.series, TAG.seriesInstanceUid), beside ? panes.next : panes.active);
  }

  /**
   * Open the image that a report or a selection speaks of: beside it where there is a free pane.
   * @param {DicomwebStudy} study
   * @param {{series: string, sop: string, frame: number|null}} where
   */
  async openInstance(study, { series: uid, sop, frame }) {
    const place = this.panel.find(uid) ?? (await findPlace(study, uid));
    if (!place || this.ended) return;
    const pane = this.panes.next;
    this.panes.activate(pane);
    await pane.open({ ...place, sop, frame });
  }

  /** @param {import('./hanging/index.js').Hanging} hanging */
  async hang({ rows, columns, cells, together = false }) {
    this.panes.node.toggleAttribute('data-together', together);
    this.panes.layout(rows, columns);
    const places = cells.map((cell, at) => cell && { pane: this.panes.all[at], place: { study: this.study, ...cell } });
    this.panes.activate(this.panes.all[0]);
    const hung = places.filter(Boolean);
    await Promise.all(hung.map(({ pane, place }) => pane.open(place)));
    if (together) await alignAtEdges(hung.map(({ pane, place }) => ({ stack: pane.stack, edge: place.edge })));
  }

  /** @param {string} name of a tool; before Cornerstone runs it is chosen when it does */
  choose(name) {
    this.wantedTool = name;
    this.tools?.choose(name);
  }

  /** A missing frame is one image's trouble; a study that is gone with it is the end of reading. */
  async imageFailed(error, pane, image, index) {
    const missing = error instanceof RequestFailed && error.status === 404;
    if (missing && !(await this.#stillShared(pane))) return;
    if (endsReading(error) && !missing) this.requestFailed(error, pane);
    else if (pane.stack?.image === image) pane.frame.refuse(imageMessage(error, image), index);
  }

  /** The same for what is no image: a document, a model, a recording. */
  async contentFailed(error, pane) {
    const missing = error instanceof RequestFailed && error.status === 404;
    if (missing && !(await this.#stillShared(pane))) return;
    if (error instanceof RequestFailed && !missing) this.requestFailed(error, pane);
    else pane.frame.refuse({ title: t('This could not be shown'), lines: [error.message], action: 'retry' });
  }

  requestFailed(error, pane) {
    if (!(error instanceof RequestFailed)) {
      pane.frame.refuse({ title: t('The viewer could not start'), lines: [error.message], action: 'retry' });
      return;
    }
    if (endsReading(error)) this.#end();
    (this.ended ? this.panes.active : pane).frame.refuse(requestMessage(error.status, this.worked));
  }

  async #startReading() {
    const { Reading } = await import('./reading.js');
    const reading = new Reading();
    this.root.dataset.drawing = reading.drawing;
    this.tools = reading.tools;
    this.tools.addEventListener('chosen', () => this.toolbar.refresh());
    for (const control of controls) control.ready?.(this);
    const coarse = window.matchMedia('(pointer: coarse)').matches;
    this.choose(this.wantedTool ?? (coarse ? 'scroll' : 'window'));
    return reading;
  }

  async #openStudy() {
    const asked = this.root.dataset.series;
    const asking = new URLSearchParams(window.location.search);
    if (asked && asking.get('instance')) await this.#openAsked(asking);
    else if (asked || !(await this.#hangStudy())) await this.openSeries(this.panel.first(asked));
    if (this.ended) return;
    const priors = await findPriors(this.root.dataset);
    this.panel.addPriors(priors);
    for (const control of controls) control.priors?.(this, priors);
    await this.#compare(asking.get('compare'));
  }

  /** Beside the study comes the prior that the address names, as the page of one patient does. */
  async #compare(studyInstanceUid) {
    const place = studyInstanceUid && (await this.panel.openPrior(studyInstanceUid));
    if (place && !this.ended) await this.openPlace(place);
  }

  async #openAsked(asking) {
    const [sop, frame] = [asking.get('instance'), Number(asking.get('frame')) || null];
    await this.openInstance(this.study, { series: this.panel.first(this.root.dataset.series), sop, frame });
  }

  /** @returns {Promise<boolean>} whether the study opened as a control or its hanging wants it */
  async #hangStudy() {
    try {
      for (const control of controls) if (await control.open?.(this)) return true;
      const hanging = await hang(this.panel.series, this.panes.size, (uid) => this.study.retrieveSeriesMetadata(uid));
      if (hanging) await this.hang(hanging);
      return Boolean(hanging);
    } catch (error) {
      if (endsReading(error)) throw error;
      return false; // one pane, whose own trouble says more
    }
  }

  async #stillShared(pane) {
    try {
      await pane.study.searchForSeries();
      return true;
    } catch (error) {
      if (endsReading(error)) this.requestFailed(error, pane);
      return !endsReading(error);
    }
  }

  /** What may no longer be seen leaves the screen and the memory at once. */
  #end() {
    this.ended = true;
    this.panes.closeAll();
    this.panes.layout(1, 1);
    this.starting?.then((reading) => reading.forget(), () => {}); // what never started keeps nothing
    this.panel.clear();
    this.root.classList.add('ended');
  }

  #listen() {
    this.keyboard.listen(document);
    new Dragging(this.panel.node, this.panes, (uid, pane) => this.openSeries(uid, pane));
    for (const name of ['opening', 'active', 'layout', 'closed']) {
      this.panes.addEventListener(name, () => this.panel.mark(this.panes.all, this.panes.active));
    }
    for (const name of ['opened', 'closed', 'active', 'layout', 'window', 'playing']) {
      this.panes.addEventListener(name, () => this.toolbar.refresh());
    }
    this.panes.node.addEventListener('pointerup', () => setTimeout(() => this.toolbar.refresh()));
  }
}

/** A series that the panel does not list: of a prior study that is not open yet. */
async function findPlace(study, uid) {
  const series = (await study.searchForSeries()).find((each) => text(each, TAG.seriesInstanceUid) === uid);
  return series ? { study, series } : null;
}
