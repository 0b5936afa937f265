import { t } from '../i18n.js';
import { TAG, text } from './attributes.js';
import { CannotBeShown, decodable } from './decodability.js';
import { RequestFailed, retrieveDecodedFrame, retrieveFrame, retrievePicture } from './dicomweb.js';
import { asRedGreenBlue, layoutOf } from './layouts.js';
import { LUT_PATHS } from './luts.js';
import { endsReading } from './messages.js';
import { PALETTE_PATHS } from './palette.js';
import { withTables } from './tables.js';
import {
  EXPLICIT_BIG_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  isDecoded,
  isNative,
  undoesYcc,
} from './transfer_syntaxes.js';

/**
 * @typedef {object} DrawableFrame
 * @property {Uint8Array} bytes
 * @property {string} transferSyntaxUid one that Cornerstone decodes
 * @property {object} instance the dataset that describes these bytes
 */

function retrieveStored({ url, instance }, signal) {
  const stated = text(instance, TAG.availableTransferSyntaxUid);
  // What no browser decodes is not fetched in vain; what the portal gives is asked for in the next way.
  if (stated && !isDecoded(stated)) throw new CannotBeShown(t('This encoding is not supported.'), stated);
  // How long a big-endian file's words are only the portal sees; single bits have none.
  const turned = stated === EXPLICIT_BIG_ENDIAN && layoutOf(instance).bitsAllocated > 1;
  return (turned ? retrieveDecodedFrame : retrieveFrame)(url, signal);
}

/**
 * Fetch an image's bytes before anything here can decode them.
 * @param {import('./series_images.js').StackImage} image keeps them until it is drawn
 */
export function begin(image) {
  if (!isDecoded(text(image.instance, TAG.availableTransferSyntaxUid))) return;
  image.begun = retrieveStored(image);
  image.begun.catch(() => {}); // told when it is drawn
}

async function asStored({ begun, ...image }, signal) {
  return decodable(image.instance, await (begun ?? retrieveStored(image, signal)), image.frame);
}

/** As the portal decodes it: colour by pixel, and what JPEG keeps as YCbCr as RGB (PS3.5 §8.2). */
function asDecoded(instance, stored) {
  const changes = { ...instance };
  if (layoutOf(instance).samples > 1) {
    changes[TAG.planarConfiguration] = { vr: 'US', Value: [0] };
    if (undoesYcc(stored)) changes[TAG.photometricInterpretation] = { vr: 'CS', Value: ['RGB'] };
  }
  return changes;
}

async function decodedByPortal({ url, instance, frame }, signal) {
  const stored = text(instance, TAG.availableTransferSyntaxUid);
  // Native frames come in the same words either way.
  if (!stored || isNative(stored)) throw new CannotBeShown(t('This encoding is not supported.'), stored);
  const given = await retrieveDecodedFrame(url, signal);
  return decodable(asDecoded(instance, stored), given, frame);
}

async function pixelsOf(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d');
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

function withoutAlpha(pixels) {
  const colours = new Uint8Array((pixels.length / 4) * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3) {
    colours.set(pixels.subarray(from, from + 3), to);
  }
  return colours;
}

/** As the portal draws it, in its own window: a picture to look at, whose numbers are those of the screen. */
async function drawnByPortal({ url, instance }, signal) {
  const bytes = withoutAlpha(await pixelsOf(await retrievePicture(`${url}/rendered`, signal)));
  return { bytes, transferSyntaxUid: EXPLICIT_LITTLE_ENDIAN, instance: asRedGreenBlue(instance) };
}

const TABLE_PATHS = [...PALETTE_PATHS, ...LUT_PATHS];

const WAYS = [asStored, decodedByPortal, drawnByPortal];

/** Whether another way is worth a try after this error; a portal that refuses to give the stored frame is not asked. */
function mayTryOn(error, isFirst) {
  if (error instanceof CannotBeShown) return true;
  return !isFirst && !endsReading(error) && (error instanceof RequestFailed || error.name !== 'AbortError');
}

/**
 * An image drawn in the first way that works: decoded here, else by the portal, else from a picture that the portal
 * draws. When none does, the first failure is told.
 * @template T
 * @param {import('./series_images.js').StackImage} given
 * @param {(frame: DrawableFrame) => Promise<T>} draw rejects with CannotBeShown for what it cannot decode
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function drawnInSomeWay(given, draw, signal) {
  const image = { ...given, instance: await withTables(given.instance, given.url, TABLE_PATHS) };
  given.begun = null;
  let told = null;
  for (const way of WAYS) {
    try {
      const frame = await way(image, signal);
      signal?.throwIfAborted();
      return await draw(frame);
    } catch (error) {
      if (!mayTryOn(error, way === WAYS[0])) throw error;
      told ??= error;
    }
  }
  throw told;
}
