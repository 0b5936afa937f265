import { t } from '../i18n.js';
import { dayOf, distanceOf } from './dates.js';
import { DicomwebStudy } from './dicomweb.js';

/** @typedef {{study: string, title: string, date: string, description: string, modalities: string[], instances: number}} PriorRow */

/**
 * The patient's other studies. Guests and patients have no address to ask: they see exactly their study.
 * @param {DOMStringMap} told what the page says
 * @returns {Promise<DicomwebStudy[]>} newest first; none when the portal does not answer, for priors are no must
 */
export async function findPriors(told) {
  if (!told.priors) return [];
  try {
    const response = await fetch(told.priors, {
      headers: { Accept: 'application/json' },
      credentials: 'same-origin',
      redirect: 'error',
    });
    if (!response.ok) return [];
    const { studies } = await response.json();
    return studies.map((row) => new DicomwebStudy(told.dicomweb, row.study, describe(row, told.date ?? '')));
  } catch {
    return [];
  }
}

/**
 * What the screen says of a prior, so that nobody takes it for the study of today.
 * @param {PriorRow} row
 * @param {string} today day of the study that is read
 */
export function describe(row, today) {
  const day = dayOf(row.date) || t('No date');
  const words = [row.modalities.join(', '), row.description].filter(Boolean).join(' · ');
  const distance = distanceOf(row.date, today);
  return {
    title: row.title,
    subtitle: [day, distance, row.modalities.join(', ')].filter(Boolean).join(' · '),
    heading: distance ? `${day} · ${distance}` : day,
    words,
    modalities: row.modalities,
  };
}
