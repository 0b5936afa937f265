import {
  RenderingEngine,
  cache,
  imageLoader,
  init as initCore,
  setUseCPURendering,
} from '@cornerstonejs/core';
import { getRenderingCapabilities } from '@cornerstonejs/core/utilities/renderingCapabilities';
import { init as initImageLoader } from '@cornerstonejs/dicom-image-loader';
import { loadCut, loadFrame } from './frame_loader.js';

const GIB = 1024 ** 3;

/** Decoded pixels kept in memory (bytes): tablets close a tab that takes a gigabyte. */
function cacheSize() {
  const touch = window.matchMedia('(pointer: coarse)').matches;
  return touch || (navigator.deviceMemory ?? 8) <= 4 ? GIB / 2 : GIB;
}

/**
 * Draw on the processor when there is no graphics card.
 *
 * A software WebGL (SwiftShader, llvmpipe) counts as none: it takes three times as long as Cornerstone's own
 * drawing on a 2D canvas. Cornerstone falls back by itself only when WebGL is missing altogether.
 * @returns {boolean} whether images are drawn on the processor
 */
export function drawsOnProcessor() {
  const { webgl, softwareRasterizer } = getRenderingCapabilities();
  return !webgl || softwareRasterizer;
}

/**
 * Start Cornerstone once per page.
 * @returns {RenderingEngine}
 */
export function startEngine() {
  // The decoders first: they start while this page finds out how to draw.
  initImageLoader({ maxWebWorkers: Math.max(1, Math.min(4, (navigator.hardwareConcurrency ?? 2) - 1)) });
  const onProcessor = drawsOnProcessor();
  initCore({ rendering: { useCPURendering: onProcessor, webGlContextCount: 1 } });
  if (onProcessor) setUseCPURendering(true, false);
  imageLoader.registerImageLoader('wadors', loadFrame);
  imageLoader.registerImageLoader('cut', loadCut);
  cache.setMaxCacheSize(cacheSize());
  return new RenderingEngine('collimate');
}
