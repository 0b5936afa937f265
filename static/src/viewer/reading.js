import { TAG, text } from './attributes.js';
import { Cine } from './cine.js';
import { drawsOnProcessor, startEngine } from './engine.js';
import { Gestures } from './gestures.js';
import { Stack } from './stack.js';
import { Tools, startTools } from './tools.js';

/** Images, tools and playing: all that needs Cornerstone, loaded while the list of series is on its way. */
export class Reading {
  /**
   * @param {HTMLDivElement} host
   * @param {import('./screen.js').Screen} screen
   * @param {(error: Error, image: object) => void} onFailed one image could not be shown
   */
  constructor(host, screen, onFailed) {
    const engine = startEngine();
    startTools();
    this.screen = screen;
    screen.root.dataset.drawing = drawsOnProcessor() ? 'processor' : 'webgl';
    this.stack = new Stack(engine, host);
    this.tools = new Tools(engine, this.stack);
    this.cine = new Cine(this.stack, (playing) => screen.toolbar.markPlaying(playing));
    new Gestures(host, this.stack, this.tools);
    new ResizeObserver(() => this.stack.resize()).observe(host);
    host.addEventListener('pointerup', () => setTimeout(() => this.#allow()));
    this.#listen(onFailed);
    this.choose(window.matchMedia('(pointer: coarse)').matches ? 'scroll' : 'window');
  }

  /** @param {import('./series_images.js').StackImage[]} images */
  open(images) {
    this.cine.stop();
    this.tools.clearMeasurements();
    this.screen.fit(images.length);
    const middle = images[0].instance === images.at(-1).instance ? 0 : Math.floor((images.length - 1) / 2);
    const opened = this.stack.open(images, middle);
    this.#allow();
    return opened;
  }

  /** Take every image off the screen and out of memory. */
  close() {
    this.cine.stop();
    this.tools.clearMeasurements();
    this.stack.close();
    this.screen.fit(0);
    this.#allow();
  }

  choose(name) {
    this.tools.choose(name);
    this.screen.toolbar.markTool(name);
  }

  step(delta) {
    this.cine.stop();
    return this.stack.step(delta);
  }

  goTo(index) {
    this.cine.stop();
    return this.stack.goTo(index);
  }

  /** @param {{width: number, center: number}} window only CT has Hounsfield units to window by */
  preset(window) {
    this.screen.toolbar.closeMenu();
    if (this.#isCt()) this.stack.setWindow(window);
  }

  clear() {
    this.tools.clearMeasurements();
    this.#allow();
  }

  #isCt() {
    return text(this.stack.image?.instance, TAG.modality) === 'CT';
  }

  #allow() {
    const measured = this.tools.measurements > 0;
    this.screen.toolbar.allow({ ct: this.#isCt(), count: this.stack.images.length, measured });
  }

  #listen(onFailed) {
    const on = (name, listener) => this.stack.addEventListener(name, (event) => listener(event.detail));
    on('waiting', ({ index }) => this.screen.wait(index));
    on('image', ({ index }) => this.screen.showImage(index, this.stack));
    on('failed', ({ error, index }) => onFailed(error, this.stack.images[index], index));
    on('progress', ({ loaded }) => this.screen.slider.showLoaded(loaded));
    on('window', () => this.screen.showWindow(this.stack));
    on('view', () => this.screen.overlay.showZoom(this.stack.magnification));
    on('rendered', () => this.screen.showDrawn(this.stack.magnification));
  }
}
