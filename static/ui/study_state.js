/** Keeps the study's state track fresh until every step is done; slower the longer it takes. */

const FIRST_DELAY = 2000;
const LONGEST_DELAY = 30000;

/** A forgotten page must not keep its session alive by asking. */
const PATIENCE = 10 * 60 * 1000;

const host = document.querySelector("[data-state-url]");
const isSettled = () => host.querySelector("[data-settled]")?.dataset.settled === "true";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function refresh() {
  const response = await fetch(host.dataset.stateUrl, { credentials: "same-origin", redirect: "manual" });
  if (response.ok) host.innerHTML = await response.text();
  return response.ok || response.status >= 500;
}

async function follow() {
  const end = Date.now() + PATIENCE;
  for (
    let delay = FIRST_DELAY;
    !isSettled() && Date.now() < end;
    delay = Math.min(LONGEST_DELAY, delay * 1.3)
  ) {
    await pause(delay);
    if (document.hidden) continue;
    try {
      if (!(await refresh())) return;
    } catch {
      // The connection is away; the next round tries again.
    }
  }
}

if (host) follow();
