/** Pictures that the browser makes itself, from images that the server drew. */

const STRIP = 0.055; // of the picture's longer side, for the words above and below
const MARK = '#ffd666';
const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Longest side of a whole picture, in pixels. */
export const EDGE = 4096;

/**
 * @param {string} url
 * @returns {Promise<HTMLImageElement>}
 */
export function load(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error('The image could not be loaded.'));
    image.src = url;
  });
}

/** The address of an ordered image, drawn by the server with its window. */
export function urlOf(study, { series, instance, frame, window }, edge) {
  const [center, width] = window ?? [];
  return study.pictureUrl(series, instance, frame, edge, window ? { center, width } : null);
}

/** @returns {number[]} width and height of an image once it is turned */
export const turnedSize = ({ naturalWidth, naturalHeight }, rotate) =>
  rotate % 180 ? [naturalHeight, naturalWidth] : [naturalWidth, naturalHeight];

/** Draw an image into a box, as large as it fits, with its turn, its marks and its label. */
export function drawImage(context, image, ordered, [x, y, width, height]) {
  const { rotate = 0, flip = false, invert = false, marks = [] } = ordered;
  const [across, down] = turnedSize(image, rotate);
  const scale = Math.min(width / across, height / down);
  const [own, tall] = [image.naturalWidth * scale, image.naturalHeight * scale];
  context.save();
  context.translate(x + width / 2, y + height / 2);
  context.rotate((rotate * Math.PI) / 180);
  context.scale(flip ? -1 : 1, 1);
  if (invert) context.filter = 'invert(1)';
  context.drawImage(image, -own / 2, -tall / 2, own, tall);
  context.filter = 'none';
  const size = Math.max(12, Math.min(own, tall) / 40);
  context.strokeStyle = MARK;
  context.lineWidth = Math.max(1.5, size / 10);
  for (const { points, text } of marks) if (!text) trace(context, points, own, tall);
  const toPage = context.getTransform();
  context.restore();
  for (const { points, text } of marks) if (text) write(context, text, toPage.transformPoint(at(points[0], own, tall)), size);
}

const at = ([x, y], width, height) => ({ x: (x - 0.5) * width, y: (y - 0.5) * height });

function trace(context, points, width, height) {
  context.beginPath();
  for (const point of points) {
    const { x, y } = at(point, width, height);
    context.lineTo(x, y);
  }
  context.stroke();
}

/** Upright and legible on any image. */
function write(context, text, { x, y }, size) {
  context.font = `${size}px ${FONT}`;
  context.lineWidth = size / 5;
  context.strokeStyle = 'rgb(0 0 0 / 80%)';
  context.strokeText(text, x, y);
  context.fillStyle = MARK;
  context.fillText(text, x, y);
}

/**
 * Images in boxes, and above and below them whose they are.
 * @param {{image: HTMLImageElement, ordered: object, box: number[]}[]} cells boxes in pixels
 * @param {number[]} size width and height of what the boxes lie in
 * @param {object} words the server's, of this export
 * @returns {HTMLCanvasElement}
 */
export function compose(cells, [width, height], words) {
  const strip = Math.round(Math.max(28, Math.max(width, height) * STRIP));
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height: height + 2 * strip });
  const context = canvas.getContext('2d');
  context.fillStyle = '#000';
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const { image, ordered, box } of cells) {
    const place = [box[0], box[1] + strip, box[2], box[3]];
    drawImage(context, image, ordered, place);
    if (ordered.label && cells.length > 1) label(context, ordered.label, place, strip);
  }
  writeWords(context, words, canvas, strip);
  return canvas;
}

function label(context, text, [x, y, , height], strip) {
  context.font = `${strip * 0.3}px ${FONT}`;
  context.textBaseline = 'alphabetic';
  context.lineWidth = strip * 0.08;
  context.strokeStyle = 'rgb(0 0 0 / 80%)';
  context.strokeText(text, x + strip * 0.1, y + height - strip * 0.12);
  context.fillStyle = '#e8edf2';
  context.fillText(text, x + strip * 0.1, y + height - strip * 0.12);
}

function writeWords(context, { name, details, practice, printed, notice }, { width, height }, strip) {
  const margin = strip * 0.25;
  const line = (words, x, y, size, align, { bold = '', share = 0.66 } = {}) => {
    context.font = `${bold} ${size}px ${FONT}`;
    context.textAlign = align;
    context.textBaseline = 'middle';
    context.fillText(words, x, y, width * share - margin);
  };
  context.fillStyle = '#fff';
  line(name, margin, strip * 0.3, strip * 0.38, 'left', { bold: '600' });
  line(practice, width - margin, strip * 0.3, strip * 0.32, 'right', { share: 0.3 });
  context.fillStyle = '#b8c4d0';
  line(details, margin, strip * 0.72, strip * 0.28, 'left', { share: 1 });
  line([printed, notice].filter(Boolean).join(' · '), margin, height - strip * 0.5, strip * 0.28, 'left', { share: 1 });
}

/** @returns {Promise<Blob>} */
export function blobOf(canvas, type) {
  return new Promise((resolve, reject) => {
    const done = (blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large.')));
    canvas.toBlob(done, type, 0.92);
  });
}
