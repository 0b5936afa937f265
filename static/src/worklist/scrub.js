import { placeOf } from './changes.js';

const LINGER = 140;
const MOST_KEPT = 240;

/**
 * A thumbnail leads through its series: below a mouse, under a finger that moves sideways, and by the left and right
 * keys. A dozen pictures at most, each fetched when it is first wanted.
 */
export class Scrub {
  #strips = new Map();
  #pictures = new Map();

  constructor(host) {
    this.host = host;
    host.addEventListener('pointerover', (event) => this.#enter(event));
    host.addEventListener('pointermove', (event) => this.#move(event));
    host.addEventListener('pointerout', (event) => this.#leave(event));
    host.addEventListener('pointercancel', (event) => this.#leave(event));
    host.addEventListener('click', (event) => this.#clicked(event), true);
  }

  /** One picture on or back in a row's series. */
  async step(row, by) {
    const thumb = row?.querySelector('[data-strip]');
    if (!thumb) return;
    const frames = await this.#frames(thumb.dataset.strip);
    if (!frames.length) return;
    const at = Number(thumb.dataset.at ?? Math.floor(frames.length / 2));
    await this.#show(thumb, Math.min(frames.length - 1, Math.max(0, at + by)));
  }

  #enter(event) {
    const thumb = event.target.closest('[data-strip]');
    if (!thumb || thumb === this.over) return;
    this.over = thumb;
    clearTimeout(this.lingering);
    this.lingering = setTimeout(() => this.#frames(thumb.dataset.strip), event.pointerType === 'mouse' ? LINGER : 0);
  }

  async #move(event) {
    const thumb = event.target.closest('[data-strip]');
    if (!thumb || thumb !== this.over || !this.#strips.has(thumb.dataset.strip)) return;
    const box = thumb.getBoundingClientRect();
    const frames = await this.#frames(thumb.dataset.strip);
    if (!frames.length) return;
    if (event.pointerType !== 'mouse') thumb.dataset.dragged = '';
    await this.#show(thumb, placeOf((event.clientX - box.left) / box.width, frames.length));
  }

  #leave(event) {
    if (!this.over || this.over.contains(event.relatedTarget)) return;
    clearTimeout(this.lingering);
    this.over = null;
    this.peek?.remove();
    this.peek = null;
  }

  /** A finger that scrubbed did not mean to open the study. */
  #clicked(event) {
    const thumb = event.target.closest('[data-dragged]');
    if (!thumb) return;
    delete thumb.dataset.dragged;
    event.preventDefault();
    event.stopPropagation();
  }

  async #show(thumb, at) {
    const frames = await this.#frames(thumb.dataset.strip);
    thumb.dataset.at = String(at);
    const source = await this.#picture(frames[at]);
    if (!source || thumb.dataset.at !== String(at) || !thumb.isConnected) return;
    thumb.querySelector('img').src = source;
    this.#mark(thumb, (at + 1) / frames.length);
    if (thumb === this.over) this.#showLarge(thumb, source);
    for (const near of [at + 1, at - 1]) if (frames[near]) this.#picture(frames[near]);
  }

  #mark(thumb, fraction) {
    let bar = thumb.querySelector('.thumb__place');
    if (!bar) {
      bar = document.createElement('span');
      bar.className = 'thumb__place';
      thumb.append(bar);
    }
    bar.style.transform = `scaleX(${fraction})`;
  }

  #showLarge(thumb, source) {
    if (!this.peek) {
      this.peek = document.createElement('div');
      this.peek.className = 'peek';
      this.peek.setAttribute('aria-hidden', 'true');
      this.peek.append(document.createElement('img'));
      document.body.append(this.peek);
    }
    this.peek.querySelector('img').src = source;
    const box = thumb.getBoundingClientRect();
    const left = Math.min(box.right + 12, innerWidth - 252);
    const top = Math.min(Math.max(8, box.top - 90), innerHeight - 252);
    this.peek.style.left = `${left + scrollX}px`;
    this.peek.style.top = `${top + scrollY}px`;
  }

  #frames(url) {
    if (!this.#strips.has(url)) {
      const asked = fetch(url, { credentials: 'same-origin' })
        .then((response) => (response.ok ? response.json() : { frames: [] }))
        .then(({ frames }) => frames)
        .catch(() => []);
      this.#strips.set(url, asked);
    }
    return this.#strips.get(url);
  }

  /** As an address of this page: what is not to be stored is not fetched twice all the same. */
  #picture(url) {
    if (!this.#pictures.has(url)) {
      const asked = fetch(url, { credentials: 'same-origin', headers: { Accept: 'image/*' } })
        .then((response) => (response.ok ? response.blob() : null))
        .then((blob) => (blob ? URL.createObjectURL(blob) : null))
        .catch(() => null);
      this.#pictures.set(url, asked);
      if (this.#pictures.size > MOST_KEPT) this.#drop(this.#pictures.keys().next().value);
    }
    return this.#pictures.get(url);
  }

  async #drop(url) {
    const source = await this.#pictures.get(url);
    this.#pictures.delete(url);
    if (source) URL.revokeObjectURL(source);
  }
}
