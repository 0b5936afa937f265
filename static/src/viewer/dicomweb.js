import { frameOf } from './multipart.js';

/** The portal refused or failed a DICOMweb request; `status` is the HTTP status, 0 without a connection. */
export class RequestFailed extends Error {
  constructor(status) {
    super(status ? `The portal answered ${status}.` : 'The portal cannot be reached.');
    this.name = 'RequestFailed';
    this.status = status;
  }
}

const FRAME_TYPE = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';

/** Retries wait this long (ms): a worker that restarts or a tablet that changes its network. */
const RETRY_DELAYS = [400, 1500];

const worthRetrying = (status) => status === 0 || status === 429 || status >= 502;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function attempt(url, accept, signal) {
  let response;
  try {
    response = await fetch(url, {
      headers: { Accept: accept },
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

/** One study behind a DICOMweb service root (PS3.18 §10). */
export class DicomwebStudy {
  /**
   * @param {string} root path of the service, without a trailing slash
   * @param {string} studyInstanceUid
   */
  constructor(root, studyInstanceUid) {
    this.url = `${root.replace(/\/$/, '')}/studies/${studyInstanceUid}`;
  }

  /**
   * QIDO-RS, PS3.18 §10.6.
   * @returns {Promise<object[]>} one DICOM JSON dataset per series
   * @throws {RequestFailed}
   */
  async searchForSeries(signal) {
    const response = await request(`${this.url}/series`, 'application/dicom+json', signal);
    return response.status === 204 ? [] : body(response.json());
  }

  /**
   * WADO-RS metadata, PS3.18 §10.4.1.1.2.
   * @returns {Promise<object[]>} one DICOM JSON dataset per instance
   * @throws {RequestFailed}
   */
  async retrieveSeriesMetadata(seriesInstanceUid, signal) {
    const url = `${this.url}/series/${seriesInstanceUid}/metadata`;
    const response = await request(url, 'application/dicom+json', signal);
    return body(response.json());
  }

  /** @returns {string} address of one frame; `frame` counts from 1 (PS3.18 §10.4.1.1.6) */
  frameUrl(seriesInstanceUid, sopInstanceUid, frame) {
    return `${this.url}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/frames/${frame}`;
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
export async function retrieveFrame(url, signal) {
  const response = await request(url, FRAME_TYPE, signal);
  const contentType = response.headers.get('Content-Type') ?? '';
  const buffer = await body(response.arrayBuffer());
  return frameOf(contentType, new Uint8Array(buffer));
}
