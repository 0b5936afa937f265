import { t } from '../../../i18n.js';
import { element } from '../../dom.js';
import { rangeOf } from '../teeth.js';
import { transformOf } from '../turns.js';

const EDGE = 720; // pixels of a film's picture: sharp on a large screen, quick on a small one

const KINDS = () => ({
  periapical: t('Periapical'),
  bitewing: t('Bitewing'),
  occlusal: t('Occlusal'),
  panoramic: t('Panoramic'),
});

/** @returns {string} what is written at a position: its teeth, or its kind where it shows them all */
export function captionOf(position, numbering) {
  return position.teeth.length ? rangeOf(position.teeth, numbering) : KINDS()[position.kind];
}

/**
 * One position of the mount: a button with its film, or an outline where one is missing.
 * @param {import('../mount_templates.js').Position} position
 * @param {import('../mount_templates.js').Template} template
 * @param {import('../films.js').Film|undefined} film
 * @param {{rotate: number, flip: boolean}} turn
 * @param {import('../teeth.js').Numbering} numbering
 * @param {string} url of the film's picture
 */
export function placeNode(position, template, film, turn, numbering, url) {
  const caption = captionOf(position, numbering);
  const label = `${KINDS()[position.kind]}, ${position.teeth.length ? t('teeth {teeth}', { teeth: caption }) : caption}`;
  const node = element(
    'button',
    {
      type: 'button',
      class: film ? 'mount-place' : 'mount-place empty',
      'data-position': position.id,
      'data-film': film?.key ?? null,
      'aria-label': film ? label : t('{place}: empty', { place: label }),
    },
    film ? picture(url, turn, position) : null,
    element('span', { class: 'mount-caption', 'aria-hidden': 'true' }, caption),
  );
  setBox(node, position, template);
  return node;
}

const share = (part, whole) => `${(100 * part) / whole}%`;

function setBox({ style }, position, template) {
  style.left = share(position.x, template.width);
  style.top = share(position.y, template.height);
  style.width = share(position.width, template.width);
  style.height = share(position.height, template.height);
}

/** A film that lies on its side is drawn as wide as its place is high. */
function picture(url, turn, { width, height }) {
  const image = element('img', { src: url, alt: '', draggable: 'false', decoding: 'async' });
  const quarter = turn.rotate % 180 !== 0;
  image.style.width = quarter ? share(height, width) : '100%';
  image.style.height = quarter ? share(width, height) : '100%';
  image.style.transform = transformOf(turn);
  image.addEventListener('error', () => retryOnce(image, url));
  return image;
}

function retryOnce(image, url) {
  if (image.dataset.retried) {
    image.replaceWith(element('span', { class: 'mount-failed' }, t('Could not be loaded')));
    return;
  }
  image.dataset.retried = '1';
  setTimeout(() => (image.src = `${url}&again=1`), 1500);
}

/** A film of the tray. */
export function trayNode(film, turn, url, place) {
  const label = film.title ? t('Film {number}: {title}', { number: place, title: film.title }) : t('Film {number}', { number: place });
  const node = element(
    'button',
    { type: 'button', class: 'mount-place tray-film', 'data-film': film.key, 'aria-label': label },
    picture(url, turn, { width: 4, height: 3 }),
  );
  return node;
}

/** @returns {string} address of a film's picture */
export const pictureOf = (study, film) => study.pictureUrl(film.seriesInstanceUid, film.sopInstanceUid, 1, EDGE);
