import { frameOf } from './multipart.js';
import { EXPLICIT_LITTLE_ENDIAN } from './transfer_syntaxes.js';

/** The portal refused or failed a DICOMweb request; `status` is the HTTP status, 0 without a connection. */
export class RequestFailed extends Error {
  constructor(status) {
    super(status ? `The portal answered ${status}.` : 'The portal cannot be reached.');
    this.name = 'RequestFailed';
    this.status = status;
  }
}

const FRAME_TYPE = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';

const DECODED_FRAME_TYPE = `application/octet-stream; transfer-syntax=${EXPLICIT_LITTLE_ENDIAN}`;

/** Retries wait this long (ms): a worker that restarts or a tablet that changes its network. */
const RETRY_DELAYS = [400, 1500];

const worthRetrying = (status) => status === 0 || status === 429 || status >= 502;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function attempt(url, accept, signal, headers = {}) {
  let response;
  try {
    response = await fetch(url, {
      headers: { Accept: accept, ...headers },
      credentials: 'same-origin',
      redirect: 'manual',
      signal,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new RequestFailed(0);
  }
  // A redirect from the data plane can only be the way to the login page.
  if (response.type === 'opaqueredirect') throw new RequestFailed(401);
  if (!response.ok) throw new RequestFailed(response.status);
  return response;
}

async function request(url, accept, signal) {
  for (const delay of RETRY_DELAYS) {
    try {
      return await attempt(url, accept, signal);
    } catch (error) {
      if (!(error instanceof RequestFailed) || !worthRetrying(error.status)) throw error;
      await pause(delay);
    }
  }
  return attempt(url, accept, signal);
}

async function body(reading) {
  try {
    return await reading;
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new RequestFailed(0);
  }
}

/** A failure is told to whoever comes for the answer. */
function awaited(answer) {
  answer.catch(() => {});
  return answer;
}

/** One study behind a DICOMweb service root (PS3.18 §10). */
export class DicomwebStudy {
  /**
   * @param {string} root path of the service, without a trailing slash
   * @param {string} studyInstanceUid
   * @param {object} [told] as the screen states it: patient, study, and of priors the heading, a few words and the modalities
   */
  constructor(root, studyInstanceUid, { title = '', subtitle = '', heading = '', words = '', modalities = [] } = {}) {
    Object.assign(this, { uid: studyInstanceUid, title, subtitle, heading, words, modalities });
    this.url = `${root.replace(/\/$/, '')}/studies/${studyInstanceUid}`;
  }

  /**
   * QIDO-RS, PS3.18 §10.6.
   * @returns {Promise<object[]>} one DICOM JSON dataset per series
   * @throws {RequestFailed}
   */
  async searchForSeries() {
    const { expectedList } = this;
    this.expectedList = null;
    return expectedList ?? this.#listOfSeries();
  }

  /**
   * Ask for the list of series, and for one series' metadata, before anybody needs them; whoever does then gets these
   * answers, once.
   * @param {string} [seriesInstanceUid]
   */
  expect(seriesInstanceUid) {
    this.expectedList = awaited(this.#listOfSeries());
    if (!seriesInstanceUid) return;
    this.expectedSeries = { seriesInstanceUid, metadata: awaited(this.#seriesMetadata(seriesInstanceUid)) };
  }

  async #listOfSeries() {
    const response = await request(`${this.url}/series`, 'application/dicom+json');
    return response.status === 204 ? [] : body(response.json());
  }

  /**
   * WADO-RS metadata, PS3.18 §10.4.1.1.2.
   * @returns {Promise<object[]>} one DICOM JSON dataset per instance
   * @throws {RequestFailed}
   */
  async retrieveSeriesMetadata(seriesInstanceUid, signal) {
    const { expectedSeries: expected } = this;
    this.expectedSeries = null;
    if (expected?.seriesInstanceUid === seriesInstanceUid) return expected.metadata;
    return this.#seriesMetadata(seriesInstanceUid, signal);
  }

  async #seriesMetadata(seriesInstanceUid, signal) {
    const url = `${this.url}/series/${seriesInstanceUid}/metadata`;
    const response = await request(url, 'application/dicom+json', signal);
    return body(response.json());
  }

  /** @returns {string} address of one frame; `frame` counts from 1 (PS3.18 §10.4.1.1.6) */
  frameUrl(seriesInstanceUid, sopInstanceUid, frame) {
    return `${this.instanceUrl(seriesInstanceUid, sopInstanceUid)}/frames/${frame}`;
  }

  /** @returns {string} address of an instance (PS3.18 §10.4.1.1.1) */
  instanceUrl(seriesInstanceUid, sopInstanceUid) {
    return `${this.url}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
  }

  /** @returns {string} address of one frame drawn by the server, at most `edge` pixels wide and high */
  pictureUrl(seriesInstanceUid, sopInstanceUid, frame, edge, window = null) {
    const query = new URLSearchParams({ viewport: `${edge},${edge}` });
    if (window) query.set('window', `${window.center},${Math.max(1, window.width)},linear`);
    return `${this.frameUrl(seriesInstanceUid, sopInstanceUid, frame)}/rendered?${query}`;
  }

  /** @returns {string} address of the series' thumbnail */
  thumbnailUrl(seriesInstanceUid) {
    return `${this.url}/series/${seriesInstanceUid}/thumbnail`;
  }
}

/**
 * Fetch one frame as it is stored.
 * @param {string} url from `DicomwebStudy.frameUrl`
 * @returns {Promise<{bytes: Uint8Array, transferSyntaxUid: string}>}
 * @throws {RequestFailed}
 * @throws {MalformedMultipart}
 */
export function retrieveFrame(url, signal) {
  return frameAs(url, FRAME_TYPE, signal);
}

/**
 * Fetch one frame decoded by the portal, in Explicit VR Little Endian.
 * @param {string} url from `DicomwebStudy.frameUrl`
 * @returns {Promise<{bytes: Uint8Array, transferSyntaxUid: string}>}
 * @throws {RequestFailed} 406 for what it does not decode
 */
export function retrieveDecodedFrame(url, signal) {
  return frameAs(url, DECODED_FRAME_TYPE, signal);
}

/**
 * Fetch a picture that the portal draws (PS3.18 §10.4.1.1.3), without loss.
 * @param {string} url of a frame or an instance, with `/rendered`
 * @returns {Promise<Blob>}
 * @throws {RequestFailed}
 */
export async function retrievePicture(url, signal) {
  return body((await request(url, 'image/png', signal)).blob());
}

/**
 * Fetch bulk data, or a document (PS3.18 §10.4.1.1.5).
 * @param {string} url
 * @param {string} [mediaType]
 * @returns {Promise<Uint8Array>}
 * @throws {RequestFailed}
 */
export async function retrieveBytes(url, { mediaType = 'application/octet-stream', signal } = {}) {
  return new Uint8Array(await body((await request(url, mediaType, signal)).arrayBuffer()));
}

/**
 * Fetch how a long value begins.
 * @param {string} url
 * @param {number} [length] bytes
 * @returns {Promise<Uint8Array>}
 * @throws {RequestFailed}
 */
export async function retrieveStart(url, length = 1024) {
  const response = await attempt(url, 'application/octet-stream', undefined, { Range: `bytes=0-${length - 1}` });
  return new Uint8Array(await body(response.arrayBuffer()));
}

async function frameAs(url, accept, signal) {
  const response = await request(url, accept, signal);
  const contentType = response.headers.get('Content-Type') ?? '';
  const buffer = await body(response.arrayBuffer());
  return frameOf(contentType, new Uint8Array(buffer));
}
