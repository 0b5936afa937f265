import * as arch from './arch.js';
import * as cine from './cine.js';
import * as exporting from './exporting.js';
import * as layout from './layout.js';
import * as linking from './linking.js';
import * as marks from '../marks/index.js';
import * as looking from './looking.js';
import * as more from './more.js';
import * as mount from './mount.js';
import * as regions from './regions.js';
import * as view from './view.js';
import * as volume from './volume.js';
import * as windows from './windows.js';

/**
 * What the bar and the keys offer, by noun. A control exports some of:
 * `plug(viewer)` adds its entries and keys before anything is read; `ready(viewer)` runs when `viewer.tools` is there;
 * `priors(viewer, studies)` hears of the patient's other studies, newest first;
 * `open(viewer)` may open a study in a way of its own, and resolves to whether it did.
 */
export const controls = Object.freeze([
  looking,
  windows,
  cine,
  layout,
  linking,
  mount,
  volume,
  arch,
  view,
  regions,
  exporting,
  more,
  marks,
]);
