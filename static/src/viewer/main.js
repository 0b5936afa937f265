import { DicomwebStudy, RequestFailed } from './dicomweb.js';
import { listenToKeys } from './keyboard.js';
import { endsReading, imageMessage, notAnImage, requestMessage } from './messages.js';
import { Screen } from './screen.js';
import { imagesOf } from './series_images.js';
import { SeriesPanel, kindOf, titleOf } from './series_panel.js';

/** One page, one study: chooses series, and decides what an error means for the reader. */
class Viewer {
  constructor(root) {
    this.root = root;
    this.study = new DicomwebStudy(root.dataset.dicomweb, root.dataset.study);
    this.panel = new SeriesPanel(this.study, (uid) => this.openSeries(uid));
    this.screen = new Screen(root, this.panel.node, this.#commands());
    this.worked = false;
    listenToKeys(this.#commands());
  }

  async start() {
    const loading = import('./reading.js');
    try {
      this.panel.fill(await this.study.searchForSeries());
      this.worked = true;
      const { Reading } = await loading;
      this.reading ??= new Reading(this.screen.host, this.screen, (...failure) =>
        this.#imageFailed(...failure),
      );
    } catch (error) {
      this.#requestFailed(error);
      return;
    }
    if (this.panel.series.length) await this.openSeries(this.panel.first(this.root.dataset.series));
    else this.screen.refuse({ title: 'This study holds no series', lines: [] });
  }

  /** @param {string} uid Series Instance UID; of several calls the last wins */
  async openSeries(uid) {
    if (this.ended || !this.reading) return;
    this.opening?.abort();
    const opening = new AbortController();
    Object.assign(this, { opening, uid });
    this.panel.mark(uid);
    this.reading.close();
    this.screen.overlay.showSeries(titleOf(this.panel.find(uid)));
    try {
      const metadata = await this.study.retrieveSeriesMetadata(uid, opening.signal);
      if (!opening.signal.aborted) this.#read(uid, metadata);
    } catch (error) {
      if (!opening.signal.aborted) this.#requestFailed(error);
    }
  }

  #read(uid, metadata) {
    const { images } = imagesOf(metadata, (sop, frame) => this.study.frameUrl(uid, sop, frame));
    if (images.length) this.reading.open(images);
    else this.screen.refuse(notAnImage(kindOf(this.panel.find(uid))));
  }

  /** A missing frame is one image's trouble; a study that is gone with it is the end of reading. */
  async #imageFailed(error, image, index) {
    if (error instanceof RequestFailed && error.status === 404 && !(await this.#stillShared())) return;
    if (endsReading(error) && error.status !== 404) {
      this.#requestFailed(error);
      return;
    }
    if (this.reading.stack.image === image) this.screen.refuse(imageMessage(error, image), index);
  }

  async #stillShared() {
    try {
      await this.study.searchForSeries();
      return true;
    } catch (error) {
      if (endsReading(error)) this.#requestFailed(error);
      return !endsReading(error);
    }
  }

  #requestFailed(error) {
    if (!(error instanceof RequestFailed)) {
      this.screen.refuse({ title: 'The viewer could not start', lines: [error.message], action: 'retry' });
      return;
    }
    if (endsReading(error)) this.#end();
    this.screen.refuse(requestMessage(error.status, this.worked));
  }

  /** What may no longer be seen leaves the screen and the memory at once. */
  #end() {
    this.ended = true;
    this.reading?.close();
    this.panel.node.replaceChildren();
    this.root.classList.add('ended');
  }

  #retry() {
    if (!this.reading) this.start();
    else if (this.reading.stack.images.length) this.reading.goTo(this.reading.stack.index);
    else if (this.uid) this.openSeries(this.uid);
  }

  #openNeighbour(step) {
    const uid = this.panel.neighbour(this.uid, step);
    if (uid) this.openSeries(uid);
  }

  /** What buttons and keys can ask for; before the first image they ask in vain. */
  #commands() {
    return {
      choose: (name) => this.reading?.choose(name),
      step: (delta) => this.reading?.step(delta),
      goTo: (index) => this.reading?.goTo(index),
      preset: (window) => this.reading?.preset(window),
      play: () => this.reading?.cine.toggle(),
      invert: () => this.reading?.stack.invert(),
      reset: () => this.reading?.stack.reset(),
      zoom: (factor) => this.reading?.stack.zoom(factor),
      clear: () => this.reading?.clear(),
      series: (step) => this.#openNeighbour(step),
      closeMenu: () => this.screen.toolbar.closeMenu(),
      help: () => this.screen.help.showModal(),
      retry: () => this.#retry(),
    };
  }
}

new Viewer(document.querySelector('#viewer')).start();
