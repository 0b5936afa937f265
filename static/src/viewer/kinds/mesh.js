import { t, tn } from '../../i18n.js';
import { TAG, text } from '../attributes.js';
import { retrieveBytes } from '../dicomweb.js';
import { element } from '../dom.js';
import { NoMesh, readObj, readStl } from './mesh_files.js';
import { MeshView, contextOf, meshCanvas } from './mesh_view.js';
import { KindPage, button, explanation, inOrder } from './page.js';

const DOCUMENT = '00420011';
const DOCUMENT_TITLE = '00420010';
const OBJ = '1.2.840.10008.5.1.4.1.1.104.4';

async function documentOf(study, instance) {
  const inline = instance[DOCUMENT]?.InlineBinary;
  if (inline) return Uint8Array.from(atob(inline), (letter) => letter.charCodeAt(0));
  const [series, sop] = [text(instance, TAG.seriesInstanceUid), text(instance, TAG.sopInstanceUid)];
  return retrieveBytes(`${study.instanceUrl(series, sop)}/bulkdata/${DOCUMENT}`);
}

const meshIn = (instance, bytes) => (text(instance, TAG.sopClassUid) === OBJ ? readObj(bytes) : readStl(bytes));

function sizeOf({ low, high }) {
  return low.map((value, axis) => (high[axis] - value).toFixed(1)).join(' × ');
}

class MeshReader {
  constructor(host, context) {
    this.context = context;
    this.instances = inOrder(context.metadata);
    this.page = new KindPage(host, { title: this.#titleOf(this.instances[0]), className: 'mesh', context });
    this.page.chooser(this.instances, (each) => this.#titleOf(each), (each) => this.show(each));
    this.page.tools(
      button('−', () => this.view?.zoomBy(0.8), { 'aria-label': t('Smaller') }),
      button('+', () => this.view?.zoomBy(1.25), { 'aria-label': t('Larger') }),
      button(t('From the front'), () => this.view?.reset()),
    );
  }

  async show(instance) {
    this.view?.close();
    this.view = null;
    const canvas = meshCanvas(this.#titleOf(instance));
    const gl = contextOf(canvas);
    if (!gl) {
      this.#cannot(t('This browser draws nothing in three dimensions (it has no WebGL).'));
      return;
    }
    const bytes = await documentOf(this.context.study, instance);
    try {
      const mesh = meshIn(instance, bytes);
      this.page.show(canvas, this.#caption(mesh));
      this.view = new MeshView(gl, canvas, mesh);
      this.view.draw();
    } catch (error) {
      if (!(error instanceof NoMesh)) throw error;
      this.#cannot(t('The model is damaged, or is none.'));
    }
  }

  close() {
    this.view?.close();
    this.page.close();
  }

  #caption({ positions, box }) {
    const count = tn('{count} triangle', '{count} triangles', positions.length / 9);
    // The unit of a model's numbers is not in the file; DICOM's scanners and printers mean millimetres.
    const size = t('{size} (units of the file, usually mm)', { size: sizeOf(box) });
    return element('p', { class: 'mesh-caption' }, `${count} · ${size}`);
  }

  #titleOf(instance) {
    return text(instance, DOCUMENT_TITLE) || text(this.context.series, TAG.seriesDescription) || t('3D model');
  }

  #cannot(reason) {
    this.page.show(explanation(t('This model cannot be shown'), [reason]));
  }
}

/**
 * Encapsulated STL and OBJ (PS3.3 §A.85): a model to turn.
 * @param {HTMLElement} host
 * @param {{study: object, series: object, metadata: object[]}} context
 */
export async function open(host, context) {
  const reader = new MeshReader(host, context);
  await reader.show(reader.instances[0]);
  return reader;
}
