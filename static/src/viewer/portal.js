import { RequestFailed } from './dicomweb.js';

/** The token that Django wants with every unsafe request: the cookie's, which changes at sign-in, else the page's. */
function csrfToken(root) {
  const cookie = document.cookie.match(/(?:^|;\s*)(?:__Host-|__Secure-)?csrftoken=([^;]+)/);
  return cookie?.[1] ?? root.dataset.csrf ?? '';
}

/**
 * Send JSON to one of the portal's own addresses.
 * @param {HTMLElement} root `#viewer`
 * @param {string} url
 * @param {object} content
 * @returns {Promise<Response>} of success, or of a status in `expected`
 * @throws {RequestFailed}
 */
export async function post(root, url, content, expected = []) {
  const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': csrfToken(root) };
  return ask(url, { method: 'POST', headers, body: JSON.stringify(content) }, expected);
}

/** @returns {Promise<object>} the JSON at an address; throws `RequestFailed` */
export async function get(url) {
  const response = await ask(url, { headers: { Accept: 'application/json' } });
  return response.json();
}

async function ask(url, options, expected = []) {
  let response;
  try {
    response = await fetch(url, { credentials: 'same-origin', redirect: 'manual', cache: 'no-store', ...options });
  } catch {
    throw new RequestFailed(0);
  }
  if (response.type === 'opaqueredirect') throw new RequestFailed(401);
  if (!response.ok && !expected.includes(response.status)) throw new RequestFailed(response.status);
  return response;
}
