import { t } from '../../i18n.js';
import { titleOf } from '../series_titles.js';
import { RequestFailed } from '../dicomweb.js';
import { Drawing } from './drawing.js';
import { Layer } from './layer.js';
import { LabelDialog, Panel } from './panel.js';
import { MarksService } from './portal.js';
import { Marks } from './store.js';
import { Views } from './views.js';
import { bodyOf, isOfStudy, stateOf } from './wire.js';

/** Marks of the study on the page: drawn in every pane, listed in the panel, kept by the portal. */
export class Desk {
  /** @param {import('../viewer.js').Viewer} viewer */
  constructor(viewer) {
    Object.assign(this, { viewer, versions: [], version: null, loaded: false, maySave: false, saving: false });
    this.problem = '';
    this.marks = new Marks();
    this.service = new MarksService(viewer.root);
    this.seats = new Map();
    this.views = new Views(viewer, this.seats, this.marks);
    this.panel = new Panel(this);
    this.dialog = new LabelDialog();
    viewer.root.append(this.panel.node, this.dialog.node);
    this.#listen();
  }

  get isDirty() {
    return this.marks.dirty;
  }

  /** @returns {boolean} whether a save would keep anything that is not kept yet: marks, or how a series is shown */
  get canSave() {
    return this.maySave && !this.saving && (this.isDirty || this.views.areNew);
  }

  /** Cornerstone runs: panes can be drawn on. */
  start() {
    this.onProcessor = this.viewer.root.dataset.drawing === 'processor';
    this.ready = true;
    if (this.service.url) this.load();
    this.#redraw();
  }

  async load() {
    try {
      const found = await this.service.versions();
      Object.assign(this, { versions: found.versions, maySave: found.may_save, loaded: true, problem: '' });
      // Whoever was quicker than the network keeps what they drew.
      if (this.versions.length && !this.isDirty) this.openVersion(this.versions[0]);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.problem = t('Saved measurements could not be read.');
    }
    this.#changed();
  }

  openVersion(version) {
    if (!version || (this.isDirty && !window.confirm(t('Leave what is not saved?')))) {
      this.panel.draw();
      return;
    }
    this.version = version;
    this.marks.load(stateOf(version));
    this.views.load(version);
  }

  async save() {
    if (!this.canSave) return;
    Object.assign(this, { saving: true, problem: '' });
    this.#changed();
    const { state } = this.marks;
    try {
      const saved = await this.service.save(bodyOf(this.marks, this.views.now, this.version?.id ?? ''));
      if (this.marks.state === state) this.marks.markSaved();
      await this.#reread(saved.id).catch(() => {}); // it is saved, whether or not it can be read just now
      this.viewer.screen.tell(t('Saved with the study.'));
    } catch (error) {
      this.problem = error instanceof RequestFailed ? saveProblem(error.status) : error.message;
      this.togglePanel(true);
    }
    this.saving = false;
    this.#changed();
  }

  togglePanel(open) {
    this.panel.toggle(open);
    this.viewer.toolbar.refresh();
  }

  /** The image on the screen of the active pane. */
  get image() {
    return this.seats.get(this.viewer.panes.active)?.layer.image ?? null;
  }

  toggleKey() {
    const { image } = this;
    if (image && isOfStudy({ image })) this.marks.toggleKey(image);
  }

  removeSelected() {
    if (this.marks.selected) this.marks.remove(this.marks.selected);
  }

  tool() {
    return this.viewer.tools?.chosen ?? '';
  }

  finished(mark) {
    if (!this.marks.visible) this.marks.show(true);
    this.marks.add(mark);
    if (mark.kind === 'arrow') this.rename(mark);
  }

  async rename({ id, label }) {
    const answer = await this.dialog.ask(label);
    const mark = this.marks.find(id);
    if (mark && answer !== null && answer !== mark.label) this.marks.replace({ ...mark, label: answer });
  }

  jump(mark) {
    this.marks.select(mark.id);
    return this.jumpTo(mark.image);
  }

  /** Show an image, in a pane that has its series or else in the active one. */
  async jumpTo(image) {
    const { panes } = this.viewer;
    const open = [panes.active, ...panes.all].find((pane) => this.#indexIn(pane, image) >= 0);
    if (open) panes.activate(open);
    else await this.viewer.openSeries(image.series);
    const index = this.#indexIn(panes.active, image);
    if (index >= 0) await panes.active.goTo(index);
  }

  /** @returns {string} an image in words: its series, and where in it */
  imageName(image) {
    const series = this.viewer.panel.find(image.series);
    const pane = this.viewer.panes.all.find((each) => this.#indexIn(each, image) >= 0);
    const number = pane ? this.#indexIn(pane, image) + 1 : null;
    const title = series ? titleOf(series) : t('Image');
    return number ? t('{series}, image {number}', { series: title, number }) : title;
  }

  #indexIn(pane, { sop, frame }) {
    if (!pane.hasImages) return -1;
    return pane.stack.images.findIndex((image) => image.sopInstanceUid === sop && image.frame === frame);
  }

  async #reread(id) {
    const { versions } = await this.service.versions();
    this.versions = versions;
    this.version = versions.find((version) => version.id === id) ?? this.version;
    if (this.version) this.views.adopt(this.version);
  }

  #listen() {
    const { viewer, marks } = this;
    viewer.panes.addEventListener('closed', () => viewer.ended && this.#end());
    for (const name of ['changed', 'selected', 'shown']) marks.addEventListener(name, () => this.#changed());
    viewer.panes.addEventListener('drawn', ({ detail }) => this.#drawn(detail.pane));
    for (const name of ['image', 'view', 'window', 'opened', 'closed']) {
      viewer.panes.addEventListener(name, ({ detail }) => this.seats.get(detail.pane)?.layer.draw());
    }
    for (const name of ['image', 'window', 'view']) {
      viewer.panes.addEventListener(name, () => this.#refreshLater());
    }
    viewer.panes.addEventListener('layout', () => this.#leave());
    window.addEventListener('beforeunload', (event) => this.isDirty && this.maySave && event.preventDefault());
    document.addEventListener('keydown', (event) => this.#key(event), { capture: true });
  }

  /** What may no longer be seen leaves the list and the memory too. */
  #end() {
    Object.assign(this, { versions: [], version: null, maySave: false });
    this.marks.load({ marks: [], keys: [], note: '' });
    this.togglePanel(false);
  }

  #drawn(pane) {
    if (!this.ready) return;
    if (!this.seats.has(pane)) this.#seat(pane);
    this.views.show(pane);
    this.seats.get(pane).layer.draw();
  }

  #seat(pane) {
    const layer = new Layer(pane, this.marks, this.onProcessor);
    this.seats.set(pane, { layer, drawing: new Drawing(layer, this) });
  }

  #leave() {
    for (const [pane, { drawing }] of this.seats) {
      if (this.viewer.panes.all.includes(pane)) continue;
      drawing.stop();
      this.seats.delete(pane);
    }
  }

  #changed() {
    this.#redraw();
    this.#refreshLater();
  }

  #redraw() {
    for (const { layer } of this.seats.values()) layer.draw();
    if (this.panel.isOpen) this.panel.draw();
  }

  /** The star follows the image; scrolling does not wait for the bar. */
  #refreshLater() {
    clearTimeout(this.refreshing);
    this.refreshing = setTimeout(() => {
      this.viewer.toolbar.refresh();
      this.panel.refresh();
    }, 60);
  }

  #key(event) {
    const drawing = [...this.seats.values()].find((seat) => seat.drawing.isBusy)?.drawing;
    if (event.key === 'Escape' && drawing) {
      drawing.cancel();
      event.stopPropagation();
      return;
    }
    if (!(event.ctrlKey || event.metaKey) || event.target.closest?.('dialog, input, textarea, select')) return;
    const run = { z: event.shiftKey ? 'redo' : 'undo', y: 'redo', s: 'save' }[event.key.toLowerCase()];
    if (!run) return;
    event.preventDefault();
    if (run === 'save') this.save();
    else this.marks[run]();
  }
}

function saveProblem(status) {
  if (status === 0) return t('Not saved: the portal cannot be reached. What you drew is still here.');
  if (status === 401) return t('Not saved: your session has ended. Sign in in another tab, then save again.');
  return t('Not saved: the portal answered with status {status}.', { status });
}
