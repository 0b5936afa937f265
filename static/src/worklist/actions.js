import { t, tn } from '../i18n.js';
import { groupUndo } from './changes.js';

const SHOWN_FOR = 12_000;

/** What is done with the chosen studies: from the bar, from the keyboard, and back again. */
export class Actions {
  constructor(root, portal, rows, refresh) {
    Object.assign(this, { root, portal, rows, refresh });
    this.bar = root.querySelector('[data-bulk]');
    this.toast = root.querySelector('[data-toast]');
    this.shareForm = root.querySelector('[data-share-form]');
    rows.addEventListener('selection', () => this.#showBar());
    root.addEventListener('click', (event) => this.#clicked(event));
    this.#showBar();
  }

  /** Ask in a dialog, if something is chosen and the member may. */
  openDialog(id) {
    const dialog = this.root.querySelector(`dialog#${id}`);
    if (!dialog || !this.rows.chosen.length) return;
    this.forDialog = this.rows.chosen;
    dialog.showModal();
  }

  /** Read becomes unread and the other way round, by the first of the chosen. */
  toggleRead() {
    const [first] = this.rows.chosen;
    const row = this.rows.list.find((each) => each.dataset.study === first);
    if (row) this.#mark(this.rows.chosen, row.hasAttribute('data-unread') ? 'read' : 'unread');
  }

  share() {
    const uids = this.rows.chosen;
    if (!this.shareForm || !uids.length || !this.bar.querySelector('[data-act=share]')) return;
    this.shareForm.querySelectorAll('[name=studies]').forEach((each) => each.remove());
    for (const value of uids) {
      const field = Object.assign(document.createElement('input'), { type: 'hidden', name: 'studies', value });
      this.shareForm.append(field);
    }
    this.shareForm.submit();
  }

  #clicked(event) {
    const opener = event.target.closest('[data-dialog]');
    if (opener) return this.openDialog(opener.dataset.dialog);
    const button = event.target.closest('[data-act]');
    if (!button) return;
    const { act, value = '' } = button.dataset;
    const dialog = button.closest('dialog');
    if (act === 'none') return this.rows.clear();
    if (act === 'share') return this.share();
    const uids = (dialog && this.forDialog) || this.rows.chosen;
    if (act === 'hold') return this.#hold(uids, dialog);
    dialog?.close();
    this.#mark(uids, act, value);
  }

  #hold(uids, dialog) {
    const reason = dialog.querySelector('textarea');
    if (!reason.reportValidity()) return;
    dialog.close();
    this.#mark(uids, 'hold', reason.value);
  }

  async #mark(uids, action, value = '') {
    if (!uids.length) return;
    try {
      const { undo, missing } = await this.portal.mark(fieldsOf(uids, action, value));
      const count = Object.keys(undo).length;
      const lines = [this.#done(action, count)];
      if (missing.length) {
        lines.push(
          tn('{count} study is not there any more.', '{count} studies are not there any more.', missing.length),
        );
      }
      this.#say(lines.filter(Boolean).join(' '), undoable(action, undo));
    } catch (error) {
      this.#say(error.reason || t('That could not be done. Nothing was changed.'));
    }
    await this.refresh();
  }

  #done(action, count) {
    const texts = {
      read: () => tn('{count} study marked as read.', '{count} studies marked as read.', count),
      unread: () => tn('{count} study marked as unread.', '{count} studies marked as unread.', count),
      priority: () => tn('Priority of {count} study changed.', 'Priority of {count} studies changed.', count),
      assign: () => tn('{count} study assigned.', '{count} studies assigned.', count),
      hold: () => tn('{count} study held.', '{count} studies held.', count),
    };
    return count ? texts[action]() : '';
  }

  /** Back to what each study was before. */
  async #undo(steps) {
    try {
      for (const [uids, action, value] of steps) await this.portal.mark(fieldsOf(uids, action, value));
      this.#say(t('Undone.'));
    } catch (error) {
      this.#say(error.reason || t('That could not be undone.'));
    }
    await this.refresh();
  }

  #say(text, steps = []) {
    const undo = this.toast.querySelector('[data-undo]');
    clearTimeout(this.fading);
    undo.hidden = !steps.length;
    undo.onclick = () => this.#undo(steps);
    this.toast.querySelector('[data-dismiss]').onclick = () => (this.toast.hidden = true);
    this.toast.hidden = false;
    this.toast.querySelector('[role=status]').textContent = text;
    this.fading = setTimeout(() => {
      if (!this.toast.matches(':hover, :focus-within')) this.toast.hidden = true;
    }, SHOWN_FOR);
  }

  #showBar() {
    const count = this.rows.selected.size;
    this.bar.hidden = !count;
    this.bar.querySelector('[data-bulk-count]').textContent = tn(
      '{count} selected',
      '{count} selected',
      count,
    );
  }
}

function fieldsOf(uids, action, value) {
  const names = { priority: 'priority', assign: 'user', hold: 'reason' };
  const fields = new URLSearchParams({ action });
  for (const uid of uids) fields.append('studies', uid);
  if (names[action]) fields.set(names[action], value);
  return fields;
}

/** @returns {Array<[string[], string, string]>} requests that take an action back */
export function undoable(action, undo) {
  if (action === 'lift') return [];
  if (action === 'hold') {
    const placed = Object.keys(undo).filter((uid) => undo[uid] !== 'held');
    return placed.length ? [[placed, 'lift', '']] : [];
  }
  return [...groupUndo(undo)].map(([value, uids]) =>
    action === 'read' || action === 'unread' ? [uids, value, ''] : [uids, action, value],
  );
}
