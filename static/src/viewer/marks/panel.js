import { locale, t, tn, zone } from '../../i18n.js';
import { element } from '../dom.js';
import { icon } from '../icons.js';
import { valueLines } from './measure.js';
import { imageKey } from './store.js';
import { kindName } from './tool_table.js';
import { isOfStudy } from './wire.js';

const LONGEST_LABEL = 200;
const LONGEST_NOTE = 1000;
const JUMP = Object.freeze({ class: 'marks-jump', type: 'button' });

/** The list of marks and key images: where they are, what they are called, and keeping them. */
export class Panel {
  /** @param {import('./desk.js').Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.marks = desk.marks;
    this.list = element('ul', { class: 'marks-list' });
    this.keys = element('ul', { class: 'marks-list' });
    this.note = element('input', {
      class: 'marks-note', type: 'text', maxlength: String(LONGEST_NOTE), 'aria-label': t('Note on the key images'),
      placeholder: t('Note on the key images'), onchange: () => this.marks.setNote(this.note.value.trim()),
    }); // prettier-ignore
    this.empty = element('p', { class: 'marks-empty' }, t('Nothing is measured here yet. Choose a tool, then draw.'));
    this.status = element('p', { class: 'marks-status', role: 'status' });
    this.versions = element('select', {
      class: 'marks-versions', 'aria-label': t('Saved versions'), onchange: () => this.#choose(),
    }); // prettier-ignore
    this.#buttons();
    this.node = element(
      'section',
      { class: 'marks-panel', 'aria-label': t('Measurements and key images'), hidden: true },
      element('header', {}, element('h2', {}, t('Measurements')), this.close),
      this.versions,
      element('div', { class: 'marks-actions' }, this.undo, this.redo, this.eye, this.save),
      this.status,
      element('div', { class: 'marks-scroll' }, this.empty, this.list, this.keyTitle, this.keys, this.note),
    );
  }

  get isOpen() {
    return !this.node.hidden;
  }

  toggle(open = !this.isOpen) {
    this.node.hidden = !open;
    if (open) this.draw();
  }

  draw() {
    const { marks, desk } = this;
    const { all, keys } = marks;
    this.empty.hidden = all.length + keys.length > 0;
    this.list.replaceChildren(...all.map((mark) => this.#item(mark)));
    this.keys.replaceChildren(...keys.map((image) => this.#keyItem(image)));
    this.keyTitle.hidden = this.note.hidden = keys.length === 0;
    if (document.activeElement !== this.note) this.note.value = marks.note;
    this.undo.disabled = !marks.canUndo;
    this.redo.disabled = !marks.canRedo;
    this.eye.setAttribute('aria-pressed', String(!marks.visible));
    this.save.hidden = !desk.maySave;
    this.refresh();
    this.save.lastChild.textContent = desk.saving ? t('Saving') : t('Save');
    this.#tell();
    this.#drawVersions();
  }

  /** What follows how images are shown, without drawing the list anew. */
  refresh() {
    this.save.disabled = !this.desk.canSave;
  }

  #buttons() {
    const { desk, marks } = this;
    const button = (name, label, run) =>
      element(
        'button',
        { class: 'tool', type: 'button', 'data-action': name, title: label, 'aria-label': label, onclick: run },
        icon(name),
      );
    this.close = button('close', t('Close'), () => desk.togglePanel(false));
    this.undo = button('undo', t('Undo'), () => marks.undo());
    this.redo = button('redo', t('Redo'), () => marks.redo());
    this.eye = button('hide', t('Hide measurements'), () => marks.show(!marks.visible));
    this.save = element(
      'button',
      { class: 'button-primary marks-save', type: 'button', 'data-action': 'save-marks', onclick: () => desk.save() },
      icon('save'),
      element('span', {}, t('Save')),
    );
    this.keyTitle = element('h3', {}, t('Key images'));
  }

  #tell() {
    const { desk } = this;
    const outside = this.marks.all.filter((mark) => !isOfStudy(mark)).length;
    const lines = [desk.problem];
    if (!desk.problem && desk.loaded && !desk.maySave) {
      lines.push(t('What you draw here stays in this page: saving is for staff who may bring images in.'));
    } else if (!desk.problem && desk.isDirty) lines.push(t('Not saved yet.'));
    if (outside) {
      lines.push(
        tn(
          'One mark lies on a computed plane or a prior study and is not saved.',
          '{count} marks lie on computed planes or prior studies and are not saved.',
          outside,
        ),
      );
    }
    if (desk.version?.left_out) {
      lines.push(
        tn(
          'One measurement of this version cannot be drawn.',
          '{count} measurements of this version cannot be drawn.',
          desk.version.left_out,
        ),
      );
    }
    this.status.classList.toggle('problem', Boolean(desk.problem));
    this.status.textContent = lines.filter(Boolean).join(' ');
  }

  #drawVersions() {
    const { versions, version } = this.desk;
    this.versions.hidden = versions.length === 0;
    this.versions.replaceChildren(
      ...versions.map((each) =>
        element('option', { value: each.id, selected: each === version }, versionName(each)),
      ),
    );
  }

  #choose() {
    this.desk.openVersion(this.desk.versions.find(({ id }) => id === this.versions.value));
  }

  #item(mark) {
    const name = mark.label || kindName(mark.kind);
    const selected = mark.id === this.marks.selected;
    const jump = element(
      'button',
      { ...JUMP, 'aria-current': selected ? 'true' : null, onclick: () => this.desk.jump(mark) },
      icon(mark.kind),
      element(
        'span',
        { class: 'marks-words' },
        element('span', { class: 'marks-name' }, name),
        element('span', { class: 'marks-values' }, valueLines(mark).join(' · ')),
      ),
    );
    const rename = this.#small('rename', t('Rename {name}', { name }), () => this.desk.rename(mark));
    const remove = this.#small('clear', t('Delete {name}', { name }), () => this.marks.remove(mark.id));
    return element('li', { class: 'marks-item', 'data-mark': mark.id }, jump, rename, remove);
  }

  #keyItem(image) {
    const name = this.desk.imageName(image);
    const jump = element(
      'button',
      { ...JUMP, onclick: () => this.desk.jumpTo(image) },
      icon('key'),
      element('span', { class: 'marks-words' }, element('span', { class: 'marks-name' }, name)),
    );
    const label = t('No longer a key image: {name}', { name });
    const remove = this.#small('clear', label, () => this.marks.toggleKey(image));
    return element('li', { class: 'marks-item', 'data-key': imageKey(image) }, jump, remove);
  }

  #small(name, label, run) {
    return element(
      'button',
      { class: 'tool', type: 'button', 'data-action': name, title: label, 'aria-label': label, onclick: run },
      icon(name),
    );
  }
}

/** @returns {string} who saved a version and when, in the reader's time */
export function versionName({ author, at, ours, title }) {
  const when = at ? new Date(at) : null;
  const known = when && !Number.isNaN(when.getTime());
  const time = known ? when.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone }) : '';
  return [time, author || t('Unknown author'), ours ? '' : title].filter(Boolean).join(' · ');
}

/** Asks for a label; what was there stays when it is closed without an answer. */
export class LabelDialog {
  constructor() {
    this.input = element('input', {
      type: 'text', maxlength: String(LONGEST_LABEL), 'aria-label': t('Label'), autocomplete: 'off',
    }); // prettier-ignore
    const form = element(
      'form',
      { method: 'dialog' },
      element('h2', {}, t('Label')),
      this.input,
      element(
        'div',
        { class: 'marks-dialog-buttons' },
        element('button', { class: 'tool', type: 'button', onclick: () => this.node.close('') }, t('Cancel')),
        element('button', { class: 'button-primary', type: 'submit', value: 'ok' }, t('OK')),
      ),
    );
    this.node = element('dialog', { class: 'marks-dialog', 'aria-label': t('Label') }, form);
  }

  /** @returns {Promise<string|null>} null when it was not answered */
  ask(label) {
    this.input.value = label;
    this.node.returnValue = '';
    this.node.showModal();
    this.input.select();
    return new Promise((resolve) => {
      const answer = () => resolve(this.node.returnValue === 'ok' ? this.input.value.trim() : null);
      this.node.addEventListener('close', answer, { once: true });
    });
  }
}
