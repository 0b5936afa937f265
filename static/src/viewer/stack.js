import { Enums, cache, utilities } from '@cornerstonejs/core';
import { describeImages } from './frame_loader.js';
import { ImageStore } from './image_store.js';
import { Prefetch } from './prefetch.js';
import { drawsOnProcessor } from './engine.js';

const VIEWPORT = 'stack';

const { toLowHighRange } = utilities.windowLevel;

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
   */
  constructor(engine, host) {
    super();
    this.engine = engine;
    this.host = host;
    this.images = [];
    this.index = 0;
    engine.enableElement({ viewportId: VIEWPORT, type: Enums.ViewportType.STACK, element: host });
    this.viewport = engine.getViewport(VIEWPORT);
    this.#listen();
  }

  get image() {
    return this.images[this.index];
  }

  get isShown() {
    return this.shown !== null && this.shown === this.image?.imageId;
  }

  /**
   * Replace the series.
   * @param {import('./series_images.js').StackImage[]} images at least one
   * @param {number} index where to begin
   */
  open(images, index) {
    this.close();
    describeImages(images);
    this.images = images;
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
    cache.purgeCache();
    this.images = [];
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
    this.index = Math.min(this.images.length - 1, Math.max(0, index));
    const { index: wanted, images, store } = this;
    const current = () => this.images === images && this.index === wanted;
    if (!store.has(images[wanted].imageId)) this.#tell('waiting', { index: wanted });
    try {
      const image = await store.get(images[wanted].imageId);
      if (current()) await this.#show(image, wanted);
    } catch (error) {
      if (error.name !== 'AbortError' && current()) this.#fail(error, wanted);
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

  /** Window, zoom, position and inversion as at the beginning. */
  reset() {
    this.inverted = false;
    this.viewport.resetCamera();
    this.setWindow(null);
    this.#tell('view');
  }

  resize() {
    this.engine.resize(true, true);
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
    this.viewport.resetCamera();
    this.#applyWindow(this.pixels);
    this.viewport.render();
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
    this.viewport.setProperties({ voiRange: toLowHighRange(width, center), invert }, true);
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
