// The text of each page of the PDF on standard input, as a JSON array: read by a stranger's reader.
import { readFileSync } from 'node:fs';
import { getDocument } from '../../static/node_modules/pdfjs-dist/legacy/build/pdf.mjs';

const loading = getDocument({ data: new Uint8Array(readFileSync(0)), useSystemFonts: false, verbosity: 0 });
const pdf = await loading.promise;
const pages = [];
for (let number = 1; number <= pdf.numPages; number += 1) {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  pages.push(items.map((item) => item.str + (item.hasEOL ? '\n' : '')).join(''));
}
process.stdout.write(JSON.stringify(pages));
await loading.destroy();
