import { locale, t, tn } from '../i18n.js';

const DAY = 24 * 3600 * 1000;

/** @returns {string} a study's day as readers write it; days have no time zone */
export function dayOf(iso) {
  if (!/^\d{4}-\d\d-\d\d$/.test(iso)) return '';
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(iso));
}

/**
 * How much earlier one day is than another, in the unit that readers compare by.
 * @param {string} day `YYYY-MM-DD`
 * @param {string} today the day to compare with
 * @returns {string} '' when either is unknown or they are the same
 */
export function distanceOf(day, today) {
  const days = Math.round((Date.parse(today) - Date.parse(day)) / DAY);
  if (!Number.isFinite(days) || days === 0) return '';
  const span = spanOf(Math.abs(days));
  return days > 0 ? t('{span} earlier', { span }) : t('{span} later', { span });
}

function spanOf(days) {
  if (days < 60) return tn('{count} day', '{count} days', days);
  if (days < 730) return tn('{count} month', '{count} months', Math.round(days / 30.44));
  return tn('{count} year', '{count} years', Math.floor(days / 365.25));
}
