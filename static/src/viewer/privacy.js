import { t } from '../i18n.js';

/** Shared with the worklist: whoever hides identities there finds them hidden here, and the other way round. */
const KEY = 'collimate.privacy';

const told = new EventTarget();

/** @returns {boolean} whether identities are hidden on this computer now */
export function isPrivate() {
  return document.documentElement.hasAttribute('data-privacy');
}

export function setPrivate(hidden) {
  document.documentElement.toggleAttribute('data-privacy', hidden);
  for (const storage of [window.localStorage, window.sessionStorage]) {
    if (hidden) storage.setItem(KEY, '1');
    else storage.removeItem(KEY);
  }
  told.dispatchEvent(new CustomEvent('changed'));
}

/** Hide at once what was hidden before this page. */
export function startPrivacy() {
  const hidden = [window.localStorage, window.sessionStorage].some((storage) => storage.getItem(KEY) === '1');
  document.documentElement.toggleAttribute('data-privacy', hidden);
}

/**
 * Words that say who the patient is: in the node while identities are shown, nowhere in the page while they are not.
 * @param {HTMLElement} node
 * @param {string} words
 */
export function showIdentity(node, words) {
  const write = () => (node.textContent = isPrivate() && node.words ? t('Identity hidden') : node.words);
  if (node.words === undefined) told.addEventListener('changed', write);
  node.words = words;
  write();
}
