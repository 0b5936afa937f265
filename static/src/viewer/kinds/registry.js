import { TAG, text } from '../attributes.js';
import { isImage } from '../series_images.js';
import { isVideo } from '../transfer_syntaxes.js';
import { familyOfInstance } from './sop_classes.js';

const every = (family) => (series, metadata) =>
  metadata.length > 0 && metadata.every((instance) => familyOfInstance(instance).family === family);

const video = (series, metadata) =>
  metadata.length > 0 &&
  metadata.every((instance) => isVideo(text(instance, TAG.availableTransferSyntaxUid)));

const withoutImages = (series, metadata) => metadata.length > 0 && !metadata.some(isImage);

/**
 * Ways of showing what is no stack of images, in the order they are asked.
 *
 * @typedef {object} Kind
 * @property {string} name
 * @property {(series: object, metadata: object[]) => boolean} accepts from the series and its instances (DICOM JSON)
 * @property {() => Promise<{open: (host: HTMLElement, context: KindContext) => Promise<{close: () => void}>}>} load
 *   the module, fetched when the first such series is opened; `open` is done when there is something to see
 *
 * @typedef {object} KindContext
 * @property {import('../dicomweb.js').DicomwebStudy} study
 * @property {object} series
 * @property {object[]} metadata
 * @property {(message: import('../messages.js').Message) => void} message shown in place of the content
 * @property {(error: Error) => void} failed after it was opened
 * @property {(place: {series: string, sop: string, frame: number|null}) => void} open an image that is spoken of
 */

/** @type {Kind[]} the first that accepts a series shows it; the last takes whatever holds no image */
export const kinds = [
  { name: 'pdf', accepts: every('pdf'), load: () => import('./pdf.js') },
  { name: 'report', accepts: every('report'), load: () => import('./report.js') },
  { name: 'keys', accepts: every('keys'), load: () => import('./key_images.js') },
  { name: 'mesh', accepts: every('mesh'), load: () => import('./mesh.js') },
  { name: 'waveform', accepts: every('waveform'), load: () => import('./waveform.js') },
  { name: 'slide', accepts: every('slide'), load: () => import('./slide.js') },
  { name: 'video', accepts: video, load: () => import('./video.js') },
  { name: 'radiotherapy', accepts: every('radiotherapy'), load: () => import('./radiotherapy.js') },
  { name: 'other', accepts: withoutImages, load: () => import('./other.js') },
];

/** @returns {Kind|undefined} the first that takes a series */
export function kindFor(series, metadata) {
  return kinds.find((kind) => kind.accepts(series, metadata));
}
