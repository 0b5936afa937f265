const FORMAT = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
  dateStyle: "medium",
  timeStyle: "short",
});

/**
 * `<time datetime="…" data-local>` is shown in the reader's own zone; the exact instant stays in the title.
 */
export function enhanceTimes(root) {
  root.querySelectorAll("time[data-local][datetime]").forEach((element) => {
    const instant = new Date(element.dateTime);
    if (Number.isNaN(instant.valueOf())) return;
    element.title = instant.toISOString();
    element.textContent = FORMAT.format(instant);
  });
}
