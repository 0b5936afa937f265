import { TAG, text } from '../attributes.js';
import { retrieveFrame, retrievePicture } from '../dicomweb.js';
import { withColourModel } from '../jpeg_colour.js';

const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';

/**
 * One tile as a picture. Most slides hold JPEG, which the browser decodes itself; any other the portal draws.
 * @param {import('../dicomweb.js').DicomwebStudy} study
 * @param {{instance: object, frame: number}} tile
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
export async function tileOf(study, { instance, frame }, signal) {
  const [series, sop] = [text(instance, TAG.seriesInstanceUid), text(instance, TAG.sopInstanceUid)];
  const url = study.frameUrl(series, sop, frame);
  if (text(instance, TAG.availableTransferSyntaxUid) !== JPEG_BASELINE) {
    return retrievePicture(`${url}/rendered`, signal);
  }
  const { bytes } = await retrieveFrame(url, signal);
  const marked = withColourModel(bytes, JPEG_BASELINE, text(instance, TAG.photometricInterpretation));
  return new Blob([marked], { type: 'image/jpeg' });
}
