import { element } from './dom.js';
import { icon } from './icons.js';
import { CannotBeShown } from './decodability.js';
import { RequestFailed } from './dicomweb.js';
import { transferSyntaxName } from './transfer_syntaxes.js';

/**
 * @typedef {object} Message
 * @property {string} title
 * @property {string[]} lines
 * @property {'reload'|'retry'|null} [action]
 */

/** @returns {boolean} whether nothing more may or can be read after this error */
export function endsReading(error) {
  return error instanceof RequestFailed && [401, 403, 404].includes(error.status);
}

/**
 * What to tell about a refused or failed request.
 * @param {number} status HTTP status, 0 without a connection
 * @param {boolean} worked whether the study had been readable in this page
 * @returns {Message}
 */
export function requestMessage(status, worked) {
  if (status === 401) {
    return {
      title: 'Your session has ended',
      lines: ['Sign in again to go on reading.'],
      action: 'reload',
    };
  }
  if (status === 403) {
    return { title: 'You may not view this study', lines: ['Ask the practice that holds it for access.'] };
  }
  if (status === 404) return missingStudy(worked);
  if (status === 0) {
    return {
      title: 'No connection',
      lines: ['The portal cannot be reached. Check your network.'],
      action: 'retry',
    };
  }
  if (status === 503) {
    return {
      title: 'The image is out of reach',
      lines: ['Neither region could deliver it. Try again in a minute.'],
      action: 'retry',
    };
  }
  return {
    title: 'The portal could not answer',
    lines: [`It answered with status ${status}.`],
    action: 'retry',
  };
}

function missingStudy(worked) {
  if (worked) {
    return {
      title: 'This study is no longer shared with you',
      lines: ['Ask the practice that sent it for a new link.'],
    };
  }
  return { title: 'This study was not found', lines: ['It does not exist, or it is not shared with you.'] };
}

/**
 * What to show in place of one image.
 * @param {Error} error
 * @param {import('./series_images.js').StackImage} image
 * @returns {Message}
 */
export function imageMessage(error, image) {
  const where = `SOP Instance ${image.sopInstanceUid}${image.frame > 1 ? `, frame ${image.frame}` : ''}`;
  if (error instanceof CannotBeShown) {
    const encoding = `Encoding: ${transferSyntaxName(error.transferSyntaxUid)}`;
    return {
      title: 'This image cannot be shown here',
      lines: [error.message, encoding, where, 'Download the study to open it.'],
    };
  }
  if (error instanceof RequestFailed && error.status === 404) {
    return { title: 'This image is missing on the portal', lines: [where], action: 'retry' };
  }
  if (error instanceof RequestFailed) return requestMessage(error.status, true);
  return { title: 'This image could not be read', lines: [error.message, where], action: 'retry' };
}

/** @returns {Message} for a series without pixels */
export function notAnImage(kind) {
  return { title: `${kind} cannot be shown as an image`, lines: ['Download the study to open it.'] };
}

/** A message in place of the images. */
export class MessagePanel {
  /** @param {() => void} onRetry */
  constructor(onRetry) {
    this.onRetry = onRetry;
    this.node = element('div', { class: 'message', role: 'alert', hidden: true });
  }

  /** @param {Message} message */
  show({ title, lines, action = null }) {
    const card = element('div', { class: 'message-card' }, icon('warning'), element('h2', {}, title));
    for (const line of lines) card.append(element('p', {}, line));
    if (action) card.append(this.#button(action));
    this.node.replaceChildren(card);
    this.node.hidden = false;
  }

  hide() {
    this.node.hidden = true;
  }

  #button(action) {
    const label = action === 'reload' ? 'Sign in again' : 'Try again';
    const onclick = action === 'reload' ? () => window.location.reload() : this.onRetry;
    return element('button', { class: 'button-primary', type: 'button', onclick }, label);
  }
}
