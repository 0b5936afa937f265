/**
 * Texts in the reader's language. The English text is the key, as in gettext; the page carries the others as JSON in
 * `<script type="application/json" id="texts">`, which no CSP has to allow, for it runs nothing.
 */
const catalog = JSON.parse(globalThis.document?.querySelector('#texts')?.textContent || '{}');

const page = globalThis.document?.documentElement;

/** For `Intl`: the reader's language. English writes dates with the day first, as the server does. */
export const locale = !page?.lang || page.lang === 'en' ? 'en-GB' : page.lang;

/** For `Intl`: the clock that the server shows times on, the practice's or the reader's own. */
export const zone = page?.dataset?.zone || undefined;

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/**
 * @param {string} text in English, with `{name}` where values stand
 * @param {Object<string, string|number>} values
 */
export function t(text, values = {}) {
  return filled(catalog[text] ?? text, values);
}

/** One text for one thing and another for several; `{count}` stands for how many. */
export function tn(one, several, count, values = {}) {
  return t(count === 1 ? one : several, { count, ...values });
}
