/**
 * OHIF's prebuilt bundle, made fit for our origin: below /static/ohif/, minified, packed, and without what it must not do.
 *
 * The lock names @ohif/app alone: its dependencies are inside the bundle already, and none is installed.
 * Every change that a new version would make miss its place ends the build.
 */

import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { minifySync } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const SOURCE = here('./node_modules/@ohif/app/dist');
const TARGET = here('../../var/ohif');
const BASE = '/static/ohif/';

/** Not served: AI models, slide microscopy, sign-in by others, service workers, and every page and configuration. */
const LEFT_OUT = [
  'ort', 'dicom-microscopy-viewer', 'customizations', '_headers', '_redirects', 'app-config.js', 'es6-shim.min.js',
  'google.js', 'index.html', 'init-service-worker.js', 'manifest.json', 'oidc-client.min.js', 'polyfill.min.js',
  'serve.json', 'silent-refresh.html', 'sw.js',
];

/** The sources that fetch whatever address stands in `?url=`, or take files from the user's machine. */
const SOURCES = ['dicomwebproxy', 'dicomjson', 'dicomlocal', 'merge'];
const sourceEntry = (name) => new RegExp(`,\\s*\\{\\s*name: '${name}',\\s*type: '\\w+',\\s*createDataSource: \\w+\\s*\\}`);

const STORES_REPORT = /onClick: e => \{\s*e\.stopPropagation\(\);\s*if \(actions\?\.createSR\)/g;

/** Pieces of text, by the kind of file, of which each must be found as often as it says in the whole bundle. */
const CHANGES = [
  // A report would be stored, which a session may only do with the CSRF token that this client cannot send.
  { of: '.js', what: STORES_REPORT, by: "style: { display: 'none' }, $&", times: 1 },
  { of: '.js', what: /__webpack_require__\.p = "\/";/g, by: `__webpack_require__.p = "${BASE}";`, times: 8 },
  { of: '.css', what: /url\(\//g, by: `url(${BASE}`, times: 5 },
  ...SOURCES.map((name) => ({ of: '.js', what: new RegExp(sourceEntry(name), 'g'), by: '', times: 1 })),
];

const PACKED = new Set(['.js', '.css', '.wasm', '.svg']);

function isServed(path) {
  const name = path.slice(SOURCE.length + 1);
  const icon = name.startsWith('assets/') && !name.startsWith('assets/images');
  return !LEFT_OUT.includes(name) && !icon && !name.endsWith('.map');
}

function listFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

function change(path, counts) {
  const kind = extname(path);
  if (kind !== '.js' && kind !== '.css') return;
  let text = readFileSync(path, 'utf8');
  for (const [index, each] of CHANGES.entries()) {
    if (each.of !== kind) continue;
    counts[index] += text.match(each.what)?.length ?? 0;
    text = text.replace(each.what, each.by);
  }
  writeFileSync(path, kind === '.js' ? minified(path, text) : text);
}

function minified(path, text) {
  const { code, errors } = minifySync(path, text, {});
  if (errors.length) throw new Error(`${path}: ${errors[0].message}`);
  return code;
}

function requireEveryChange(counts) {
  for (const [index, { what, times }] of CHANGES.entries()) {
    if (counts[index] !== times) throw new Error(`OHIF has changed: ${what} was found ${counts[index]} times, not ${times}.`);
  }
}

/** Beside each file its gzip and Brotli forms, which whitenoise serves: nothing is packed when a stack starts. */
function pack(path) {
  if (!PACKED.has(extname(path))) return;
  const data = readFileSync(path);
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: data.length } };
  for (const [suffix, packed] of [['.gz', gzipSync(data, { level: 9 })], ['.br', brotliCompressSync(data, options)]]) {
    if (packed.length < 0.95 * data.length) writeFileSync(path + suffix, packed);
  }
}

/** Templates name the two files that start everything, so their names stay the same whatever the version. */
function nameEntries(folder) {
  const [script] = readdirSync(folder).filter((name) => /^app\.bundle\.[0-9a-f]+\.js$/.test(name));
  renameSync(join(folder, script), join(folder, 'ohif.js'));
  renameSync(join(folder, 'app.bundle.css'), join(folder, 'ohif.css'));
}

function build() {
  const fresh = `${TARGET}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  cpSync(SOURCE, fresh, { recursive: true, filter: isServed });
  const counts = CHANGES.map(() => 0);
  for (const path of listFiles(fresh)) change(path, counts);
  requireEveryChange(counts);
  nameEntries(fresh);
  cpSync(join(SOURCE, '../LICENSE'), join(fresh, 'LICENSE'));
  for (const path of listFiles(fresh)) pack(path);
  rmSync(TARGET, { recursive: true, force: true });
  renameSync(fresh, TARGET);
}

build();
