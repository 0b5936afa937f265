import { Cine } from './cine.js';
import { begin } from './frame_sources.js';
import { kindFor } from './kinds/registry.js';
import { notAnImage } from './messages.js';
import { PaneFrame } from './pane_frame.js';
import { imagesOf } from './series_images.js';
import { kindOf, titleOf } from './series_titles.js';
import { TAG, text } from './attributes.js';

/**
 * One place where a series is read.
 *
 * `kind` is '' while empty, 'images' where `stack` holds them, else the name from kinds/registry.js.
 * Events: `opened`, `closed`, `image` {index}, `window`, `view`, `drawn`, `changed`, `playing`.
 */
export class Pane extends EventTarget {
  /** @param {import('./viewer.js').Viewer} viewer */
  constructor(viewer) {
    super();
    this.viewer = viewer;
    this.frame = new PaneFrame({ goTo: (index) => this.goTo(index), retry: () => this.retry() });
    this.node = this.frame.node;
    this.kind = '';
    this.stack = null;
    this.frame.addEventListener('changed', () => this.#tell('changed'));
    this.frame.addEventListener('drawn', (event) => this.#tell('drawn', event.detail));
  }

  get uid() {
    return this.series ? text(this.series, TAG.seriesInstanceUid) : '';
  }

  get hasImages() {
    return this.kind === 'images' && this.stack.images.length > 0;
  }

  /**
   * Show a series; of several calls the last wins.
   * @param {object} place
   * @param {import('./dicomweb.js').DicomwebStudy} place.study
   * @param {object} place.series DICOM JSON dataset
   * @param {number} [place.index] image to begin with
   * @param {string} [place.sop] or the SOP Instance UID of that image, with its `frame` from 1
   * @param {boolean} [place.flip]
   * @param {number} [place.rotate] degrees clockwise
   * @param {string} [place.label]
   */
  async open(place) {
    const signal = this.#begin(place);
    try {
      const metadata = await this.study.retrieveSeriesMetadata(this.uid, signal);
      if (signal.aborted) return;
      this.metadata = metadata;
      await this.#show(metadata, place, signal);
    } catch (error) {
      if (!signal.aborted) this.viewer.requestFailed(error, this);
    }
  }

  /**
   * Show images that are at hand, such as planes cut from a volume.
   * @param {object} place as for `open`; with `volume` where that is what they are cut from
   * @param {import('./series_images.js').StackImage[]} images at least one
   * @param {{index?: number, window?: object, inverted?: boolean}} [hung]
   */
  async show(place, images, hung = {}) {
    this.#begin(place);
    await this.#openImages(images, hung);
  }

  /** Take everything off the screen and out of memory. */
  close() {
    this.opening?.abort();
    this.cine?.stop();
    this.stack?.close();
    this.content?.close();
    Object.assign(this, { kind: '', content: null, study: null, series: null, metadata: null });
    Object.assign(this, { place: null, volume: null });
    this.frame.hideContent();
    this.frame.overlay.clear();
    this.frame.fit(0);
    this.frame.setState('empty');
    this.#tell('closed');
  }

  /** The pane leaves the screen for good. */
  remove() {
    this.close();
    this.unseat?.();
    this.node.remove();
  }

  step(delta) {
    this.cine?.stop();
    return this.stack?.step(delta);
  }

  goTo(index) {
    this.cine?.stop();
    return this.stack?.goTo(index);
  }

  retry() {
    if (this.hasImages) this.stack.goTo(this.stack.index);
    else if (this.place) this.open(this.place);
    else this.viewer.start();
  }

  #begin(place) {
    this.close();
    this.opening = new AbortController();
    Object.assign(this, { place, study: place.study, series: place.series, volume: place.volume ?? null });
    this.frame.setState('loading');
    this.frame.overlay.showStudy(place.study, place.study !== this.viewer.study);
    this.frame.overlay.showSeries(place.label || titleOf(place.series));
    this.#tell('opening');
    return this.opening.signal;
  }

  async #openImages(images, hung) {
    const { signal } = this.opening;
    const index = hung.index ?? middleOf(images);
    if (!this.viewer.tools && !images[index].draw) this.#beginImage(images[index], hung);
    const reading = await this.viewer.reading;
    if (signal.aborted) return;
    this.#seat(reading);
    this.kind = 'images';
    this.frame.fit(images.length);
    const opened = this.stack.open(images, index, hung);
    this.#tell('opened');
    await opened;
  }

  /** Cornerstone takes its time to start: until then the bytes come, and a picture that the portal draws. */
  #beginImage(image, { flip, rotate, window, inverted }) {
    begin(image);
    if (!flip && !rotate && !window && !inverted) this.frame.poster.show(image);
  }

  async #show(metadata, place, signal) {
    const kind = kindFor(place.series, metadata);
    if (kind) {
      await this.#showContent(kind, metadata, signal);
      return;
    }
    const { images } = imagesOf(metadata, (sop, frame) => this.study.frameUrl(this.uid, sop, frame));
    const index = place.index ?? indexOf(images, place);
    const keepAs = `${this.study.uid}/${this.uid}`;
    if (images.length) await this.#openImages(images, { ...place, index, keepAs });
    else this.frame.refuse(notAnImage(kindOf(place.series)));
  }

  async #showContent(kind, metadata, signal) {
    const { study, series } = this;
    const message = (told) => !signal.aborted && this.frame.refuse(told);
    const open = (place) => this.viewer.openInstance(study, place);
    this.kind = kind.name;
    this.frame.showContent(kind.name);
    const failed = (error) => !signal.aborted && this.viewer.contentFailed(error, this);
    let content = null;
    try {
      const module = await kind.load();
      if (signal.aborted) return;
      const context = { study, series, metadata, message, open, failed, pane: this };
      content = await module.open(this.frame.content, context);
    } catch (error) {
      failed(error);
      return;
    }
    if (signal.aborted) {
      content.close();
      return;
    }
    this.content = content;
    if (this.frame.state === 'loading') this.frame.setState('ready');
    this.#tell('opened');
  }

  /** A pane gets its viewport when it first has images to draw. */
  #seat(reading) {
    if (this.stack) return;
    const { stack, leave } = reading.seat(this.frame.host);
    this.stack = stack;
    this.unseat = leave;
    this.cine = new Cine(stack, () => this.#tell('playing'));
    this.#listen();
  }

  #listen() {
    const { stack, frame } = this;
    const on = (name, listener) => stack.addEventListener(name, (event) => listener(event.detail));
    on('waiting', ({ index }) => frame.wait(index));
    on('image', ({ index }) => {
      frame.showImage(index, stack);
      this.#tell('image', { index });
    });
    on('failed', ({ error, index }) => this.viewer.imageFailed(error, this, stack.images[index], index));
    on('progress', ({ loaded }) => frame.slider.showLoaded(loaded));
    on('window', () => {
      frame.overlay.showWindow(stack.window);
      this.#tell('window');
    });
    on('view', () => {
      frame.overlay.showZoom(stack.magnification);
      this.#tell('view');
    });
    on('rendered', () => frame.showDrawn(stack.magnification));
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Cine begins at its first frame; a stack of slices in the middle, where there is something to see. */
function middleOf(images) {
  return images[0].instance === images.at(-1).instance ? 0 : Math.floor((images.length - 1) / 2);
}

/** @returns {number|undefined} where an image lies that was asked for by its UID */
function indexOf(images, { sop, frame }) {
  const at = sop ? images.findIndex((image) => image.sopInstanceUid === sop && image.frame === (frame || 1)) : -1;
  return at < 0 ? undefined : at;
}
