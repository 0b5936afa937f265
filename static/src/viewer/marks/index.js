import { t } from '../../i18n.js';
import { keyName } from '../keyboard.js';
import { Desk } from './desk.js';
import { imageKey } from './store.js';
import { FAMILIES, TOOLS } from './tool_table.js';

/** Measuring, annotating and key images: buttons and keys at once, the drawing when Cornerstone runs. */
export function plug(viewer) {
  const desk = (viewer.marks = new Desk(viewer));
  const tools = new Map(TOOLS().map((tool) => [tool.name, tool]));
  for (const name of ['length', 'angle']) addTool(viewer, tools.get(name));
  for (const family of FAMILIES()) addFamily(viewer, family, family.tools.map((name) => tools.get(name)));
  addKeyImage(viewer, desk);
  addPanel(viewer, desk);
  addKeys(viewer, desk);
}

export function ready(viewer) {
  for (const { name } of TOOLS()) viewer.tools.add({ name });
  viewer.marks.start();
}

const unusable = ({ panes }) => !panes.active.hasImages;

function addTool(viewer, { name, label, key }) {
  const state = () => ({ disabled: unusable(viewer), pressed: viewer.tools?.chosen === name });
  viewer.toolbar.add({ group: 'measure', name, label, key, run: () => viewer.choose(name), state });
}

function addFamily(viewer, { name, label, icon }, tools) {
  const chosen = () => tools.find((tool) => tool.name === viewer.tools?.chosen);
  const menu = () =>
    tools.map((tool) => ({
      name: tool.name,
      label: tool.label,
      icon: tool.name,
      key: keyName(tool.key),
      checked: viewer.tools?.chosen === tool.name,
      run: () => viewer.choose(tool.name),
    }));
  const state = () => ({
    disabled: unusable(viewer),
    pressed: Boolean(chosen()),
    icon: chosen()?.name ?? icon,
    label: chosen()?.label ?? label,
  });
  viewer.toolbar.add({ group: 'measure', name, label, icon, menu, state });
  for (const tool of tools) {
    const run = () => !unusable(viewer) && viewer.choose(tool.name);
    viewer.keyboard.add({ keys: [tool.key], label: tool.label, section: t('Measurements'), run });
  }
}

function addKeyImage(viewer, desk) {
  const state = () => {
    const { image } = desk;
    return { disabled: !image || image.foreign, pressed: Boolean(image && desk.marks.isKey(imageKey(image))) };
  };
  const run = () => desk.toggleKey();
  viewer.toolbar.add({ group: 'marks', name: 'key', label: t('Key image'), key: 'k', run, state });
}

function addPanel(viewer, desk) {
  const state = () => {
    const count = desk.marks.all.length + desk.marks.keys.length;
    const unsaved = desk.isDirty && desk.maySave;
    return { pressed: desk.panel.isOpen, label: listLabel(count, unsaved), icon: unsaved ? 'unsaved' : 'list' };
  };
  const run = () => desk.togglePanel();
  viewer.toolbar.add({ group: 'marks', name: 'marks', label: t('List'), key: 'Shift+l', icon: 'list', run, state });
}

const listLabel = (count, unsaved) => (count ? `${t('List')} ${count}${unsaved ? ' •' : ''}` : t('List'));

function addKeys({ keyboard }, desk) {
  const section = t('Measurements');
  keyboard.add({ keys: ['Delete'], label: t('Delete what is selected'), section, run: () => desk.removeSelected() });
  // Pressed with Ctrl: desk.js listens for them, and the help lists them.
  keyboard.add({ keys: ['Ctrl+z'], shown: 'Ctrl Z', label: t('Undo'), section, run: () => desk.marks.undo() });
  keyboard.add({ keys: ['Ctrl+y'], shown: 'Ctrl Y', label: t('Redo'), section, run: () => desk.marks.redo() });
  keyboard.add({ keys: ['Ctrl+s'], shown: 'Ctrl S', label: t('Save'), section, run: () => desk.save() });
}
