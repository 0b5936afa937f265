/** The texts of every page, for scripts that are bundled. */
export { locale, t, tn, zone } from '../ui/i18n.js';
