import { t } from '../../i18n.js';
import { element } from '../dom.js';

const MOST_PIXELS = 16 * 1024 * 1024;
const [SMALLEST, LARGEST] = [0.25, 6];
const GAP = 24;

/** The pages of a PDF below one another: each is drawn when it comes near, and forgotten when it is far. */
export class PdfPages {
  /**
   * @param {HTMLElement} scroller
   * @param {(number: number, count: number) => void} onPage
   */
  constructor(scroller, onPage) {
    Object.assign(this, { scroller, onPage, sheets: [], zoom: 1 });
    this.near = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)), {
      root: scroller,
      rootMargin: '600px 0px',
    });
    this.resizing = new ResizeObserver(() => this.#layOut());
    this.resizing.observe(scroller);
    scroller.addEventListener('scroll', () => this.#tell(), { passive: true });
    scroller.addEventListener('keydown', (event) => this.#key(event));
    this.#pinch();
  }

  /** @param {import('pdfjs-dist').PDFDocumentProxy} document */
  async open(document) {
    this.clear();
    this.document = document;
    const first = await document.getPage(1);
    const { width, height } = first.getViewport({ scale: 1 });
    this.sheets = Array.from({ length: document.numPages }, (_, at) => this.#sheet(at + 1, width, height));
    this.scroller.replaceChildren(...this.sheets.map((sheet) => sheet.node));
    this.fit();
    await this.#draw(this.sheets[0]);
    for (const sheet of this.sheets) this.near.observe(sheet.node);
  }

  clear() {
    this.near.disconnect();
    for (const sheet of this.sheets) sheet.task?.cancel();
    this.sheets = [];
    this.document = null;
    this.scroller.replaceChildren();
    this.onPage(0, 0);
  }

  zoomBy(factor) {
    this.#zoomTo(this.zoom * factor);
  }

  fit() {
    this.scroller.scrollTop = 0;
    this.#zoomTo(1);
  }

  #sheet(number, width, height) {
    const node = element('section', { class: 'pdf-page', 'aria-label': t('Page {number}', { number }) });
    return { number, width, height, node, drawn: 0, task: null, near: false };
  }

  #zoomTo(zoom) {
    const wanted = Math.min(LARGEST, Math.max(SMALLEST, zoom));
    const middle = (this.scroller.scrollTop + this.scroller.clientHeight / 2) / this.scroller.scrollHeight;
    this.zoom = wanted;
    this.#layOut();
    if (wanted !== 1) this.scroller.scrollTop = middle * this.scroller.scrollHeight - this.scroller.clientHeight / 2;
  }

  #layOut() {
    const across = Math.min(this.scroller.clientWidth - GAP, 1100);
    if (across <= 0) return;
    for (const sheet of this.sheets) {
      sheet.scale = (across / sheet.width) * this.zoom;
      sheet.node.style.inlineSize = `${sheet.width * sheet.scale}px`;
      sheet.node.style.aspectRatio = `${sheet.width} / ${sheet.height}`;
      if (sheet.near && sheet.drawn !== sheet.scale) this.#draw(sheet);
    }
    this.#tell();
  }

  #moved({ target, isIntersecting }) {
    const sheet = this.sheets.find((each) => each.node === target);
    if (!sheet) return;
    sheet.near = isIntersecting;
    if (isIntersecting && sheet.drawn !== sheet.scale) this.#draw(sheet);
    if (!isIntersecting && sheet.drawn) {
      sheet.node.replaceChildren();
      sheet.drawn = 0;
    }
  }

  async #draw(sheet) {
    const { document } = this;
    sheet.task?.cancel();
    sheet.drawn = sheet.scale;
    const page = await document.getPage(sheet.number);
    if (document !== this.document) return;
    this.#resize(sheet, page);
    const canvas = element('canvas', { class: 'pdf-canvas', 'aria-hidden': 'true' });
    const viewport = page.getViewport({ scale: this.#pixelScale(sheet, page) });
    canvas.width = Math.floor(viewport.width);
    canvas.height = Math.floor(viewport.height);
    sheet.task = page.render({ canvas, viewport, annotationMode: 1 });
    try {
      await sheet.task.promise;
      sheet.node.replaceChildren(canvas, await this.#words(page));
    } catch (error) {
      if (error.name !== 'RenderingCancelledException') throw error;
    }
  }

  /** Pages may differ in size; how large this one is shows when it is loaded. */
  #resize(sheet, page) {
    const { width, height } = page.getViewport({ scale: 1 });
    if (width === sheet.width && height === sheet.height) return;
    Object.assign(sheet, { width, height });
    const across = Math.min(this.scroller.clientWidth - GAP, 1100);
    sheet.scale = sheet.drawn = (across / width) * this.zoom;
    sheet.node.style.inlineSize = `${width * sheet.scale}px`;
    sheet.node.style.aspectRatio = `${width} / ${height}`;
  }

  #pixelScale(sheet, page) {
    const { width, height } = page.getViewport({ scale: 1 });
    const wanted = sheet.scale * Math.min(3, window.devicePixelRatio || 1);
    return Math.min(wanted, Math.sqrt(MOST_PIXELS / (width * height)));
  }

  /** The page's text for readers who listen: nothing on a canvas reaches them. */
  async #words(page) {
    const { items } = await page.getTextContent();
    const words = items.map((item) => `${item.str ?? ''}${item.hasEOL ? '\n' : ''}`).join('');
    return element('p', { class: 'visually-hidden' }, words);
  }

  get #current() {
    const middle = this.scroller.scrollTop + this.scroller.clientHeight / 2;
    const found = this.sheets.findLast((sheet) => sheet.node.offsetTop <= middle);
    return found?.number ?? 1;
  }

  #tell() {
    this.onPage(this.sheets.length ? this.#current : 0, this.sheets.length);
  }

  #key(event) {
    const steps = { PageDown: 1, PageUp: -1 };
    if (event.key === '+' || event.key === '=') this.zoomBy(1.25);
    else if (event.key === '-') this.zoomBy(0.8);
    else if (event.key in steps) {
      this.sheets[this.#current - 1 + steps[event.key]]?.node.scrollIntoView({ block: 'start' });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Two fingers zoom, as on any other document. */
  #pinch() {
    const apart = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    let from = null;
    this.scroller.addEventListener('touchstart', ({ touches }) => {
      if (touches.length === 2) from = { distance: apart(touches), zoom: this.zoom };
    });
    this.scroller.addEventListener('touchmove', (event) => {
      if (event.touches.length !== 2 || !from) return;
      event.preventDefault();
      const wanted = from.zoom * (apart(event.touches) / from.distance);
      if (Math.abs(wanted - this.zoom) / this.zoom > 0.05) this.#zoomTo(wanted);
    });
    this.scroller.addEventListener('touchend', () => (from = null));
  }
}
