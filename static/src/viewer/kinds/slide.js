import OpenSeadragon from 'openseadragon';
import { t } from '../../i18n.js';
import { TAG, text } from '../attributes.js';
import { element } from '../dom.js';
import { KindPage, button, explanation } from './page.js';
import { hasDepth, labelsOf, levelsOf, scaleBar, spacingOf } from './slide_pyramid.js';
import { tileOf } from './slide_tiles.js';

/** How many screen pixels one pixel of the scan may become before it is only a coloured square. */
const CLOSEST = 4;
const BAR = 140;

/** Tiles of all levels as OpenSeadragon asks for them. */
function tileSource(study, levels) {
  const largest = levels.at(-1);
  const source = new OpenSeadragon.TileSource({
    width: largest.width,
    height: largest.height,
    tileSize: largest.tileWidth,
    minLevel: 0,
    maxLevel: levels.length - 1,
  });
  return Object.assign(source, {
    getLevelScale: (level) => levels[level].width / largest.width,
    getNumTiles: (level) => new OpenSeadragon.Point(levels[level].across, levels[level].down),
    getTileWidth: (level) => levels[level].tileWidth,
    getTileHeight: (level) => levels[level].tileHeight,
    tileExists: (level, x, y) => Boolean(levels[level]?.tileAt(x, y)),
    getTileUrl: (level, x, y) => `${level}/${x}/${y}`,
    hasTransparency: () => false,
    downloadTileStart(job) {
      const { level, x, y } = job.tile;
      const abort = new AbortController();
      job.userData.abort = abort;
      tileOf(study, levels[level].tileAt(x, y), abort.signal).then(
        (blob) => job.finish(blob, null, 'rasterBlob'),
        (error) => job.fail(error.message, null),
      );
    },
    downloadTileAbort: (job) => job.userData.abort?.abort(),
  });
}

class SlideReader {
  constructor(host, context) {
    const title = text(context.series, TAG.seriesDescription) || t('Whole-slide image');
    this.context = context;
    this.page = new KindPage(host, { title, className: 'slide', context });
    this.levels = levelsOf(context.metadata);
    this.spacing = spacingOf(context.metadata);
  }

  /** @returns {Promise<void>} done when the first tiles are on the screen */
  show() {
    if (!this.levels.length) {
      const lines = [t('Only pictures of its label or its glass are here.')];
      this.page.show(explanation(t('This slide holds no scan'), lines));
      return Promise.resolve();
    }
    const stage = element('div', { class: 'slide-stage' });
    this.bar = element('p', { class: 'slide-bar', hidden: !this.spacing });
    this.page.show(stage, this.bar);
    this.#tools();
    this.osd = this.#viewer(stage);
    this.osd.addHandler('update-viewport', () => this.#scale());
    return new Promise((resolve) => this.osd.addOnceHandler('tile-drawn', resolve));
  }

  close() {
    this.osd?.destroy();
    this.page.close();
  }

  #viewer(stage) {
    return OpenSeadragon({
      element: stage,
      tileSources: tileSource(this.context.study, this.levels),
      drawer: 'canvas',
      showNavigationControl: false,
      showNavigator: true,
      navigatorPosition: 'TOP_RIGHT',
      navigatorAutoFade: false,
      maxZoomPixelRatio: CLOSEST,
      visibilityRatio: 0.5,
      animationTime: 0.5,
      imageLoaderLimit: 6,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    });
  }

  #tools() {
    this.page.tools(
      button('−', () => this.osd.viewport.zoomBy(0.6).applyConstraints(), { 'aria-label': t('Smaller') }),
      button('+', () => this.osd.viewport.zoomBy(1.6).applyConstraints(), { 'aria-label': t('Larger') }),
      button(t('Whole slide'), () => this.osd.viewport.goHome()),
      this.#labelButton(),
    );
    if (hasDepth(this.context.metadata)) {
      this.page.tools(element('span', { class: 'kind-note' }, t('Only the first focal plane is shown.')));
    }
  }

  /** Glass and label bear names in handwriting: they are shown to who asks for them. */
  #labelButton() {
    const labels = labelsOf(this.context.metadata);
    if (!labels.length) return null;
    const panel = element('aside', { class: 'slide-labels', hidden: true, 'aria-label': t('Label and glass') });
    const toggle = button(
      t('Label'),
      () => {
        panel.hidden = !panel.hidden;
        toggle.setAttribute('aria-pressed', String(!panel.hidden));
        if (!panel.hidden && !panel.childElementCount) panel.append(...labels.map((each) => this.#label(each)));
      },
      { 'aria-pressed': 'false' },
    );
    this.page.body.append(panel);
    return toggle;
  }

  #label(instance) {
    const [series, sop] = [text(instance, TAG.seriesInstanceUid), text(instance, TAG.sopInstanceUid)];
    const src = `${this.context.study.instanceUrl(series, sop)}/rendered?viewport=600,600`;
    return element('img', { src, alt: t('Label and glass') });
  }

  #scale() {
    if (!this.spacing || !this.osd.world.getItemCount()) return;
    const zoom = this.osd.viewport.viewportToImageZoom(this.osd.viewport.getZoom(true));
    const { pixels, words } = scaleBar(this.spacing / zoom, BAR);
    this.bar.style.inlineSize = `${pixels}px`;
    this.bar.textContent = words;
  }
}

/**
 * Whole-slide images (PS3.3 §A.32.8): tiles of a pyramid, as deep as the reader looks.
 * @param {HTMLElement} host
 * @param {{study: object, series: object, metadata: object[]}} context
 */
export async function open(host, context) {
  const reader = new SlideReader(host, context);
  await reader.show();
  return reader;
}
