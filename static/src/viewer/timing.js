/** Mark in the page's user timing when something was on the screen for the first time. */
export function markOnce(name) {
  if (!performance.getEntriesByName(name).length) performance.mark(name);
}
