import { t } from '../../i18n.js';
import { isPrivate, setPrivate } from '../privacy.js';

/** What is needed now and then. */
export function plug(viewer) {
  const { toolbar, keyboard } = viewer;
  toolbar.add({
    group: 'more',
    name: 'privacy',
    label: t('Hide identity'),
    key: 'u',
    run: () => {
      setPrivate(!isPrivate());
      toolbar.refresh();
    },
    state: () => ({ pressed: isPrivate(), label: isPrivate() ? t('Identity') : t('Hide name') }),
  });
  toolbar.add({ group: 'more', name: 'help', label: t('Help'), key: '?', run: () => viewer.help.show() });
  keyboard.add({ keys: ['Escape'], label: t('Close the menu'), run: () => viewer.menu.close() });
}
