import { Enums, cache, utilities } from '@cornerstonejs/core';
import { TAG, text } from './attributes.js';
import { describeImages } from './frame_loader.js';
import { ImageStore } from './image_store.js';
import { Prefetch } from './prefetch.js';
import { discard, shelve, unshelve } from './shelf.js';
import { drawsOnProcessor } from './engine.js';

/** An image that is still on its way is given up when the reader has gone so far past it. */
const PASSED = 12;

const { toLowHighRange } = utilities.windowLevel;

/** A width below one, as doses in gray have, is turned upside down by the LINEAR function (PS3.3 §C.11.2.1.2.1). */
const functionOf = ({ voiLUTFunction }, width) =>
  voiLUTFunction === 'LINEAR_EXACT' || width < 1 ? 'LINEAR_EXACT' : 'LINEAR';

/**
 * The images of one series in one viewport.
 *
 * Every image is loaded before Cornerstone hears of it: a frame that cannot be fetched or decoded then leaves
 * the viewport as it is, and the rest of the series scrolls on.
 *
 * Events: `image` {image, index}, `failed` {error, index}, `waiting` {index}, `progress` {loaded}, `view`,
 * `window`, `rendered`.
 */
export class Stack extends EventTarget {
  /**
   * @param {import('@cornerstonejs/core').RenderingEngine} engine
   * @param {HTMLDivElement} host
   * @param {string} viewportId
   */
  constructor(engine, host, viewportId) {
    super();
    this.engine = engine;
    this.host = host;
    Object.assign(this, { images: [], index: 0, shown: null });
    engine.enableElement({ viewportId, type: Enums.ViewportType.STACK, element: host });
    this.viewport = engine.getViewport(viewportId);
    if (drawsOnProcessor()) withoutVoiFunction(this.viewport);
    this.#listen();
  }

  get image() {
    return this.images[this.index];
  }

  /** @returns {string} of the image that is open, '' when it says none */
  get modality() {
    return text(this.image?.instance, TAG.modality);
  }

  get isShown() {
    return this.shown !== null && this.shown === this.image?.imageId;
  }

  /**
   * Replace the series.
   * @param {import('./series_images.js').StackImage[]} fresh at least one
   * @param {number} index where to begin
   * @param {object} [hung] how it hangs before the reader turns it
   * @param {boolean} [hung.flip]
   * @param {number} [hung.rotate] degrees clockwise
   * @param {{width: number, center: number}} [hung.window]
   * @param {boolean} [hung.inverted]
   * @param {string} [hung.keepAs] the series, where its images may wait in memory for the reader to come back
   */
  open(fresh, index, { flip = false, rotate = 0, window = null, inverted = false, keepAs = '' } = {}) {
    this.close();
    const images = keepAs ? unshelve(keepAs, fresh) : fresh;
    describeImages(images);
    Object.assign(this, { images, keepAs, hung: { flip, rotate }, chosenWindow: window, inverted: Boolean(inverted) });
    this.store = new ImageStore(drawsOnProcessor());
    this.prefetch = new Prefetch(this.store, images, cache.getMaxCacheSize(), (loaded) =>
      this.#tell('progress', { loaded }),
    );
    return this.goTo(index);
  }

  /** Forget the series and everything that is under way for it. */
  close() {
    this.prefetch?.stop();
    this.store?.close();
    if (this.keepAs && this.images.length) shelve(this.keepAs, this.images);
    else discard(this.images);
    this.images = [];
    this.keepAs = '';
    this.index = 0;
    this.shown = null;
    this.mounted = false;
    this.chosenWindow = null;
    this.inverted = false;
  }

  /**
   * Show one image; of several calls the last wins.
   * @param {number} index from 0; beyond the ends it is the end
   */
  async goTo(index) {
    if (!this.images.length) return;
    const left = this.index;
    this.index = Math.min(this.images.length - 1, Math.max(0, index));
    const { index: wanted, images, store } = this;
    const current = () => this.images === images && this.index === wanted;
    if (Math.abs(left - wanted) > PASSED) store.cancel(images[left].imageId);
    if (!store.has(images[wanted].imageId)) this.#tell('waiting', { index: wanted });
    try {
      const image = await store.get(images[wanted].imageId);
      if (current()) await this.#show(image, wanted);
    } catch (error) {
      if (!current()) return;
      // Given up on the way past, and wanted after all.
      if (error.name === 'AbortError') return this.goTo(wanted);
      this.#fail(error, wanted);
    }
    if (current()) this.prefetch.moveTo(wanted);
  }

  step(delta) {
    return this.goTo(this.index + delta);
  }

  /** @returns {boolean} whether the neighbour is in memory, so that playing need not stutter */
  isReady(index) {
    return (
      this.store?.has(this.images[index]?.imageId) || this.store?.refused.has(this.images[index]?.imageId)
    );
  }

  /** @returns {{width: number, center: number}|null} in the image's rescaled units */
  get window() {
    if (!this.isShown) return null;
    return this.chosenWindow ?? { width: this.pixels.windowWidth, center: this.pixels.windowCenter };
  }

  /** @param {{width: number, center: number}|null} window null is each image's own */
  setWindow(window) {
    this.chosenWindow = window;
    this.#applyWindow(this.pixels);
    this.viewport.render();
    this.#tell('window');
  }

  invert() {
    if (!this.isShown) return;
    this.inverted = !this.inverted;
    this.#applyWindow(this.pixels);
    this.viewport.render();
    this.#tell('window');
  }

  /** @param {number} factor above 1 comes closer; the middle stays */
  zoom(factor) {
    if (!this.isShown) return;
    const { parallelScale } = this.viewport.getCamera();
    this.viewport.setCamera({ parallelScale: parallelScale / factor });
    this.viewport.render();
  }

  /** The whole image in the middle, turned as it is. */
  fit() {
    if (!this.isShown) return;
    const { flipHorizontal, flipVertical } = this.viewport.getCamera();
    const rotation = this.viewport.getRotation();
    this.viewport.resetCamera();
    this.viewport.setRotation(rotation);
    this.viewport.setCamera({ flipHorizontal, flipVertical });
    this.#fill();
    this.viewport.render();
    this.#tell('view');
  }

  /** One pixel of the image on one pixel of the screen. */
  actualSize() {
    const { magnification } = this;
    if (magnification) this.zoom(1 / magnification / (window.devicePixelRatio || 1));
  }

  /** Window, zoom, position and inversion as at the beginning. */
  reset() {
    if (!this.isShown) return;
    this.inverted = false;
    this.#hang();
    this.setWindow(null);
    this.#tell('view');
  }

  /** The viewport leaves the screen for good. */
  destroy() {
    this.close();
    this.engine.disableElement(this.viewport.id);
  }

  resize() {
    this.engine.resize(true, true);
  }

  /** @param {number} degrees clockwise, added to how the image hangs */
  rotate(degrees) {
    if (!this.isShown) return;
    this.viewport.setRotation((this.viewport.getRotation() + degrees + 360) % 360);
    this.fit();
    this.#tell('view');
  }

  /** @param {'flipHorizontal'|'flipVertical'} axis */
  flip(axis) {
    if (!this.isShown) return;
    this.viewport.setCamera({ [axis]: !this.viewport.getCamera()[axis] });
    this.viewport.render();
    this.#tell('view');
  }

  /** @returns {number|null} screen pixels per image pixel */
  get magnification() {
    const data = this.isShown ? this.viewport.getImageData() : null;
    if (!data) return null;
    const corners = [
      [0, 0, 0],
      [1, 0, 0],
    ].map((index) => this.viewport.worldToCanvas(data.imageData.indexToWorld(index)));
    return Math.hypot(corners[1][0] - corners[0][0], corners[1][1] - corners[0][1]);
  }

  /**
   * @param {number[]} world a point as Cornerstone stores it
   * @returns {number[]} `[column, row]` in image pixels
   */
  pixelAt(world) {
    return this.viewport.getImageData().imageData.worldToIndex(world).slice(0, 2);
  }

  /**
   * @param {number[]} pixel `[column, row]` of the image
   * @returns {number[]} where it lies, in CSS pixels of the host
   */
  canvasAt([column, row]) {
    const { imageData } = this.viewport.getImageData();
    return this.viewport.worldToCanvas(imageData.indexToWorld([column, row, 0]));
  }

  async #show(image, index) {
    const { imageId } = this.images[index];
    this.pixels = image;
    this.shown = imageId;
    if (!this.mounted) await this.#mount(index);
    else if (this.viewport.getCurrentImageIdIndex() === index) this.viewport.render();
    else this.viewport.setImageIdIndex(index);
    this.#tell('image', { image: this.images[index], index });
  }

  async #mount(index) {
    this.mounted = true;
    await this.viewport.setStack(
      this.images.map((image) => image.imageId),
      index,
    );
    this.#hang();
    this.#applyWindow(this.pixels);
    this.viewport.render();
  }

  /** Cornerstone fits an image as it is stored: one that lies on its side needs another scale. */
  #fill() {
    const { imageData, dimensions } = this.viewport.getImageData();
    const [columns, rows] = dimensions;
    const corners = [[0, 0, 0], [columns, 0, 0], [columns, rows, 0], [0, rows, 0]].map((index) =>
      this.viewport.worldToCanvas(imageData.indexToWorld(index)),
    );
    const extent = (axis) => {
      const values = corners.map((corner) => corner[axis]);
      return Math.max(...values) - Math.min(...values);
    };
    const factor = Math.min(this.host.clientWidth / extent(0), this.host.clientHeight / extent(1));
    if (!Number.isFinite(factor) || factor <= 0) return;
    const { parallelScale } = this.viewport.getCamera();
    this.viewport.setCamera({ parallelScale: parallelScale / factor });
  }

  /** The whole image in the middle, upright as it is stored or as its hanging says. */
  #hang() {
    const { flip, rotate } = this.hung;
    this.viewport.setRotation(0);
    this.viewport.setCamera({ flipHorizontal: false, flipVertical: false });
    this.viewport.resetCamera();
    if (rotate) this.viewport.setRotation(rotate);
    if (flip || rotate) this.viewport.setCamera({ flipHorizontal: flip });
    if (rotate) this.#fill();
  }

  #fail(error, index) {
    this.shown = null;
    this.#tell('failed', { error, index });
  }

  /** Cornerstone's CPU path keeps the first image's window for the whole stack; each image has its own. */
  #applyWindow(pixels) {
    if (!pixels || !this.mounted) return;
    const { width, center } = this.chosenWindow ?? {
      width: pixels.windowWidth,
      center: pixels.windowCenter,
    };
    const invert = Boolean(pixels.invert) !== this.inverted;
    this.viewport.setProperties({ voiRange: toLowHighRange(width, center, functionOf(pixels, width)), invert }, true);
  }

  #listen() {
    const { Events } = Enums;
    this.host.addEventListener(Events.STACK_NEW_IMAGE, (event) => this.#applyWindow(event.detail.image));
    this.host.addEventListener(Events.CAMERA_MODIFIED, () => this.#tell('view'));
    this.host.addEventListener(Events.IMAGE_RENDERED, () => this.isShown && this.#tell('rendered'));
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Cornerstone's magnifying glass copies all properties, of which drawing on the processor refuses this one. */
function withoutVoiFunction(viewport) {
  const all = viewport.getProperties;
  viewport.getProperties = () => {
    const { VOILUTFunction: _, ...properties } = all.call(viewport);
    return properties;
  };
}
