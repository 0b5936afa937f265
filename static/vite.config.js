import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Entry points whose names stay stable, because Django's templates name them. */
function entries() {
  const input = { viewer: here('./src/viewer/main.js'), worklist: here('./src/worklist/main.js') };
  const upload = here('./src/upload/main.js');
  if (existsSync(upload)) input.upload = upload;
  return input;
}

const hashed = 'viewer/assets/[name]-[hash].js';
const asset = 'viewer/assets/[name]-[hash][extname]';

const STYLE_ATTRIBUTE = "textElement.setAttribute('style', combinedStyle)";

/** Cornerstone styles one label by attribute, which our CSP refuses; by property it is allowed. */
const labelsWithinCsp = {
  name: 'labels-within-csp',
  transform(code, id) {
    if (!id.endsWith('/drawingSvg/drawTextBox.js')) return null;
    if (!code.includes(STYLE_ATTRIBUTE))
      this.error('drawTextBox.js has changed: look at its labels under the CSP.');
    return { code: code.replace(STYLE_ATTRIBUTE, 'textElement.style.cssText = combinedStyle'), map: null };
  },
};

const OUTLINE_STYLE = "document.querySelector('style[data-openseadragon-mobile-css]')";

/** OpenSeadragon hides its focus outline on phones by a style element, which our CSP refuses, and which we do not want. */
const tilesWithinCsp = {
  name: 'tiles-within-csp',
  transform(code, id) {
    if (!id.endsWith('/openseadragon/openseadragon.js')) return null;
    if (!code.includes(OUTLINE_STYLE)) this.error('openseadragon.js has changed: look at its styles under the CSP.');
    return { code: code.replace(OUTLINE_STYLE, 'true'), map: null };
  },
};

/** What PDF.js fetches by name when a document needs it: character maps, the standard fonts, decoders. */
const PDF_PARTS = ['cmaps', 'standard_fonts', 'wasm', 'iccs'];

const pdfParts = {
  name: 'pdf-parts',
  generateBundle() {
    for (const part of PDF_PARTS) {
      const folder = here(`./node_modules/pdfjs-dist/${part}`);
      for (const name of readdirSync(folder)) {
        const source = readFileSync(`${folder}/${name}`);
        this.emitFile({ type: 'asset', fileName: `viewer/pdf/${part}/${name}`, source });
      }
    }
  },
};

export default defineConfig({
  base: '/static/',
  publicDir: false,
  resolve: {
    alias: [
      { find: 'xmlbuilder2', replacement: here('./src/viewer/without_xml.js') },
      // vtk.js draws by WebGL or by WebGPU; Cornerstone never asks for the second, which is a twelfth of the script.
      { find: /^\.\.\/WebGPU\/Profiles\/\w+\.js$/, replacement: here('./src/viewer/without_webgpu.js') },
    ],
  },
  plugins: [labelsWithinCsp, tilesWithinCsp, pdfParts],
  worker: {
    format: 'es',
    rolldownOptions: { output: { entryFileNames: hashed, chunkFileNames: hashed, assetFileNames: asset } },
  },
  build: {
    outDir: here('../var/build'),
    emptyOutDir: true,
    // The viewer's page names the chunks that its first image needs (imaging/views/viewer.py).
    manifest: 'viewer/manifest.json',
    target: 'es2022',
    // A wasm inlined as a data: URL would need `connect-src data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096,
    rolldownOptions: {
      input: entries(),
      output: {
        entryFileNames: '[name]/[name].js',
        chunkFileNames: hashed,
        assetFileNames: asset,
      },
    },
  },
});
