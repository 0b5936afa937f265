// A classic script in <head>: it runs before the first paint, so that no name shows where identities are hidden.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  try {
    if (localStorage.getItem("collimate.privacy") === "1") root.dataset.privacy = "";
  } catch {
    // Storage may be blocked; identities are then hidden page by page.
  }
})();
