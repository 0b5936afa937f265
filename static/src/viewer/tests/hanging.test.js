import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filmOf, teethInWords } from '../hanging/films.js';
import { hang, hangings } from '../hanging/index.js';
import { hangMammograms, turnOf, viewOf } from '../hanging/mammography.js';
import { Mount, TEMPLATES } from '../hanging/mount.js';
import { templateOf } from '../hanging/mount_templates.js';
import { chooseTemplate, place } from '../hanging/placement.js';
import { TEETH, fdiOf, jawOf, numberOf, rangeOf, sideOf, universalOf } from '../hanging/teeth.js';
import { CODES_BY_TOOTH, toothOfCode } from '../hanging/tooth_codes.js';

const item = (tags) =>
  Object.fromEntries(Object.entries(tags).map(([tag, value]) => [tag, { Value: Array.isArray(value) ? value : [value] }]));
const code = (value, scheme = 'SCT', meaning = '') =>
  item({ '00080100': value, '00080102': scheme, '00080104': meaning });
const instance = (sop, tags = {}) =>
  item({ '00080018': sop, '00080060': 'IO', '00280010': 900, '00280011': 1200, ...tags });
const series = (uid, modality = 'IO', count = 1) =>
  item({ '0020000E': uid, '00080060': modality, '00201209': count });
const film = (sop, tags) => filmOf(instance(sop, tags), series('1.2'), 0);
const standing = { '00280010': 1200, '00280011': 900 };

test('teeth have both numbers, permanent and primary', () => {
  assert.equal(TEETH.length, 52);
  const pairs = { 18: '1', 11: '8', 21: '9', 28: '16', 38: '17', 31: '24', 41: '25', 48: '32' };
  const primary = { 55: 'A', 51: 'E', 61: 'F', 65: 'J', 75: 'K', 71: 'O', 81: 'P', 85: 'T' };
  for (const [fdi, universal] of Object.entries({ ...pairs, ...primary })) {
    assert.equal(universalOf(fdi), universal);
    assert.equal(fdiOf(universal), fdi);
  }
  assert.equal(fdiOf('t'), '85');
  assert.equal(fdiOf('03'), '16');
  for (const none of ['33', '0', 'U', '']) assert.equal(fdiOf(none), null);
  assert.equal(numberOf('16', 'fdi'), '16');
  assert.equal(numberOf('16', 'universal'), '3');
});

test('sides and jaws are those of the patient', () => {
  assert.deepEqual(['16', '26', '36', '46', '54', '64', '74', '84'].map(sideOf), [...'RLLRRLLR']);
  assert.deepEqual(['16', '36', '61', '81'].map(jawOf), ['upper', 'lower', 'upper', 'lower']);
});

test('neighbours are written as a range, jaws apart', () => {
  assert.equal(rangeOf(['18', '17', '16'], 'universal'), '1–3');
  assert.equal(rangeOf(['18', '17', '16'], 'fdi'), '18–16');
  assert.equal(rangeOf(['12', '11', '21', '22'], 'universal'), '7–10');
  assert.equal(rangeOf(['42', '41', '31', '32'], 'fdi'), '42–32');
  assert.equal(rangeOf(['28', '38'], 'universal'), '16, 17');
  assert.equal(rangeOf(['55', '54'], 'universal'), 'A–B');
});

test('codes name teeth: SNOMED CT, SNOMED-RT, ISO 3950, ADA', () => {
  assert.equal(new Set(Object.values(CODES_BY_TOOTH).join(' ').split(' ')).size, Object.values(CODES_BY_TOOTH).join(' ').split(' ').length);
  assert.equal(toothOfCode('SCT', '865995000', fdiOf), '16');
  assert.equal(toothOfCode('SRT', 'T-54360', fdiOf), '28');
  assert.equal(toothOfCode('ISO 3950-2010', '36', fdiOf), '36');
  assert.equal(toothOfCode('ISO_3950-2010', '85', fdiOf), '85');
  assert.equal(toothOfCode('ISO 3950-2010', '99', fdiOf), null);
  assert.equal(toothOfCode('ADA', 'A', fdiOf), '55');
  assert.equal(toothOfCode('DCM', '36', fdiOf), null);
});

test('words name teeth only where they say so', () => {
  assert.deepEqual(teethInWords('PA UR6 and UR-7'), ['16', '17']);
  assert.deepEqual(teethInWords('periapical #3'), ['16']);
  assert.deepEqual(teethInWords('FDI 36, 37'), ['36', '37']);
  assert.deepEqual(teethInWords('image 14 of 18'), []);
  assert.deepEqual(teethInWords('#99 UR9'), []);
});

test('a film tells kind, side, jaw and teeth', () => {
  const coded = film('1', { '00082228': [code('865995000'), code('17', 'ISO 3950-2010')] });
  assert.deepEqual([coded.teeth, coded.side, coded.jaw, coded.kind], [['16', '17'], 'R', 'upper', 'periapical']);
  const wing = film('2', { '00204000': 'BW R molar' });
  assert.deepEqual([wing.kind, wing.side], ['bitewing', 'R']);
  const both = film('3', { '00082228': [code('865995000'), code('866005003')] });
  assert.equal(both.kind, 'bitewing');
  assert.equal(film('4', { '00080060': 'PX' }).kind, 'panoramic');
  assert.equal(film('5', { '00540220': [code('260499007')] }).kind, 'occlusal');
  const region = film('6', { '00082218': [{ ...code('91609006'), '00082220': { Value: [code('7771000')] } }] });
  assert.deepEqual([region.jaw, region.side, region.kind], ['lower', 'L', '']);
  assert.deepEqual([film('7').kind, film('7').side], ['', '']);
});

test('templates hold as many films as they say, none over another, every position once', () => {
  const counts = { 'fmx-18': 18, 'fmx-20': 20, 'fmx-21': 21, 'bitewings-2': 2, 'bitewings-4': 4, 'bitewings-7': 7 };
  Object.assign(counts, { panoramic: 1, 'panoramic-bitewings': 5, 'primary-8': 8, 'mixed-12': 12 });
  for (const { id, width, height, positions } of TEMPLATES) {
    assert.equal(positions.length, counts[id], id);
    assert.equal(new Set(positions.map((each) => each.id)).size, positions.length, id);
    for (const [at, a] of positions.entries()) {
      assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.width <= width + 0.02 && a.y + a.height <= height + 0.02, `${id} ${a.id}`);
      for (const b of positions.slice(at + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `${id}: ${a.id} over ${b.id}`);
      }
    }
  }
});

test('every tooth is in the full mouth, and the patient’s right is on the left', () => {
  const { positions, width } = templateOf('fmx-18');
  const periapical = positions.filter(({ kind }) => kind === 'periapical');
  for (const tooth of TEETH.filter((each) => each < '5')) {
    assert.ok(periapical.some(({ teeth }) => teeth.includes(tooth)), tooth);
  }
  for (const { id, teeth, x, width: own } of positions) {
    const sides = new Set(teeth.map(sideOf));
    if (sides.size === 1) assert.equal(x + own / 2 < width / 2, sides.has('R'), id);
  }
});

test('films lie where their teeth are', () => {
  const template = templateOf('fmx-18');
  const shuffled = [...template.positions].reverse().map(({ id, teeth, kind, width, height }) =>
    film(id, {
      '00082228': teeth.map((tooth) => code(tooth, 'ISO 3950-2010')),
      '00204000': kind === 'bitewing' ? 'BW' : 'PA',
      ...(width > height ? {} : standing),
    }),
  );
  const { placed, rest } = place(template, shuffled);
  assert.deepEqual(rest, []);
  for (const { id } of template.positions) assert.equal(placed.get(id), id);
});

test('films that say nothing lie in their order, beside those that do', () => {
  const films = [film('a'), film('b', { '00204000': '#3' }), film('c')];
  const { placed } = place(templateOf('bitewings-4'), films);
  assert.deepEqual([...placed], [['bw-r-molar', 'a'], ['bw-r-premolar', 'c']]);
  const full = place(templateOf('fmx-18'), films).placed;
  assert.equal(full.get('1-molar'), 'b');
  assert.equal(full.get('1-premolar'), 'a');
});

test('what contradicts is not placed', () => {
  const { placed, rest } = place(templateOf('bitewings-2'), [
    film('pan', { '00080060': 'PX' }),
    film('left', { '00204000': 'bitewing left' }),
    film('tooth', { '00082228': code('11', 'ISO 3950-2010') }),
  ]);
  assert.deepEqual([...placed], [['bw-l-all', 'left']]);
  assert.deepEqual(rest, ['pan', 'tooth']);
});

test('the template is the smallest that holds the films', () => {
  const many = (count, tags) => Array.from({ length: count }, (_, at) => film(`f${at}`, tags));
  assert.equal(chooseTemplate(many(18)).id, 'fmx-18');
  assert.equal(chooseTemplate(many(20)).id, 'fmx-20');
  assert.equal(chooseTemplate(many(2, { '00204000': 'bitewing' })).id, 'bitewings-2');
  assert.equal(chooseTemplate(many(4, { '00204000': 'bitewing' })).id, 'bitewings-4');
  assert.equal(chooseTemplate([film('p', { '00080060': 'PX' })]).id, 'panoramic');
  assert.equal(chooseTemplate([film('p', { '00082228': code('55', 'ISO 3950-2010') })]).id, 'primary-8');
});

test('a mount is changed, undone, saved and restored', () => {
  const mount = new Mount([film('a'), film('b'), film('c')]);
  mount.choose('bitewings-4');
  const before = mount.saved;
  mount.move('a', 'bw-r-premolar');
  assert.equal(mount.filmAt('bw-r-premolar').key, 'a');
  assert.equal(mount.filmAt('bw-r-molar').key, 'b');
  mount.move('c', null);
  assert.deepEqual(mount.rest.map(({ key }) => key), ['c']);
  mount.rotate('a');
  mount.flip('a');
  assert.deepEqual(mount.turnOf('a'), { rotate: 270, flip: true });
  const saved = mount.saved;
  for (let step = 0; step < 4; step += 1) mount.undo();
  assert.deepEqual(mount.saved, before);
  const other = new Mount([film('a'), film('b')]);
  other.restore(saved);
  assert.deepEqual(other.saved, saved);
  assert.equal(other.canUndo, false);
  other.restore({ template: 'nonsense', films: [] });
  assert.deepEqual(other.saved, saved);
});

const mammogram = (side, view, orientation, tags = {}) =>
  instance(`${side}${view}`, { '00080060': 'MG', '00200062': side, '00185101': view, '00200020': orientation, ...tags });

test('mammograms hang back to back, right breast on the left', async () => {
  const uids = { 1: mammogram('L', 'MLO', ['A', 'F']), 2: mammogram('R', 'CC', ['P', 'L']) };
  Object.assign(uids, { 3: mammogram('L', 'CC', ['A', 'R']), 4: mammogram('R', 'MLO', ['P', 'F']) });
  const study = Object.keys(uids).map((uid) => series(uid, 'MG'));
  const hanging = await hang(study, { width: 390, height: 700 }, async (uid) => [uids[uid]]);
  assert.deepEqual([hanging.rows, hanging.columns], [2, 2]);
  assert.deepEqual(hanging.cells.map(({ label }) => label), ['R CC', 'L CC', 'R MLO', 'L MLO']);
  assert.deepEqual(hanging.cells.map(({ edge }) => edge), ['right', 'left', 'right', 'left']);
  assert.ok(hanging.cells.every(({ flip, rotate }) => !flip && !rotate));
});

test('mammograms that lie otherwise are turned', () => {
  const turn = (...given) => turnOf(mammogram(...given));
  assert.deepEqual(turn('R', 'CC', ['A', 'L']), { flip: true, rotate: 0 });
  assert.deepEqual(turn('L', 'MLO', ['P', 'F']), { flip: true, rotate: 0 });
  assert.deepEqual(turn('R', 'MLO', ['A', 'H']), { flip: false, rotate: 180 });
  assert.deepEqual(turn('R', 'CC', ['P', 'R']), { flip: true, rotate: 180 });
  assert.deepEqual(turn('R', 'MLO', []), { flip: false, rotate: 0 });
});

test('views come from codes too, and from frames of tomosynthesis', () => {
  const coded = { '00540220': code('399368009'), '00185101': '' };
  assert.equal(viewOf(instance('1', coded)).view, 'MLO');
  const laterality = item({ '00209071': item({ '00209072': 'L' }) });
  assert.equal(viewOf(instance('1', { '52009229': laterality })).side, 'L');
});

test('an earlier study hangs below when it is asked for', async () => {
  const views = { 1: mammogram('R', 'CC', ['P', 'L']), 2: mammogram('L', 'CC', ['A', 'R']) };
  const all = ['1', '2'].map((uid) => series(uid, 'MG'));
  const retrieve = async (uid) => [views[uid]];
  const prior = { modalities: ['MG'], searchForSeries: async () => all, retrieveSeriesMetadata: retrieve };
  const [first, second] = await hangings(all, { width: 1000, height: 700 }, retrieve, [{ modalities: ['CT'] }, prior]);
  assert.equal(first.columns, 2);
  assert.deepEqual([second.rows, second.columns, second.asked], [2, 4, true]);
  assert.deepEqual(second.cells.map((cell) => cell?.study === prior), [false, false, false, false, true, true, false, false]);
});

test('one mammogram, or none whose view is known, hangs alone', () => {
  const image = (given) => ({ series: series('1', 'MG'), instance: given, index: 0 });
  assert.equal(hangMammograms([image(mammogram('R', 'CC', ['P', 'L']))]), null);
  assert.equal(hangMammograms([image(mammogram('R', '', [])), image(mammogram('L', '', []))]), null);
  const ccs = hangMammograms([image(mammogram('R', 'CC', [])), image(mammogram('L', 'CC', []))]);
  assert.equal(ccs.rows, 1);
});

test('two radiographs hang side by side, the frontal one first', async () => {
  const study = [series('1', 'DX'), series('2', 'DX')];
  const views = { 1: 'LL', 2: 'PA' };
  const retrieve = async (uid) => [instance(uid, { '00185101': views[uid] })];
  const hanging = await hang(study, { width: 1000, height: 700 }, retrieve);
  assert.deepEqual(hanging.cells.map((cell) => cell.series['0020000E'].Value[0]), ['2', '1']);
  assert.equal(await hang(study, { width: 390, height: 700 }, retrieve), null);
});

test('slices open alone, and side by side when asked', async () => {
  const study = [series('1', 'CT', 40), series('2', 'CT', 40), series('3', 'CT', 1)];
  assert.equal(await hang(study, { width: 1000, height: 700 }), null);
  const [asked] = await hangings(study, { width: 1000, height: 700 });
  assert.deepEqual([asked.rows, asked.cells.filter(Boolean).length], [1, 2]);
});
