/** What a failed request means for the upload, in the user's words. */

/**
 * @param {{status: number, html: boolean, reason: string|null}} answer status 0: no answer at all
 * @returns {{kind: "lost"|"halt"|"refused"|"gone"|"forbidden", code: string, message: string}}
 */
export function judge({ status, html, reason }) {
  if (status === 401 || (status >= 200 && status < 400 && html)) return SIGNED_OUT;
  if (status === 403) return reason ? { kind: "halt", code: "gate", message: reason } : FORBIDDEN;
  if (status === 404 || status === 410) return GONE;
  if (status === 507) return FULL;
  if (status === 413)
    return { kind: "refused", code: "too-large", message: reason ?? "Larger than this archive accepts." };
  if (RETRIED.has(status) || status === 0 || status >= 500) return LOST;
  return {
    kind: "refused",
    code: `status-${status}`,
    message: reason ?? `The server did not accept this file (${status}).`,
  };
}

// 409: the offsets differ, a HEAD puts that right. 423: the cut request still holds the lock. 460: a checksum
// did not match.
const RETRIED = new Set([408, 409, 423, 425, 429, 460]);

const LOST = { kind: "lost", code: "lost", message: "The connection was lost." };
const GONE = { kind: "gone", code: "gone", message: "The server no longer knows this upload." };
export const SIGNED_OUT = {
  kind: "halt",
  code: "signed-out",
  message:
    "You have been signed out. Sign in again in another tab, then press Resume here. Nothing that was sent is lost.",
};
const FORBIDDEN = {
  kind: "forbidden",
  code: "forbidden",
  message:
    "Your account may not upload to this practice. If you have just signed in as someone else, reload this page.",
};
const FULL = {
  kind: "halt",
  code: "full",
  message:
    "The archive has no room left. What was stored is safe. Tell your administrator, then press Resume.",
};
export const OFFLINE = {
  code: "offline",
  message: "You are offline. The upload goes on by itself when the connection is back.",
};

/** @param {import("tus-js-client").DetailedError | Error} error */
export function answerOf(error) {
  const response = error.originalResponse;
  if (!response) return { status: 0, html: false, reason: null };
  const html = (response.getHeader("Content-Type") ?? "").startsWith("text/html");
  return { status: response.getStatus(), html, reason: reasonIn(html ? "" : response.getBody()) };
}

/** A reason the server gives as JSON `{"reason": …}`; anything else is not shown to the user. */
export function reasonIn(body) {
  try {
    const { message, reason } = JSON.parse(body);
    return message || reason || null;
  } catch {
    return null;
  }
}
