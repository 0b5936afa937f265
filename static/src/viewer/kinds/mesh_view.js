import { element } from '../dom.js';
import { MeshCamera } from './mesh_camera.js';

const VERTEX = `
attribute vec3 position;
attribute vec3 normal;
uniform mat4 placed;
uniform mat4 turned;
varying vec3 facing;
void main() {
  facing = mat3(turned) * normal;
  gl_Position = placed * vec4(position, 1.0);
}`;

const FRAGMENT = `
precision mediump float;
varying vec3 facing;
void main() {
  vec3 n = normalize(facing);
  float key = abs(dot(n, normalize(vec3(0.3, 0.5, 0.8))));
  float rim = 0.25 * abs(n.y);
  vec3 bone = vec3(0.93, 0.89, 0.80);
  gl_FragColor = vec4(bone * (0.18 + 0.72 * key + rim * 0.4), 1.0);
}`;

function compiled(gl, type, source) {
  const shader = gl.createShader(type);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
  return shader;
}

/** @returns {WebGLRenderingContext|null} null where the browser draws nothing in three dimensions */
export function contextOf(canvas) {
  try {
    return canvas.getContext('webgl', { antialias: true, preserveDrawingBuffer: true });
  } catch {
    return null;
  }
}

/** A mesh that turns under a finger, zooms under two, and obeys the keys. */
export class MeshView {
  /**
   * @param {WebGLRenderingContext} gl
   * @param {HTMLCanvasElement} canvas
   * @param {import('./mesh_files.js').Mesh} mesh
   */
  constructor(gl, canvas, mesh) {
    Object.assign(this, { gl, canvas, count: mesh.positions.length / 3, pointers: new Map() });
    this.camera = new MeshCamera(mesh.box);
    this.program = this.#link(mesh);
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(canvas);
    this.#listen();
  }

  draw() {
    const { gl, canvas } = this;
    const density = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = Math.max(1, canvas.clientWidth * density);
    canvas.height = Math.max(1, canvas.clientHeight * density);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0.04, 0.06, 0.08, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const placed = this.camera.matrix(canvas.width / canvas.height);
    gl.uniformMatrix4fv(gl.getUniformLocation(this.program, 'placed'), false, placed);
    gl.uniformMatrix4fv(gl.getUniformLocation(this.program, 'turned'), false, this.camera.turn);
    gl.drawArrays(gl.TRIANGLES, 0, this.count);
  }

  reset() {
    this.camera.reset();
    this.draw();
  }

  zoomBy(factor) {
    this.camera.zoomBy(factor);
    this.draw();
  }

  rotate(across, down) {
    this.camera.rotate(across, down);
    this.draw();
  }

  close() {
    this.resizing.disconnect();
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
  }

  #link({ positions, normals }) {
    const { gl } = this;
    const program = gl.createProgram();
    gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.enable(gl.DEPTH_TEST);
    this.#attribute(program, 'position', positions);
    this.#attribute(program, 'normal', normals);
    return program;
  }

  #attribute(program, name, numbers) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, numbers, gl.STATIC_DRAW);
    const place = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 0, 0);
  }

  #listen() {
    const { canvas, pointers } = this;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, event);
    });
    canvas.addEventListener('pointermove', (event) => this.#moved(event));
    for (const name of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
    }
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        this.zoomBy(Math.exp(-event.deltaY / 500));
      },
      { passive: false },
    );
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  #moved(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const [across, down] = [event.clientX - before.clientX, event.clientY - before.clientY];
    const other = [...this.pointers.values()].find((each) => each.pointerId !== event.pointerId);
    if (other) {
      const apart = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
      this.camera.zoomBy(apart(event) / (apart(before) || 1));
      this.#shift(across / 2, down / 2);
    } else if (before.button === 2 || before.shiftKey) this.#shift(across, down);
    else this.camera.rotate(across / 120, down / 120);
    this.pointers.set(event.pointerId, merged(event, before));
    this.draw();
  }

  #shift(across, down) {
    const { clientHeight } = this.canvas;
    this.camera.move(across / clientHeight, -down / clientHeight);
  }

  #key(event) {
    const step = 0.15;
    const turns = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (turns[event.key]) this.rotate(...turns[event.key]);
    else if (event.key === '+' || event.key === '=') this.zoomBy(1.25);
    else if (event.key === '-') this.zoomBy(0.8);
    else if (event.key.toLowerCase() === 'r') this.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Where a pointer is now, with the button it went down with. */
const merged = ({ pointerId, clientX, clientY }, { button, shiftKey }) => ({
  pointerId,
  clientX,
  clientY,
  button,
  shiftKey,
});

/** @returns {HTMLCanvasElement} */
export function meshCanvas(label) {
  return element('canvas', { class: 'mesh-canvas', tabindex: '0', role: 'img', 'aria-label': label });
}
