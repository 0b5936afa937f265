const EVERY = 10_000;

/**
 * When the session has ended: looks whether the user has signed in again, in another tab, and lets the upload go
 * on. Looking is what a signed-out page may do without counting as activity.
 */
export class SigningIn {
  #timer = null;
  #looking = false;

  /** @param back `("same"|"other")`: someone has signed in */
  constructor(csrf, back) {
    Object.assign(this, { csrf, back });
    addEventListener("focus", () => this.#look());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  await(isSignedOut) {
    if (isSignedOut === (this.#timer !== null)) return;
    clearInterval(this.#timer);
    this.#timer = isSignedOut ? setInterval(() => this.#look(), EVERY) : null;
  }

  async #look() {
    if (this.#timer === null || this.#looking || document.hidden) return;
    this.#looking = true;
    const who = await this.csrf.refresh().catch(() => "nobody");
    this.#looking = false;
    if (who === "same" || who === "other") this.back(who);
  }
}
