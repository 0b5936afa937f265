import { WakeLock, afterSleep } from "./awake.js";
import { SOMEONE_ELSE } from "./answers.js";
import { Batch } from "./batch.js";
import { CsrfToken } from "./csrf.js";
import { Desk } from "./desk.js";
import { pickFiles, wireDrop } from "./picking.js";
import { SigningIn } from "./signing_in.js";
import { useSprite } from "./view/dom.js";
import { Page } from "./view/page.js";

const root = document.getElementById("upload");
if (root?.dataset.uploadsUrl) begin(root);

function begin(root) {
  useSprite(root.dataset.icons);
  const page = new Page(root);
  const csrf = new CsrfToken(root.dataset.csrf, root.dataset.user);
  const batch = new Batch({ endpoint: root.dataset.uploadsUrl, csrf, changed: () => changed() });
  const desk = new Desk(batch, { changed: () => page.changed(), ask: (question) => page.ask(question) });
  const lock = new WakeLock();
  const signingIn = new SigningIn(csrf, (who) =>
    who === "same" ? batch.resume() : batch.halt(SOMEONE_ELSE),
  );
  const changed = () => {
    lock.hold(batch.state === "uploading");
    signingIn.await(batch.problem?.code === "signed-out");
    desk.settle();
    page.changed();
  };
  page.show(batch, desk);
  pickFiles(root, (drop) => desk.take(drop));
  wireDrop(root.querySelector('[data-part="drop"]'), (drop) => desk.take(drop));
  wireControls(root, batch, desk);
  wireWeather(batch, page);
  desk.recall();
}

function wireWeather(batch, page) {
  addEventListener("online", () => batch.retryNow());
  addEventListener("offline", () => page.changed());
  afterSleep(() => batch.wakeUp());
  addEventListener("beforeunload", (event) => {
    if (batch.state === "uploading") event.preventDefault();
  });
}

function wireControls(root, batch, desk) {
  const on = (part, action) => root.querySelector(`[data-part="${part}"]`).addEventListener("click", action);
  on("pause", () => batch.pause());
  on("resume", () => batch.resume());
  on("retry", () => batch.retryNow());
  on("cancel", () => batch.cancel());
  on("retry-refused", () => batch.retryRefused());
  on("send", () => desk.send());
  on("discard", () => desk.discard());
  on("go-on", () => desk.goOn());
  on("forget", () => desk.forget());
}
