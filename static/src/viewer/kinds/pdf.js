import { GlobalWorkerOptions, getDocument } from 'pdfjs-dist';
import PdfWorker from 'pdfjs-dist/build/pdf.worker.min.mjs?worker';
import { t } from '../../i18n.js';
import { TAG, text } from '../attributes.js';
import { retrieveBytes } from '../dicomweb.js';
import { element } from '../dom.js';
import { KindPage, button, explanation, inOrder } from './page.js';
import { PdfPages } from './pdf_pages.js';

const DOCUMENT_TITLE = '00420010';

/** Character maps, fonts and decoders lie beside the bundle: vite.config.js puts them there. */
const PARTS = `${import.meta.env.BASE_URL}viewer/pdf`;

/**
 * What a stranger's document may do: be drawn. Its scripts have nowhere to run (PDF.js runs them only in a sandbox
 * that is not part of this bundle), its links and forms are not built, and it reaches no address.
 */
const HARMLESS = Object.freeze({
  cMapUrl: `${PARTS}/cmaps/`,
  standardFontDataUrl: `${PARTS}/standard_fonts/`,
  wasmUrl: `${PARTS}/wasm/`,
  iccUrl: `${PARTS}/iccs/`,
  isEvalSupported: false,
  enableXfa: false,
  disableFontFace: true,
  maxImageSize: 64 * 1024 * 1024,
  verbosity: 0,
});

async function bytesOf(study, instance) {
  const [series, sop] = [text(instance, TAG.seriesInstanceUid), text(instance, TAG.sopInstanceUid)];
  return retrieveBytes(`${study.instanceUrl(series, sop)}/rendered`, { mediaType: 'application/pdf' });
}

class PdfReader {
  constructor(host, context) {
    this.context = context;
    this.documents = inOrder(context.metadata);
    this.page = new KindPage(host, { title: this.#titleOf(this.documents[0]), className: 'pdf', context });
    this.pages = new PdfPages(this.page.body, (number, count) => this.#showNumber(number, count));
    this.#tools();
  }

  /** Another document of the series, from its first page. */
  async show(instance) {
    this.pages.clear();
    await this.loading?.destroy();
    try {
      const data = await bytesOf(this.context.study, instance);
      this.loading = getDocument({ ...HARMLESS, data });
      await this.pages.open(await this.loading.promise);
    } catch (error) {
      if (error.name === 'RequestFailed' && error.status !== 406) throw error;
      this.page.show(explanation(t('This document cannot be read'), [this.#reasonOf(error)]));
    }
  }

  async close() {
    this.pages.clear();
    this.page.close();
    await this.loading?.destroy();
  }

  #titleOf(instance) {
    return text(instance, DOCUMENT_TITLE) || text(this.context.series, TAG.seriesDescription) || t('PDF document');
  }

  #reasonOf(error) {
    if (error.name === 'PasswordException') return t('It is protected by a password.');
    return t('The PDF is damaged, or is none.');
  }

  #showNumber(number, count) {
    this.number.textContent = count ? t('Page {number} of {count}', { number, count }) : '';
  }

  #tools() {
    this.number = element('span', { class: 'kind-number', 'aria-live': 'polite' });
    this.page.chooser(this.documents, (instance) => this.#titleOf(instance), (instance) => this.show(instance));
    this.page.tools(
      this.number,
      button('−', () => this.pages.zoomBy(0.8), { 'aria-label': t('Smaller') }),
      button('+', () => this.pages.zoomBy(1.25), { 'aria-label': t('Larger') }),
      button(t('Fit width'), () => this.pages.fit()),
    );
  }
}

/**
 * Encapsulated PDF (PS3.3 §A.45.1), drawn page by page.
 * @param {HTMLElement} host
 * @param {{study: object, series: object, metadata: object[]}} context
 */
export async function open(host, context) {
  GlobalWorkerOptions.workerPort ??= new PdfWorker();
  const reader = new PdfReader(host, context);
  await reader.show(reader.documents[0]);
  return reader;
}
