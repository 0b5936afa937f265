/** The token that Django wants with every unsafe request. */
export class CsrfToken {
  #fresh = null;

  constructor(fromPage) {
    this.fromPage = fromPage;
  }

  get value() {
    return this.#fresh ?? cookie() ?? this.fromPage;
  }

  /** Signing in again in another tab changes the token; the page itself, asked again, holds the new one. */
  async refresh() {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    this.#fresh = page.getElementById("upload")?.dataset.csrf ?? null;
    return this.#fresh !== null;
  }
}

function cookie() {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-|__Secure-)?csrftoken=([^;]+)/)?.[1] ?? null;
}
