import { t } from '../../i18n.js';
import { TAG, text } from '../attributes.js';

/** Storage SOP Classes that are no plain images (PS3.4 Annex B), by how their UID begins; the longest match counts. */
const FAMILIES = Object.freeze([
  ['1.2.840.10008.5.1.4.1.1.104.1', 'pdf', t('PDF document')],
  ['1.2.840.10008.5.1.4.1.1.104.2', 'other', t('Clinical document (CDA)')],
  ['1.2.840.10008.5.1.4.1.1.104.3', 'mesh', t('3D model (STL)')],
  ['1.2.840.10008.5.1.4.1.1.104.4', 'mesh', t('3D model (OBJ)')],
  ['1.2.840.10008.5.1.4.1.1.104.5', 'other', t('Material of a 3D model (MTL)')],
  ['1.2.840.10008.5.1.4.1.1.88', 'report', t('Structured report')],
  ['1.2.840.10008.5.1.4.1.1.88.59', 'keys', t('Key images')],
  ['1.2.840.10008.5.1.4.1.1.9', 'waveform', t('Waveform')],
  ['1.2.840.10008.5.1.4.1.1.9.1', 'waveform', t('Electrocardiogram')],
  ['1.2.840.10008.5.1.4.1.1.9.4', 'other', t('Sound recording')],
  ['1.2.840.10008.5.1.4.1.1.11', 'other', t('Presentation state')],
  ['1.2.840.10008.5.1.4.1.1.66', 'other', t('Raw data')],
  ['1.2.840.10008.5.1.4.1.1.66.1', 'other', t('Registration')],
  ['1.2.840.10008.5.1.4.1.1.66.2', 'other', t('Spatial fiducials')],
  ['1.2.840.10008.5.1.4.1.1.66.3', 'other', t('Registration')],
  ['1.2.840.10008.5.1.4.1.1.66.4', 'image', t('Segmentation')],
  ['1.2.840.10008.5.1.4.1.1.66.5', 'other', t('Surface segmentation')],
  ['1.2.840.10008.5.1.4.1.1.66.6', 'other', t('Tractography')],
  ['1.2.840.10008.5.1.4.1.1.77.1.6', 'slide', t('Whole-slide image')],
  ['1.2.840.10008.5.1.4.1.1.481.2', 'image', t('Radiotherapy dose')],
  ['1.2.840.10008.5.1.4.1.1.481.3', 'radiotherapy', t('Radiotherapy structures')],
  ['1.2.840.10008.5.1.4.1.1.481.4', 'other', t('Radiotherapy record')],
  ['1.2.840.10008.5.1.4.1.1.481.5', 'radiotherapy', t('Radiotherapy plan')],
  ['1.2.840.10008.5.1.4.1.1.481.6', 'other', t('Radiotherapy record')],
  ['1.2.840.10008.5.1.4.1.1.481.7', 'other', t('Radiotherapy record')],
  ['1.2.840.10008.5.1.4.1.1.481.8', 'radiotherapy', t('Radiotherapy plan')],
  ['1.2.840.10008.5.1.4.1.1.481.9', 'other', t('Radiotherapy record')],
]);

/** The same by modality, for lists that know no SOP Class (PS3.3 §C.7.3.1.1.1). */
const BY_MODALITY = Object.freeze({
  SR: ['report', t('Structured report')],
  DOC: ['pdf', t('Document')],
  PR: ['other', t('Presentation state')],
  KO: ['keys', t('Key images')],
  RTSTRUCT: ['radiotherapy', t('Radiotherapy structures')],
  RTPLAN: ['radiotherapy', t('Radiotherapy plan')],
  RTRECORD: ['other', t('Radiotherapy record')],
  REG: ['other', t('Registration')],
  ECG: ['waveform', t('Electrocardiogram')],
  EPS: ['waveform', t('Waveform')],
  HD: ['waveform', t('Waveform')],
  RESP: ['waveform', t('Waveform')],
  EEG: ['waveform', t('Waveform')],
  EMG: ['waveform', t('Waveform')],
  AU: ['other', t('Sound recording')],
  M3D: ['mesh', t('3D model')],
  SM: ['slide', t('Whole-slide image')],
  PLAN: ['other', t('Plan')],
  FID: ['other', t('Spatial fiducials')],
});

const within = (uid, stem) => uid === stem || uid.startsWith(`${stem}.`);

/**
 * @param {string} uid SOP Class UID
 * @returns {{family: string, name: string}} 'image' for what is none of the others
 */
export function familyOf(uid) {
  const [, family, name] = FAMILIES.filter(([stem]) => within(uid, stem)).at(-1) ?? ['', 'image', t('Images')];
  return { family, name };
}

/** @returns {{family: string, name: string}|null} null for a modality that makes images, as far as is known */
export function familyOfModality(modality) {
  const found = BY_MODALITY[modality];
  return found ? { family: found[0], name: found[1] } : null;
}

/** @returns {{family: string, name: string}} of one dataset; an object without a SOP Class has its modality's */
export function familyOfInstance(instance) {
  const uid = text(instance, TAG.sopClassUid);
  if (!uid) return familyOfModality(text(instance, TAG.modality)) ?? familyOf('');
  return familyOf(uid);
}
