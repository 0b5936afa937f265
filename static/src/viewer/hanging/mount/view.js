import { t, tn } from '../../../i18n.js';
import { element } from '../../dom.js';
import { icon } from '../../icons.js';
import { showIdentity } from '../../privacy.js';
import { TEMPLATES } from '../mount_templates.js';
import { FilmDragging } from './dragging.js';
import { readNumbering, switchNumbering } from './numbering.js';
import { pictureOf, placeNode, trayNode } from './places.js';

/**
 * The mount on the screen. A film opens large when it is tapped; while films are arranged, it is chosen instead, and
 * goes to the position that is tapped next.
 *
 * Events: `open` {film, turn, label}, `leave`.
 */
export class MountView extends EventTarget {
  /**
   * @param {import('../mount.js').Mount} mount
   * @param {import('../../dicomweb.js').DicomwebStudy} study
   * @param {{isKept: boolean}} store
   */
  constructor(mount, study, store) {
    super();
    Object.assign(this, { mount, study, store, numbering: readNumbering(), arranging: false, chosen: null });
    this.board = element('div', { class: 'mount-board', role: 'group', 'aria-label': t('Positions') });
    this.tray = element('div', { class: 'mount-tray', role: 'group', 'aria-label': t('Films without a position') });
    this.bar = element('div', { class: 'mount-bar', role: 'toolbar', 'aria-label': t('Mount') });
    this.whose = element('p', { class: 'mount-whose' });
    const scroller = element('div', { class: 'mount-scroller', tabindex: '-1' }, this.board);
    this.node = element(
      'section',
      { class: 'mount', 'aria-label': t('Mount'), 'data-testid': 'mount' },
      this.bar,
      this.whose,
      scroller,
      this.tray,
    );
    this.whose.append(element('span', { class: 'mount-patient' }), element('span', {}, study.subtitle));
    showIdentity(this.whose.firstChild, study.title);
    this.node.addEventListener('click', (event) => this.#tapped(event.target.closest('.mount-place')));
    this.node.addEventListener('keydown', (event) => this.#key(event));
    new FilmDragging(this.node, (film, position) => mount.move(film, position));
    mount.addEventListener('changed', () => this.draw());
    this.draw();
  }

  draw() {
    const { mount, numbering, study } = this;
    const focused = document.activeElement?.closest?.('.mount-place, .mount-bar [data-action]');
    const { template } = mount;
    this.board.style.aspectRatio = `${template.width} / ${template.height}`;
    this.board.style.setProperty('--mount-width', template.width);
    this.board.style.setProperty('--mount-shape', template.width / template.height);
    this.board.replaceChildren(
      ...template.positions.map((position) => {
        const film = mount.filmAt(position.id);
        const turn = film && mount.turnOf(film.key);
        return placeNode(position, template, film, turn, numbering, film && pictureOf(study, film));
      }),
    );
    this.#drawTray();
    this.#drawBar();
    this.#markChosen();
    this.node.dataset.template = template.id;
    this.node.classList.toggle('arranging', this.arranging);
    this.#focusAgain(focused);
  }

  /** Focus the film or position that is named, or the first. */
  focus(position = '') {
    const named = position && this.board.querySelector(`[data-position="${position}"]`);
    (named || this.board.querySelector('.mount-place'))?.focus();
  }

  #drawTray() {
    const { rest } = this.mount;
    const words = rest.length
      ? tn('{count} film without a position', '{count} films without a position', rest.length)
      : t('All films have a position');
    const films = rest.map((film, at) =>
      trayNode(film, this.mount.turnOf(film.key), pictureOf(this.study, film), at + 1),
    );
    this.tray.replaceChildren(element('p', { class: 'mount-note' }, words), ...films);
    this.tray.hidden = !rest.length && !this.arranging;
  }

  #drawBar() {
    const { mount, arranging, chosen, numbering } = this;
    const options = TEMPLATES.map(({ id, name }) => element('option', { value: id, selected: id === mount.template.id }, name));
    const select = element('select', { class: 'mount-select', 'aria-label': t('Template'), 'data-action': 'template' }, options);
    select.addEventListener('change', () => mount.choose(select.value));
    const nothing = !chosen;
    this.bar.replaceChildren(
      select,
      this.#button('numbering', '', numbering === 'fdi' ? t('FDI') : t('Universal'), () => this.#switchNumbering(), {
        title: t('Tooth numbers: Universal or FDI'),
      }),
      this.#button('arrange', 'arrange', t('Arrange'), () => this.#arrange(!arranging), { 'aria-pressed': String(arranging) }),
      ...(arranging
        ? [
            this.#button('turn', 'rotate', t('Rotate'), () => mount.rotate(chosen), { disabled: nothing }),
            this.#button('mirror', 'flip', t('Flip'), () => mount.flip(chosen), { disabled: nothing }),
            this.#button('take-out', 'take-out', t('Take out'), () => this.#takeOut(), { disabled: nothing }),
            this.#button('relay', 'reset', t('Reset'), () => mount.reset()),
          ]
        : []),
      this.#button('undo', 'undo', t('Undo'), () => mount.undo(), { disabled: !mount.canUndo }),
      this.#button('leave', 'close', t('Close'), () => this.dispatchEvent(new Event('leave'))),
    );
  }

  #button(name, picture, label, onclick, attributes = {}) {
    const face = [picture ? icon(picture) : null, element('span', { class: 'tool-label' }, label)];
    return element('button', { class: 'tool', type: 'button', 'data-action': name, onclick, ...attributes }, face);
  }

  #switchNumbering() {
    this.numbering = switchNumbering();
    this.draw();
  }

  #arrange(on) {
    Object.assign(this, { arranging: on, chosen: null });
    this.draw();
  }

  #takeOut() {
    this.mount.move(this.chosen, null);
    this.chosen = null;
    this.draw();
  }

  #tapped(node) {
    if (!node) return;
    const { film: key, position } = node.dataset;
    if (!this.arranging) {
      if (key) this.#open(key, position);
    } else if (this.chosen && this.chosen !== key && position) {
      const { chosen } = this;
      this.chosen = null;
      this.mount.move(chosen, position);
      this.focus(position);
    } else {
      this.chosen = key && this.chosen !== key ? key : null;
      this.draw();
    }
  }

  #open(key, position) {
    const film = this.mount.films.get(key);
    const label = position ? this.board.querySelector(`[data-position="${position}"]`).ariaLabel : film.title;
    const detail = { film, turn: this.mount.turnOf(key), label, position };
    this.dispatchEvent(new CustomEvent('open', { detail }));
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const places = [...this.node.querySelectorAll('.mount-place')];
    const at = places.indexOf(event.target);
    if (step && at >= 0) {
      event.preventDefault();
      event.stopPropagation();
      places.at((at + step) % places.length).focus();
    } else if (event.key === 'Escape' && this.arranging) {
      event.preventDefault();
      event.stopPropagation();
      this.#arrange(false);
    }
  }

  #markChosen() {
    if (!this.chosen) return;
    this.node.querySelector(`[data-film="${CSS.escape(this.chosen)}"]`)?.setAttribute('aria-pressed', 'true');
  }

  /** What is drawn anew keeps its focus. */
  #focusAgain(focused) {
    if (!focused || this.node.contains(focused)) return;
    const { position, film, action } = focused.dataset;
    const same = action ? `[data-action="${action}"]` : position ? `[data-position="${position}"]` : `[data-film="${film}"]`;
    this.node.querySelector(same)?.focus({ preventScroll: true });
  }
}
