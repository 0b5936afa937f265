import { CT_PRESETS } from './presets.js';

/** Keys, what they do in words, and the command with its argument. */
const KEYS = Object.freeze({
  ArrowUp: ['step', -1],
  ArrowLeft: ['step', -1],
  ArrowDown: ['step', 1],
  ArrowRight: ['step', 1],
  PageUp: ['step', -10],
  PageDown: ['step', 10],
  Home: ['step', -Infinity],
  End: ['step', Infinity],
  ' ': ['play'],
  '+': ['zoom', 1.25],
  '=': ['zoom', 1.25],
  '-': ['zoom', 0.8],
  i: ['invert'],
  r: ['reset'],
  s: ['choose', 'scroll'],
  w: ['choose', 'window'],
  z: ['choose', 'zoom'],
  p: ['choose', 'pan'],
  l: ['choose', 'length'],
  Delete: ['clear'],
  '[': ['series', -1],
  ']': ['series', 1],
  '?': ['help'],
  Escape: ['closeMenu'],
});

/** Lines of the help: keys and what they do. */
export const SHORTCUTS = Object.freeze([
  ['↑ ↓ ← →', 'Previous and next image'],
  ['Page Up, Page Down', 'Ten images'],
  ['Home, End', 'First and last image'],
  ['Space', 'Play and pause'],
  ['+ −', 'Zoom'],
  ['S W Z P L', 'Scroll, window, zoom, pan, length'],
  ['1 – 6', 'CT window presets'],
  ['I', 'Invert'],
  ['R', 'Reset'],
  ['Delete', 'Clear measurements'],
  ['[ ]', 'Previous and next series'],
  ['?', 'This help'],
]);

function commandOf(key) {
  const preset = /^[1-9]$/.test(key) ? CT_PRESETS[Number(key) - 1] : null;
  return preset ? ['preset', preset] : KEYS[key.length === 1 ? key.toLowerCase() : key];
}

function takesKey(target, key) {
  if (target.closest('dialog, input, textarea, select')) return true;
  return (key === ' ' || key === 'Enter') && Boolean(target.closest('button, a'));
}

/**
 * Listen for shortcuts.
 * @param {Object<string, Function>} commands
 */
export function listenToKeys(commands) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || takesKey(event.target, event.key)) return;
    const command = commandOf(event.key);
    if (!command) return;
    event.preventDefault();
    commands[command[0]](command[1]);
  });
}
