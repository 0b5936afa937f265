import { svg } from './dom.js';

/** Outlines on a 24 × 24 grid, drawn with one stroke width so that they look like one set. */
const PATHS = Object.freeze({
  back: ['M15 5l-7 7 7 7'],
  scroll: ['M6 9h12v11H6z', 'M8 6h8', 'M10 3h4'],
  window: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z', 'M12 3v18', 'M12 8h8', 'M12 12h9', 'M12 16h8'],
  zoom: ['M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z', 'M15.3 15.3L20 20', 'M10.5 8v5', 'M8 10.5h5'],
  pan: ['M12 3v18', 'M3 12h18', 'M9 6l3-3 3 3', 'M9 18l3 3 3-3', 'M6 9l-3 3 3 3', 'M18 9l3 3-3 3'],
  length: ['M4 15.5L15.5 4 20 8.5 8.5 20z', 'M7.5 12l2 2', 'M10.5 9l2.5 2.5', 'M13.5 6l2 2'],
  presets: ['M4 7h9', 'M17 7h3', 'M4 17h3', 'M11 17h9', 'M15 5v4', 'M9 15v4'],
  invert: ['M5 4h14v16H5z', 'M5 20L19 4', 'M14 14.5h3', 'M11 17.5h6', 'M16 11.5h1'],
  reset: ['M5 12a7 7 0 1 0 2.3-5.2', 'M5 4.5V8h3.5'],
  play: ['M8 5l11 7-11 7z'],
  pause: ['M8 5v14', 'M16 5v14'],
  clear: ['M5 7h14', 'M9 7V4.5h6V7', 'M7 7l1 13h8l1-13', 'M10.5 11v5', 'M13.5 11v5'],
  help: [
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
    'M9.5 9.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.9',
    'M12 16.7v.1',
  ],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  warning: ['M12 4L2.8 20h18.4z', 'M12 10v4.5', 'M12 17.2v.1'],
});

/**
 * @param {keyof typeof PATHS} name
 * @returns {SVGElement} decorative; the button around it carries the name
 */
export function icon(name) {
  const paths = PATHS[name].map((d) => svg('path', { d }));
  return svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, ...paths);
}
