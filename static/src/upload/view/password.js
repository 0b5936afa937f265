import { t } from "../../i18n.js";
import { setHidden, setText } from "./dom.js";

/** Asks for the passwords of locked archives, one after the other. */
export class PasswordDialog {
  #questions = [];

  constructor(dialog) {
    this.dialog = dialog;
    this.part = (name) => dialog.querySelector(`[data-part="${name}"]`);
    this.field = dialog.querySelector("input");
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answer(this.field.value);
    });
    this.part("no-password").addEventListener("click", () => this.#answer(null));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#answer(null);
    });
  }

  /** @param {{name: string, isWrong: boolean, answer: (password: string|null) => void}} question */
  ask(question) {
    this.#questions.push(question);
    if (this.#questions.length === 1) this.#show();
  }

  #show() {
    const { name, isWrong } = this.#questions[0];
    setText(this.part("locked-name"), name);
    setText(this.part("wrong"), t("That password does not open it."));
    setHidden(this.part("wrong"), !isWrong);
    this.field.value = "";
    if (!this.dialog.open) this.dialog.showModal();
    this.field.focus();
  }

  #answer(password) {
    const { answer } = this.#questions.shift();
    this.field.value = "";
    if (this.#questions.length) this.#show();
    else this.dialog.close();
    answer(password);
  }
}
