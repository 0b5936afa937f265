/** Films moved by the mouse; fingers and keys choose a film and then its place (`MountView`). */

const THRESHOLD = 6; // CSS pixels: less is a click

export class FilmDragging {
  /**
   * @param {HTMLElement} node holds films (`data-film`) and positions (`data-position`)
   * @param {(film: string, position: string|null) => void} onDrop a null position is the tray
   */
  constructor(node, onDrop) {
    Object.assign(this, { node, onDrop });
    node.addEventListener('pointerdown', (event) => this.#press(event));
    node.addEventListener('pointermove', (event) => this.#move(event));
    node.addEventListener('pointerup', (event) => this.#release(event));
    node.addEventListener('pointercancel', () => this.#stop());
    // What ends a drag is no click on the film under it.
    node.addEventListener('click', (event) => this.dropped && event.stopPropagation(), { capture: true });
  }

  #press(event) {
    this.dropped = false;
    const film = event.target.closest('[data-film]');
    if (!film || event.pointerType !== 'mouse' || event.button !== 0) return;
    this.held = { film, x: event.clientX, y: event.clientY, ghost: null };
  }

  #move({ clientX, clientY, pointerId }) {
    const { held } = this;
    if (!held) return;
    if (!held.ghost) {
      if (Math.hypot(clientX - held.x, clientY - held.y) < THRESHOLD) return;
      this.node.setPointerCapture(pointerId);
      held.ghost = held.film.querySelector('img')?.cloneNode() ?? held.film.cloneNode();
      held.ghost.className = 'mount-ghost';
      this.node.append(held.ghost);
      held.film.classList.add('lifted');
    }
    const { left, top } = this.node.getBoundingClientRect();
    held.ghost.style.left = `${clientX - left}px`;
    held.ghost.style.top = `${clientY - top}px`;
    this.#mark(this.#targetAt(clientX, clientY));
  }

  #release({ clientX, clientY }) {
    const { held } = this;
    const target = held?.ghost && this.#targetAt(clientX, clientY);
    this.dropped = Boolean(held?.ghost);
    this.#stop();
    if (target) this.onDrop(held.film.dataset.film, target.dataset.position ?? null);
  }

  #targetAt(x, y) {
    const under = document.elementsFromPoint(x, y).find((each) => each.matches?.('[data-position], .mount-tray'));
    return under && this.node.contains(under) ? under : null;
  }

  #mark(target) {
    this.marked?.classList.remove('target');
    this.marked = target;
    target?.classList.add('target');
  }

  #stop() {
    this.#mark(null);
    this.held?.ghost?.remove();
    this.held?.film.classList.remove('lifted');
    this.held = null;
  }
}
