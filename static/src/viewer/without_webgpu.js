/** Stands in for what registers the WebGPU half of vtk.js. */
export {};
