// The same order as the dates the server writes: 21 Nov 2026, 23:28.
const MINUTES = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
const FORMATS = {
  seconds: new Intl.DateTimeFormat("en-GB", { ...MINUTES, second: "2-digit" }),
  minutes: new Intl.DateTimeFormat("en-GB", MINUTES),
};

/**
 * `<time datetime="…" data-local>` (or `data-local="seconds"`) is shown in the reader's own zone; the exact
 * instant stays in the title.
 */
export function enhanceTimes(root) {
  root.querySelectorAll("time[data-local][datetime]").forEach((element) => {
    const instant = new Date(element.dateTime);
    if (Number.isNaN(instant.valueOf())) return;
    element.title = instant.toISOString();
    element.textContent = (FORMATS[element.dataset.local] ?? FORMATS.minutes).format(instant);
  });
}
