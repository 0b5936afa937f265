const TYPED_INTO = 'input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]';

/**
 * The worklist's keys. `h` hides identities on every page (static/ui/privacy-toggle.js).
 * @param {Object<string, () => void>} keys by `event.key`
 * @param {Object<string, () => void>} fromSearch those that also work while somebody types a search
 */
export function listenToKeys(root, keys, fromSearch) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector('dialog[open]')) return;
    const typing = event.target.closest(TYPED_INTO);
    const inSearch = event.target.matches('#search [name=words]');
    const table = typing ? (inSearch ? fromSearch : {}) : keys;
    const run = table[event.key];
    if (!run || (event.key === 'Enter' && !typing && !event.target.closest('.row-link'))) return;
    if (event.key.startsWith('Arrow') && !typing && event.target.closest('[role=group], .tabs, summary')) return;
    event.preventDefault();
    run();
  });
}
