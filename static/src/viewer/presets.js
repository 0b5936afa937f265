import { t } from '../i18n.js';
import { TAG, number, text, values } from './attributes.js';

/**
 * @typedef {object} Preset
 * @property {string} name
 * @property {number|null} width null for each image's own window
 * @property {number|null} center
 */

const preset = (name, width, center) => Object.freeze({ name, width, center });

/** Windows that readers of CT expect, in Hounsfield units: always the first six, so that their keys can be learnt. */
export const CT_PRESETS = Object.freeze([
  preset(t('Soft tissue'), 400, 40),
  preset(t('Lung'), 1500, -600),
  preset(t('Bone'), 2000, 500),
  preset(t('Brain'), 80, 40),
  preset(t('Angio'), 600, 300),
  preset(t('Teeth and jaw'), 3500, 1000),
]);

/** What one part of the body needs besides, by how Body Part Examined begins (PS3.16 annex L). */
const CT_PARTS = Object.freeze([
  [/^(HEAD|BRAIN|SKULL)/, [preset(t('Stroke'), 40, 40), preset(t('Subdural'), 200, 80)]],
  [/^(EAR|IAC|TEMPORAL|SINUS|ORBIT|FACE)/, [preset(t('Temporal bone'), 4000, 700)]],
  [/^(CHEST|THORAX|LUNG|HEART)/, [preset(t('Mediastinum'), 350, 50), preset(t('Emphysema'), 800, -800)]],
  [/^(ABDOMEN|LIVER|PELVIS|KIDNEY)/, [preset(t('Liver'), 150, 70)]],
  [/SPINE$/, [preset(t('Spine'), 250, 50)]],
]);

/** Windows of this image as its file states them, with their explanations (PS3.3 §C.11.2.1.2). */
function stated(image) {
  const items = [frameVoi(image), image.instance].filter(Boolean);
  const item = items.find((each) => values(each, TAG.windowWidth).length) ?? {};
  const centers = values(item, TAG.windowCenter);
  const names = values(item, TAG.windowExplanation);
  return values(item, TAG.windowWidth)
    .map((width, at) => ({ name: String(names[at] ?? '').trim(), width: Number(width), center: Number(centers[at]) }))
    .filter(({ width, center }) => width >= 1 && Number.isFinite(center));
}

function frameVoi({ instance, frame }) {
  const groups = [values(instance, TAG.perFrameGroups)[frame - 1], values(instance, TAG.sharedGroups)[0]];
  return groups.map((group) => values(group, TAG.frameVoiLut)[0]).find(Boolean);
}

/** A table of brightness stands for the window over the values that it maps (PS3.3 §C.11.2.1.1). */
function tables({ instance }) {
  return values(instance, TAG.voiLutSequence).flatMap((item) => {
    const [entries, first] = values(item, TAG.lutDescriptor).map(Number);
    const width = entries || 65536;
    if (!Number.isFinite(width) || !Number.isFinite(first)) return [];
    const slope = number(instance, '00281053') ?? 1;
    const intercept = number(instance, '00281052') ?? 0;
    const name = text(item, TAG.lutExplanation) || t('Table');
    return [{ name, width: width * slope, center: (first + width / 2) * slope + intercept }];
  });
}

function fromFile(image) {
  const found = [...stated(image), ...tables(image)];
  return found.map(({ name, width, center }, at) => ({
    name: name || (found.length > 1 ? t('From the file, {number}', { number: at + 1 }) : t('From the file')),
    width,
    center,
  }));
}

/**
 * The windows to offer for an image.
 * @param {import('./series_images.js').StackImage} image
 * @param {{low: number, high: number, darkest: number, brightest: number}} levels values in the image: all of them,
 *   and without the outermost hundredth at either end
 * @returns {Preset[]} the first nine have the keys 1–9
 */
export function presetsFor(image, levels) {
  const ct = text(image.instance, TAG.modality) === 'CT';
  const part = text(image.instance, TAG.bodyPart).toUpperCase().replace(/\s/g, '');
  const forPart = CT_PARTS.filter(([pattern]) => pattern.test(part)).flatMap(([, presets]) => presets);
  const general = [between(t('Automatic'), levels.darkest, levels.brightest), between(t('Full range'), levels.low, levels.high)];
  if (ct) return [...CT_PRESETS, ...forPart, ...fromFile(image), ...general];
  const automatic = general[0];
  return [
    ...fromFile(image),
    ...general,
    { ...automatic, name: t('High contrast'), width: automatic.width * 0.6 },
    { ...automatic, name: t('Low contrast'), width: automatic.width * 1.6 },
  ];
}

function between(name, low, high) {
  return { name, width: Math.max(1, high - low), center: (low + high) / 2 };
}
