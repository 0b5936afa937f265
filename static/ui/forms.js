/** `data-submit-once` stops a second submit; `data-autosubmit` submits when a select changes. */
export function enhanceForms(root) {
  root.addEventListener("submit", (event) => {
    if (event.target.matches("[data-submit-once]")) submitOnce(event);
  });
  root.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit] select")) event.target.form.requestSubmit();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) root.querySelectorAll("[data-submit-once]").forEach(release);
  });
}

function submitOnce(event) {
  const form = event.target;
  if (form.dataset.submitted) return event.preventDefault();
  form.dataset.submitted = "true";
  // Not `disabled`: a disabled button would take its own name and value out of what is sent.
  buttons(form).forEach((button) => button.setAttribute("aria-disabled", "true"));
}

function release(form) {
  delete form.dataset.submitted;
  buttons(form).forEach((button) => button.removeAttribute("aria-disabled"));
}

function buttons(form) {
  return form.querySelectorAll("button:not([type=button]), input[type=submit]");
}
