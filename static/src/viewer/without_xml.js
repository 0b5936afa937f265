/**
 * Stands in for `xmlbuilder2`, which vtk.js imports to read and write meshes as XML. The viewer does neither,
 * and the package would bring Node's `events` and `url` and a DOM of its own into the bundle.
 */
const absent = () => {
  throw new Error('XML meshes are not read here.');
};

export const create = absent;
export const convert = absent;
export const fragment = absent;
