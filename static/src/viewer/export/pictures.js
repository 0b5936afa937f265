import { blobOf, compose, load, turnedSize, urlOf, EDGE } from './drawing.js';
import { gridOf, mountOf } from './boxes.js';

const TYPES = Object.freeze({ jpeg: 'image/jpeg', png: 'image/png' });
const MOUNT_EDGE = 3600;
const FILM_EDGE = 1200;
const LEAST = 1600; // pixels: the words beside a small image would not be legible
const GAP = 12;

/**
 * An order as one picture.
 * @param {import('../dicomweb.js').DicomwebStudy} study
 * @param {import('./orders.js').Order} order
 * @param {object} words
 * @param {'jpeg'|'png'} format
 * @returns {Promise<Blob>}
 */
export async function pictureOf(study, order, words, format) {
  const { images: ordered, mount, columns } = order;
  const most = ordered.length > 1 ? Math.ceil(EDGE / Math.max(1, columns)) : EDGE;
  const edgeOf = ({ pixels }) => (mount ? FILM_EDGE : Math.min(most, Math.max(LEAST, pixels)));
  const images = await Promise.all(ordered.map((each) => load(urlOf(study, each, edgeOf(each)))));
  const { size, boxes } = mount ? mountOf(mount, ordered.map(({ box }) => box), MOUNT_EDGE) : inGrid(images, order);
  const cells = images.map((image, at) => ({ image, ordered: ordered[at], box: boxes[at] }));
  return blobOf(compose(cells, size, words), TYPES[format]);
}

/** Places as large as the largest image, so that none is enlarged. */
function inGrid(images, { images: ordered, columns }) {
  const sizes = images.map((image, at) => turnedSize(image, ordered[at].rotate ?? 0));
  const cell = [0, 1].map((side) => Math.max(...sizes.map((size) => size[side])));
  return gridOf(images.length, columns, cell, images.length > 1 ? GAP : 0);
}

/**
 * A series as a ZIP of pictures, one after the other: no more than one is in memory as pixels.
 * @param {(done: number) => void} onProgress
 * @returns {Promise<Blob>}
 */
export async function zipOf(study, order, words, format, onProgress) {
  const { BlobReader, BlobWriter, ZipWriter, configure } = await import('@zip.js/zip.js');
  configure({ useWebWorkers: false });
  const zip = new ZipWriter(new BlobWriter('application/zip'), { level: 0 });
  const digits = String(order.images.length).length;
  for (const [at, image] of order.images.entries()) {
    const picture = await pictureOf(study, { ...order, images: [image], columns: 1 }, words, format);
    await zip.add(`image-${String(at + 1).padStart(digits, '0')}.${format === 'jpeg' ? 'jpg' : 'png'}`, new BlobReader(picture));
    onProgress(at + 1);
  }
  return zip.close();
}

/** Hand a file to the browser's downloads; its name says nothing of the patient. */
export function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
