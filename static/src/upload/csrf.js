/** The token that Django wants with every unsafe request. */
export class CsrfToken {
  #fresh = null;

  constructor(fromPage, user) {
    Object.assign(this, { fromPage, user });
  }

  get value() {
    return this.#fresh ?? cookie() ?? this.fromPage;
  }

  /**
   * Signing in again in another tab changes the token; the page itself, asked again, holds the new one.
   * @returns {Promise<"same"|"other"|"nobody"|"barred">} who is signed in now: who opened this page, someone else,
   *   nobody, or somebody who may not upload here
   */
  async refresh() {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!response.ok) return response.status === 401 ? "nobody" : "barred";
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const { csrf, user } = page.getElementById("upload")?.dataset ?? {};
    if (!csrf) return "nobody";
    if (user !== this.user) return "other";
    this.#fresh = csrf;
    return "same";
  }
}

function cookie() {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-|__Secure-)?csrftoken=([^;]+)/)?.[1] ?? null;
}
