import {
  Enums,
  MagnifyTool,
  PanTool,
  ToolGroupManager,
  ZoomTool,
  addTool,
  init,
} from '@cornerstonejs/tools';

const { MouseBindings } = Enums;

/**
 * @typedef {object} Tool what one finger or the left button does
 * @property {string} name as the toolbar calls it
 * @property {Function} [cornerstone] the tool's class; without one the tool is ours (gestures.js)
 * @property {object[]} [bindings] what triggers it whatever tool is chosen
 * @property {object} [configuration] Cornerstone's
 * @property {'enabled'|'passive'|'disabled'} [rest] while it is not chosen: drawn, also grasped, or not there
 */

const CHOSEN = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];

/** The tools of all panes: one is chosen. Pan and zoom belong to Cornerstone; scroll, window and drawing are ours. */
export class Tools extends EventTarget {
  /** @param {import('@cornerstonejs/core').RenderingEngine} engine */
  constructor(engine) {
    super();
    init();
    this.engine = engine;
    this.group = ToolGroupManager.createToolGroup('reading');
    this.known = new Map();
    this.stacks = new Set();
    this.#addOwn();
  }

  /** @param {Tool} tool */
  add(tool) {
    this.known.set(tool.name, tool);
    if (!tool.cornerstone) return;
    addTool(tool.cornerstone);
    this.group.addTool(tool.cornerstone.toolName, tool.configuration ?? {});
    this.#bind(tool);
  }

  /** @param {string} name */
  choose(name) {
    if (!this.known.has(name)) return;
    this.chosen = name;
    for (const tool of this.known.values()) this.#bind(tool);
    this.dispatchEvent(new CustomEvent('chosen', { detail: { name } }));
  }

  /** @param {import('./stack.js').Stack} stack */
  join(stack) {
    this.stacks.add(stack);
    this.group.addViewport(stack.viewport.id, this.engine.id);
  }

  leave(stack) {
    this.stacks.delete(stack);
    this.group.removeViewports(this.engine.id, stack.viewport.id);
  }

  #bind(tool) {
    if (!tool.cornerstone) return;
    const { toolName } = tool.cornerstone;
    const bindings = [...(tool.bindings ?? []), ...(tool.name === this.chosen ? CHOSEN : [])];
    if (bindings.length) this.group.setToolActive(toolName, { bindings });
    else if (tool.rest === 'passive') this.group.setToolPassive(toolName);
    else if (tool.rest === 'disabled') this.group.setToolDisabled(toolName);
    else this.group.setToolEnabled(toolName);
  }

  #addOwn() {
    this.add({ name: 'scroll' });
    this.add({ name: 'window' });
    this.add({ name: 'pan', cornerstone: PanTool, bindings: [{ mouseButton: MouseBindings.Auxiliary }] });
    this.add({
      name: 'zoom',
      cornerstone: ZoomTool,
      bindings: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
      configuration: { pinchToZoom: true, pan: true },
    });
    this.add({
      name: 'magnify',
      cornerstone: MagnifyTool,
      configuration: { magnifySize: 3, magnifyWidth: 240, magnifyHeight: 240, touchOffset: 60 },
      rest: 'disabled',
    });
  }
}
