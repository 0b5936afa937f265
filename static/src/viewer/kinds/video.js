import { t } from '../../i18n.js';
import { TAG, number, text } from '../attributes.js';
import { retrieveStart } from '../dicomweb.js';
import { element } from '../dom.js';
import { KindPage, button, explanation, inOrder } from './page.js';
import { containerOf, mayPlay } from './video_container.js';

const PIXEL_DATA = '7FE00010';
const FRAME_STEP = 1 / 30;

class VideoReader {
  constructor(host, context) {
    this.context = context;
    this.instances = inOrder(context.metadata);
    const title = text(context.series, TAG.seriesDescription) || t('Video');
    this.page = new KindPage(host, { title, className: 'video', context });
    this.page.chooser(this.instances, (each) => text(each, TAG.instanceNumber), (each) => this.show(each));
    this.page.tools(
      button(t('One image back'), () => this.#step(-1)),
      button(t('One image on'), () => this.#step(1)),
    );
  }

  async show(instance) {
    this.#forget();
    const [series, sop] = [text(instance, TAG.seriesInstanceUid), text(instance, TAG.sopInstanceUid)];
    const address = `${this.context.study.instanceUrl(series, sop)}/bulkdata/${PIXEL_DATA}`;
    const refusal = mayPlay(containerOf(await retrieveStart(address)));
    if (refusal) this.#cannot(refusal);
    else await this.#play(address, instance);
  }

  close() {
    this.#forget();
    this.page.close();
  }

  /** The browser asks for ranges of the stream, so that it begins at once and goes to any place. */
  async #play(address, instance) {
    this.step = 1 / (number(instance, TAG.cineRate) || 1 / FRAME_STEP);
    const attributes = { class: 'video-player', controls: true, playsinline: true, loop: true, tabindex: '0' };
    this.video = element('video', attributes);
    // No sound by itself: what a microscope or an operating theatre recorded may be speech.
    this.video.muted = true;
    const loaded = new Promise((resolve) => {
      this.video.addEventListener('loadeddata', () => resolve(true), { once: true });
      this.video.addEventListener('error', () => resolve(false), { once: true });
    });
    this.video.src = address;
    this.page.show(this.video);
    if (!(await loaded)) this.#cannot(t('This browser cannot decode the video.'));
  }

  #step(direction) {
    if (!this.video) return;
    this.video.pause();
    this.video.currentTime = Math.max(0, this.video.currentTime + direction * this.step);
  }

  #cannot(reason) {
    this.#forget();
    this.page.show(explanation(t('This video cannot be played here'), [reason]));
  }

  #forget() {
    this.video?.removeAttribute('src');
    this.video?.load();
    this.video = null;
  }
}

/**
 * Videos (PS3.5 §8.2.5 to §8.2.12), played by the browser.
 * @param {HTMLElement} host
 * @param {{study: object, series: object, metadata: object[]}} context
 */
export async function open(host, context) {
  const reader = new VideoReader(host, context);
  await reader.show(reader.instances[0]);
  return reader;
}
