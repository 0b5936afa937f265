import {
  Enums,
  LengthTool,
  PanTool,
  ToolGroupManager,
  ZoomTool,
  addTool,
  annotation,
  init,
} from '@cornerstonejs/tools';
import { lengthText } from './calibration.js';

const { MouseBindings } = Enums;
const LINE = 'rgb(255, 214, 102)';

/** @typedef {'scroll'|'window'|'zoom'|'pan'|'length'} ToolName what one finger or the left button does */

const CORNERSTONE = Object.freeze({
  zoom: ZoomTool.toolName,
  pan: PanTool.toolName,
  length: LengthTool.toolName,
});

/** Bindings that hold whatever the chosen tool is: right button or pinch, middle button. */
const ALWAYS = Object.freeze({
  [ZoomTool.toolName]: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
  [PanTool.toolName]: [{ mouseButton: MouseBindings.Auxiliary }],
});

const CHOSEN = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];

function styleMeasurements() {
  const style = annotation.config.style.getDefaultToolStyles();
  const colours = { color: LINE, colorHighlighted: 'white', colorSelected: LINE };
  const textBox = {
    textBoxColor: LINE,
    textBoxColorHighlighted: 'white',
    textBoxColorSelected: LINE,
    textBoxFontSize: '16px',
    textBoxFontFamily: 'system-ui, sans-serif',
  };
  Object.assign(style.global, colours, textBox, { lineWidth: '2', lineDash: '', shadow: true });
  annotation.config.style.setDefaultToolStyles(style);
}

/** Start Cornerstone's tools: before the viewport exists, or they never hear its mouse and fingers. */
export function startTools() {
  init();
  for (const tool of [PanTool, ZoomTool, LengthTool]) addTool(tool);
  styleMeasurements();
}

/** Pan, zoom and length belong to Cornerstone; scroll and window are ours (gestures.js). */
export class Tools {
  /**
   * @param {import('@cornerstonejs/core').RenderingEngine} engine
   * @param {import('./stack.js').Stack} stack
   */
  constructor(engine, stack) {
    this.stack = stack;
    this.group = ToolGroupManager.createToolGroup('reading');
    this.group.addTool(PanTool.toolName);
    this.group.addTool(ZoomTool.toolName, { pinchToZoom: true, pan: true });
    this.group.addTool(LengthTool.toolName, {
      getTextLines: (data) => this.#lengthText(data),
      actions: {},
    });
    this.group.addViewport(stack.viewport.id, engine.id);
  }

  /** @param {ToolName} name */
  choose(name) {
    this.chosen = name;
    for (const toolName of Object.values(CORNERSTONE)) {
      const bindings = [...(ALWAYS[toolName] ?? []), ...(CORNERSTONE[name] === toolName ? CHOSEN : [])];
      if (bindings.length) this.group.setToolActive(toolName, { bindings });
      else this.group.setToolEnabled(toolName);
    }
  }

  /** @returns {number} measurements drawn on the open series */
  get measurements() {
    return annotation.state.getAllAnnotations().length;
  }

  clearMeasurements() {
    annotation.state.removeAllAnnotations();
    this.stack.viewport.render();
  }

  #lengthText(data) {
    const points = data.handles.points.map((point) => this.stack.pixelAt(point));
    return this.stack.isShown ? lengthText(this.stack.image, points) : [];
  }
}
