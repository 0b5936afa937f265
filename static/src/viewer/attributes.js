/** Readers for the DICOM JSON model (PS3.18 §F): `{ "00280010": { vr: "US", Value: [512] } }`. */

export const TAG = Object.freeze({
  sopClassUid: '00080016',
  sopInstanceUid: '00080018',
  modality: '00080060',
  bodyPart: '00180015',
  seriesDescription: '0008103E',
  availableTransferSyntaxUid: '00083002',
  cineRate: '00180040',
  frameTime: '00181063',
  magnification: '00181114',
  imagerPixelSpacing: '00181164',
  scannedPixelSpacing: '00182010',
  ultrasoundRegions: '00186011',
  recommendedFrameRate: '00082144',
  seriesInstanceUid: '0020000E',
  seriesNumber: '00200011',
  instanceNumber: '00200013',
  imagePosition: '00200032',
  imageOrientation: '00200037',
  frameOfReference: '00200052',
  seriesInstanceCount: '00201209',
  samplesPerPixel: '00280002',
  photometricInterpretation: '00280004',
  planarConfiguration: '00280006',
  numberOfFrames: '00280008',
  rows: '00280010',
  columns: '00280011',
  pixelSpacing: '00280030',
  pixelAspectRatio: '00280034',
  calibrationType: '00280A02',
  rescaleType: '00281054',
  units: '00541001',
  valueTransformation: '00289145',
  bitsAllocated: '00280100',
  bitsStored: '00280101',
  highBit: '00280102',
  pixelRepresentation: '00280103',
  rescaleIntercept: '00281052',
  rescaleSlope: '00281053',
  windowCenter: '00281050',
  windowWidth: '00281051',
  windowExplanation: '00281055',
  voiLutFunction: '00281056',
  voiLutSequence: '00283010',
  lutDescriptor: '00283002',
  lutExplanation: '00283003',
  pixelMeasures: '00289110',
  planePosition: '00209113',
  planeOrientation: '00209116',
  frameVoiLut: '00289132',
  pixelTransformation: '00289145',
  doseGridScaling: '3004000E',
  sharedGroups: '52009229',
  perFrameGroups: '52009230',
  transferSyntaxUid: '00020010',
});

/**
 * All values of an attribute.
 * @param {object|undefined} item a DICOM JSON dataset
 * @param {string} tag eight hexadecimal digits
 * @returns {Array} empty when the attribute is absent or has no value
 */
export function values(item, tag) {
  return item?.[tag]?.Value ?? [];
}

/** @returns {string} the first value as text, or '' */
export function text(item, tag) {
  const first = values(item, tag)[0];
  if (first === null || first === undefined) return '';
  return String(first.Alphabetic ?? first).trim();
}

/** @returns {number|null} the first value as a finite number, or null */
export function number(item, tag) {
  const first = values(item, tag)[0];
  if (first === null || first === undefined || first === '') return null;
  return Number.isFinite(Number(first)) ? Number(first) : null;
}

/**
 * @returns {number[]|null} exactly `count` finite numbers, or null
 */
export function numbers(item, tag, count) {
  const found = values(item, tag).slice(0, count).map(Number);
  return found.length === count && found.every(Number.isFinite) ? found : null;
}

/** @returns {number[]|null} row and column spacing in millimetres; zeros, which some files carry, are none */
export function spacing(item, tag) {
  const found = numbers(item, tag, 2);
  return found?.every((value) => value > 0) ? found : null;
}
