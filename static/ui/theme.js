// A classic script in <head>: it runs before the first paint, so a chosen theme never flashes.
(() => {
  const root = document.documentElement;
  const forced = root.classList.contains("theme-dark") || root.classList.contains("theme-light");
  if (forced) return;
  try {
    const chosen = localStorage.getItem("collimate.theme");
    if (chosen === "dark" || chosen === "light") root.classList.add(`theme-${chosen}`);
  } catch {
    // Storage may be blocked; the system's preference then decides.
  }
})();
