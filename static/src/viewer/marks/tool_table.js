import { t } from '../../i18n.js';

/** Everything that can be drawn: its name and key. */
export const TOOLS = () => [
  { name: 'length', label: t('Length'), key: 'l' },
  { name: 'angle', label: t('Angle'), key: 'a' },
  { name: 'cobb', label: t('Cobb angle'), key: 'Shift+a' },
  { name: 'bidirectional', label: t('Two diameters'), key: 'd' },
  { name: 'ellipse', label: t('Ellipse'), key: 'e' },
  { name: 'rectangle', label: t('Rectangle'), key: 'q' },
  { name: 'freehand', label: t('Outline'), key: 'Shift+q' },
  { name: 'probe', label: t('Value'), key: 'b' },
  { name: 'arrow', label: t('Arrow'), key: 't' },
];

/** @returns {string} what a kind of mark is called */
export const kindName = (kind) => TOOLS().find(({ name }) => name === kind)?.label ?? kind;

/** Those beside length and angle share buttons. */
export const FAMILIES = () => [
  { name: 'roi', label: t('Region'), icon: 'ellipse', tools: ['ellipse', 'rectangle', 'freehand'] },
  { name: 'annotate', label: t('More'), icon: 'arrow', tools: ['arrow', 'probe', 'bidirectional', 'cobb'] },
];
