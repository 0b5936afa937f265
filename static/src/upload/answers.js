import { t } from "../i18n.js";

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
    return { kind: "refused", code: "too-large", message: reason ?? t("Larger than this archive accepts.") };
  if (RETRIED.has(status) || status === 0 || status >= 500) return LOST;
  return {
    kind: "refused",
    code: `status-${status}`,
    message: reason ?? t("The server did not accept this file ({status}).", { status }),
  };
}

// 409: the offsets differ, a HEAD puts that right. 423: the cut request still holds the lock. 460: a checksum
// did not match.
const RETRIED = new Set([408, 409, 423, 425, 429, 460]);

const LOST = { kind: "lost", code: "lost", message: t("The connection was lost.") };
const GONE = { kind: "gone", code: "gone", message: t("The server no longer knows this upload.") };
export const SIGNED_OUT = {
  kind: "halt",
  code: "signed-out",
  message: t("You have been signed out. Sign in again in a new tab; the upload then goes on here by itself."),
};
export const FORBIDDEN = {
  kind: "forbidden",
  code: "forbidden",
  message: t(
    "Your account may not upload to this practice. If you have just signed in as someone else, reload this page.",
  ),
};
const FULL = {
  kind: "halt",
  code: "full",
  message: t(
    "The archive has no room left. What was stored is safe. Tell your administrator, then press Resume.",
  ),
};
export const SOMEONE_ELSE = {
  kind: "halt",
  code: "someone-else",
  message: t(
    "Someone else has signed in. Sign in as yourself in a new tab, or reload this page to begin anew.",
  ),
};
export const OFFLINE = {
  code: "offline",
  message: t("You are offline. The upload goes on by itself when the connection is back."),
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
