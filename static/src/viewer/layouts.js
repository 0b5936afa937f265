import { TAG, number, text, values } from './attributes.js';
import { hasLuts, throughLuts } from './luts.js';
import { coloured, paletteOf } from './palette.js';

/**
 * Native pixels that Cornerstone draws wrongly or not at all, laid out as it draws them: single bits, halved
 * chroma, colour of more than eight bits, palettes, and numbers of 32 and 64 bits, floating or not.
 */

const US = (value) => ({ vr: 'US', Value: [value] });
const CS = (value) => ({ vr: 'CS', Value: [value] });
const DS = (value) => ({ vr: 'DS', Value: [value] });

const RED_GREEN_BLUE = Object.freeze({
  [TAG.samplesPerPixel]: US(3),
  [TAG.photometricInterpretation]: CS('RGB'),
  [TAG.planarConfiguration]: US(0),
  [TAG.bitsAllocated]: US(8),
  [TAG.bitsStored]: US(8),
  [TAG.highBit]: US(7),
  [TAG.pixelRepresentation]: US(0),
});

const SIXTEEN_BITS = Object.freeze({
  [TAG.bitsAllocated]: US(16),
  [TAG.bitsStored]: US(16),
  [TAG.highBit]: US(15),
  [TAG.pixelRepresentation]: US(0),
});

/** @returns {object} how an instance's pixels lie, from its DICOM JSON dataset */
export function layoutOf(instance) {
  const bitsAllocated = number(instance, TAG.bitsAllocated) ?? 16;
  return {
    photometric: text(instance, TAG.photometricInterpretation),
    rows: number(instance, TAG.rows) ?? 0,
    columns: number(instance, TAG.columns) ?? 0,
    samples: number(instance, TAG.samplesPerPixel) ?? 1,
    bitsAllocated,
    bitsStored: number(instance, TAG.bitsStored) ?? bitsAllocated,
    signed: number(instance, TAG.pixelRepresentation) === 1,
    planar: number(instance, TAG.planarConfiguration) === 1,
    // The modules of floating pixels have no Bits Stored (PS3.3 §C.7.6.24).
    floating: bitsAllocated >= 32 && number(instance, TAG.bitsStored) === null,
  };
}

/** @returns {number} bytes of a frame in its native form */
export function frameLength({ rows, columns, samples, bitsAllocated, photometric }) {
  const halved = samples === 3 && photometric.endsWith('_422');
  return Math.ceil((rows * columns * (halved ? 2 : samples) * bitsAllocated) / 8);
}

/** The frame's numbers, in a buffer of their own where they do not begin at one of theirs. */
function numbersOf(bytes, { bitsAllocated, signed, floating }) {
  const size = bitsAllocated / 8;
  const kinds = floating
    ? { 4: Float32Array, 8: Float64Array }
    : {
        1: signed ? Int8Array : Uint8Array,
        2: signed ? Int16Array : Uint16Array,
        4: signed ? Int32Array : Uint32Array,
        8: signed ? BigInt64Array : BigUint64Array,
      };
  const Kind = kinds[size];
  if (!Kind) return null;
  const aligned = bytes.byteOffset % size ? bytes.slice() : bytes;
  return new Kind(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / size));
}

function bits(bytes, layout) {
  const pixels = new Uint8Array(layout.rows * layout.columns);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = (bytes[at >> 3] >> (at & 7)) & 1;
  return {
    bytes: pixels,
    changes: {
      [TAG.bitsAllocated]: US(8),
      [TAG.bitsStored]: US(8),
      [TAG.highBit]: US(7),
      [TAG.windowCenter]: DS(1),
      [TAG.windowWidth]: DS(2),
    },
  };
}

/** Full or studio range (PS3.3 §C.7.6.3.1.2), as red, green and blue. */
function fromYcc(y, cb, cr, partial, into, at) {
  const luma = partial ? (y - 16) * 1.164383 : y;
  const scale = partial ? 1.138393 : 1;
  const [blue, red] = [(cb - 128) * scale, (cr - 128) * scale];
  into[at] = luma + 1.402 * red;
  into[at + 1] = luma - 0.344136 * blue - 0.714136 * red;
  into[at + 2] = luma + 1.772 * blue;
}

/** Y₀ Y₁ Cb Cr for each pair of pixels. */
function halvedChroma(bytes, { rows, columns, photometric }) {
  const partial = photometric.startsWith('YBR_PARTIAL');
  const colours = new Uint8ClampedArray(rows * columns * 3);
  for (let pair = 0; pair * 2 < rows * columns; pair += 1) {
    const [first, second, cb, cr] = bytes.subarray(pair * 4, pair * 4 + 4);
    fromYcc(first, cb, cr, partial, colours, pair * 6);
    fromYcc(second, cb, cr, partial, colours, pair * 6 + 3);
  }
  return { bytes: new Uint8Array(colours.buffer), changes: RED_GREEN_BLUE };
}

function deepColour(bytes, layout) {
  const numbers = numbersOf(bytes, { ...layout, signed: false, floating: false });
  const pixels = layout.rows * layout.columns;
  const colours = new Uint8ClampedArray(pixels * 3);
  const scale = 255 / (2 ** layout.bitsStored - 1);
  for (let at = 0; at < pixels; at += 1) {
    for (let sample = 0; sample < 3; sample += 1) {
      const from = layout.planar ? sample * pixels + at : at * layout.samples + sample;
      colours[at * 3 + sample] = Number(numbers[from]) * scale;
    }
  }
  if (layout.photometric.startsWith('YBR_FULL')) {
    for (let at = 0; at < colours.length; at += 3) fromYcc(...colours.subarray(at, at + 3), false, colours, at);
  }
  return { bytes: new Uint8Array(colours.buffer), changes: RED_GREEN_BLUE };
}

function palette(bytes, layout, instance) {
  const found = paletteOf(instance);
  if (!found) return null;
  return { bytes: coloured(numbersOf(bytes, layout), found), changes: RED_GREEN_BLUE };
}

function groupsOf(instance, frame) {
  return [values(instance, TAG.perFrameGroups)[frame - 1], values(instance, TAG.sharedGroups)[0]];
}

function rescaleOf(instance, frame) {
  const transformations = groupsOf(instance, frame).map((group) => values(group, TAG.pixelTransformation)[0]);
  const holder = [instance, ...transformations].find((item) => number(item, TAG.rescaleSlope));
  return {
    slope: number(holder, TAG.rescaleSlope) ?? number(instance, TAG.doseGridScaling) ?? 1,
    intercept: number(holder, TAG.rescaleIntercept) ?? 0,
  };
}

function range(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < numbers.length; at += 1) {
    const value = Number(numbers[at]);
    if (value < low) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return Number.isFinite(low) && high >= low ? [low, high] : [0, 0];
}

/** A window over all there is, unless the image brings one. */
function windowOver(instance, frame, low, high) {
  const lut = groupsOf(instance, frame).map((group) => values(group, TAG.frameVoiLut)[0]);
  const stated = [instance, ...lut].find((item) => number(item, TAG.windowWidth));
  if (stated) {
    const [center, width] = [number(stated, TAG.windowCenter), number(stated, TAG.windowWidth)];
    return { [TAG.windowCenter]: DS(center ?? 0), [TAG.windowWidth]: DS(width) };
  }
  return {
    [TAG.windowCenter]: DS((low + high) / 2),
    [TAG.windowWidth]: DS(Math.max(high - low, Number.EPSILON)),
    [TAG.voiLutFunction]: CS('LINEAR_EXACT'),
  };
}

/**
 * Numbers of 32 or 64 bits in sixteen: exactly where their range allows, else in 65,535 steps from the least to
 * the greatest. The rescale slope and intercept make their own values of them again.
 */
function wideNumbers(bytes, layout, instance, frame) {
  const numbers = numbersOf(bytes, layout);
  const [low, high] = range(numbers);
  const exact = !layout.floating && high - low <= 65535;
  const step = exact ? 1 : (high - low) / 65535 || 1;
  const pixels = new Uint16Array(numbers.length);
  for (let at = 0; at < numbers.length; at += 1) {
    const value = Number(numbers[at]);
    pixels[at] = Number.isNaN(value) ? 0 : Math.min(65535, Math.round((value - low) / step));
  }
  const { slope, intercept } = rescaleOf(instance, frame);
  const real = (value) => value * slope + intercept;
  return {
    bytes: new Uint8Array(pixels.buffer),
    changes: {
      ...SIXTEEN_BITS,
      [TAG.rescaleSlope]: DS(slope * step),
      [TAG.rescaleIntercept]: DS(real(low)),
      ...windowOver(instance, frame, real(low), real(high)),
    },
  };
}

const NO_TABLES = Object.freeze({ '00283000': undefined, '00283010': undefined });

/** Bits beyond Bits Stored hold no part of a value (PS3.5 §8.1.1): the sign is the highest of those that do. */
function withoutSpareBits(numbers, { bitsStored, signed }) {
  const spare = 32 - bitsStored;
  return numbers.map(signed ? (value) => (value << spare) >> spare : (value) => (value << spare) >>> spare);
}

/** Grey values through the tables that stand between them and the eye. */
function throughTables(bytes, layout, instance) {
  const found = throughLuts(instance, withoutSpareBits(numbersOf(bytes, layout), layout));
  if (!found) return null;
  const whole = { [TAG.windowCenter]: DS((found.range + 1) / 2), [TAG.windowWidth]: DS(found.range + 1) };
  return {
    bytes: new Uint8Array(Uint16Array.from(found.values).buffer),
    changes: {
      ...NO_TABLES,
      ...SIXTEEN_BITS,
      [TAG.rescaleSlope]: DS(1),
      [TAG.rescaleIntercept]: DS(0),
      ...(found.range === null ? {} : whole),
    },
  };
}

function anew(bytes, layout, instance, frame) {
  if (layout.bitsAllocated === 1) return bits(bytes, layout);
  if (layout.photometric === 'PALETTE COLOR') return palette(bytes, layout, instance);
  if (layout.samples > 1 && layout.photometric.endsWith('_422')) return halvedChroma(bytes, layout);
  if (layout.samples > 1) return layout.bitsAllocated > 8 ? deepColour(bytes, layout) : { bytes, changes: {} };
  if (layout.bitsAllocated > 16) return wideNumbers(bytes, layout, instance, frame);
  return (hasLuts(instance) && throughTables(bytes, layout, instance)) || { bytes, changes: {} };
}

/**
 * A native little-endian frame as Cornerstone draws it, with the dataset that describes it then.
 * @param {object} instance DICOM JSON dataset
 * @param {Uint8Array} bytes at least `frameLength` of them
 * @param {number} [frame] counted from 1
 * @returns {{bytes: Uint8Array, instance: object}|null} null for a palette image without its palette
 */
export function laidOut(instance, bytes, frame = 1) {
  const layout = layoutOf(instance);
  const result = anew(bytes.subarray(0, frameLength(layout)), layout, instance, frame);
  if (!result) return null;
  const changed = Object.keys(result.changes).length > 0;
  return { bytes: result.bytes, instance: changed ? { ...instance, ...result.changes } : instance };
}

/** @returns {object} the dataset of colours by pixel, eight bits each, that were an image of this instance */
export function asRedGreenBlue(instance) {
  return { ...instance, ...RED_GREEN_BLUE };
}
