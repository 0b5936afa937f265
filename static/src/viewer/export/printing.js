import { t } from '../../i18n.js';
import { element, svg } from '../dom.js';
import { transformOf } from '../hanging/turns.js';
import { pagesOf } from './boxes.js';
import { urlOf } from './drawing.js';

const EDGE = 2200;
const WAIT = 60_000; // ms for all images

/**
 * Print an order: pages beside the viewer that only paper sees, the same as the PDF's.
 * @param {import('../dicomweb.js').DicomwebStudy} study
 * @param {import('./orders.js').Order} order
 * @param {object} words
 */
export async function print(study, order, words) {
  const sheets = sheetsOf(study, order, words);
  document.body.append(sheets);
  try {
    await allLoaded([...sheets.querySelectorAll('img')]);
    window.print();
  } finally {
    sheets.remove();
  }
}

/** @returns {HTMLElement} one section per page */
export function sheetsOf(study, { images, mount, columns, rows }, words) {
  const groups = mount ? [images] : pagesOf(images, columns * rows);
  const edge = Math.round(EDGE / Math.max(1, mount ? 3 : columns));
  const pages = groups.map((group, at) => {
    const figures = group.map((ordered) => figure(study, ordered, mount, edge, words));
    const room = element('div', { class: mount ? 'sheet-room sheet-mount' : 'sheet-room' }, figures);
    if (mount) room.style.setProperty('--shape', mount[0] / mount[1]);
    else room.style.setProperty('--columns', Math.min(columns, group.length));
    return page(room, at + 1, groups.length, words, isWide(mount, columns, rows));
  });
  return element('div', { class: 'sheets' }, pages);
}

const isWide = (mount, columns, rows) => (mount ? mount[0] > mount[1] : columns > rows);

function page(room, number, count, { name, details, practice, printed, notice, page: pattern }, wide) {
  const numbered = pattern.replace('{page}', number).replace('{count}', count);
  return element(
    'section',
    { class: wide ? 'sheet wide' : 'sheet' },
    element(
      'header',
      {},
      element('p', {}, element('strong', {}, name), element('span', {}, practice)),
      element('p', {}, details),
    ),
    room,
    element('footer', {}, element('span', {}, [printed, notice].filter(Boolean).join(' · ')), element('span', {}, numbered)),
  );
}

function figure(study, ordered, mount, edge, { failed }) {
  const { rotate = 0, flip = false, invert = false, label = '', box, marks = [] } = ordered;
  const image = element('img', { src: urlOf(study, ordered, edge), alt: label || t('Image') });
  if (invert) image.style.filter = 'invert(1)';
  const turned = element('div', { class: 'sheet-image' }, image);
  turned.style.transform = transformOf({ rotate, flip });
  image.addEventListener('load', () => fit(turned, image, rotate, marks, flip), { once: true });
  image.addEventListener('error', () => turned.replaceWith(element('p', {}, failed)), { once: true });
  const frame = element('div', { class: 'sheet-frame' }, turned);
  const node = element('figure', {}, frame, label ? element('figcaption', {}, label) : null);
  if (mount) place(node, box, mount);
  return node;
}

function place({ style }, [x, y, width, height], [across, down]) {
  const share = (part, whole) => `${(100 * part) / whole}%`;
  style.left = share(x, across);
  style.top = share(y, down);
  style.width = share(width, across);
  style.height = share(height, down);
}

/** As large as its frame allows in whatever way it lies; the frame is a size container. */
function fit(turned, { naturalWidth: width, naturalHeight: height }, rotate, marks, flip) {
  const [across, down] = rotate % 180 ? ['100cqb', '100cqi'] : ['100cqi', '100cqb'];
  turned.style.width = `min(${across}, ${down} * ${width / height})`;
  turned.style.aspectRatio = `${width} / ${height}`;
  if (marks.length) turned.append(drawn(marks, width, height, rotate, flip));
}

function drawn(marks, width, height, rotate, flip) {
  const point = ([x, y]) => [x * width, y * height];
  const size = Math.max(10, Math.min(width, height) / 40);
  const lines = marks
    .filter(({ text }) => !text)
    .map(({ points }) => svg('polyline', { points: points.map((each) => point(each).join()).join(' '), class: 'sheet-line' }));
  const words = marks
    .filter(({ text }) => text)
    .map(({ points, text }) => {
      const [x, y] = point(points[0]);
      const upright = `translate(${x} ${y}) scale(${flip ? -1 : 1} 1) rotate(${-rotate})`;
      const node = svg('text', { class: 'sheet-word', 'font-size': size, transform: upright });
      node.textContent = text;
      return node;
    });
  return svg('svg', { class: 'sheet-marks', viewBox: `0 0 ${width} ${height}`, 'stroke-width': size / 10 }, ...lines, ...words);
}

/** Until every image is there or has failed; paper must not wait for ever. */
function allLoaded(images) {
  const each = images.map((image) =>
    image.complete ? null : new Promise((resolve) => ['load', 'error'].forEach((name) => image.addEventListener(name, resolve))),
  );
  return Promise.race([Promise.all(each), new Promise((resolve) => setTimeout(resolve, WAIT))]);
}
