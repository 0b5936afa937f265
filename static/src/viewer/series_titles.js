import { t } from '../i18n.js';
import { TAG, text } from './attributes.js';
import { familyOfModality } from './kinds/sop_classes.js';

/** @returns {boolean} whether a series is of a kind that has pixels, as far as its modality tells */
export function mayHoldImages(series) {
  const found = familyOfModality(text(series, TAG.modality));
  return !found || found.family === 'slide';
}

/** @returns {string} name of the icon of a series without images */
export function iconOf(series) {
  const { family } = familyOfModality(text(series, TAG.modality)) ?? { family: 'other' };
  return family === 'pdf' ? 'document' : family;
}

/** @returns {string} what a series without images is called */
export function kindOf(series) {
  return familyOfModality(text(series, TAG.modality))?.name ?? t('This object');
}

/** @returns {string} what a series is called on the screen */
export function titleOf(series) {
  return (
    text(series, TAG.seriesDescription) ||
    t('Series {number}', { number: text(series, TAG.seriesNumber) || '–' })
  );
}
