import { t } from '../../i18n.js';
import { TAG, number, text } from '../attributes.js';
import { DENTAL_MODALITIES, FILM_MODALITIES } from '../hanging/films.js';

const modalityOf = (series) => text(series, TAG.modality);

/** Films of a study in a mount: offered where it holds some, open from the start where they are a dentist's. */
export function plug(viewer) {
  const { toolbar } = viewer;
  toolbar.add({
    group: 'layout',
    name: 'mount',
    label: t('Mount'),
    key: 'Shift+m',
    run: () => toggle(viewer),
    state: () => ({ hidden: !filmsIn(viewer).length, pressed: Boolean(viewer.mounting?.isShown) }),
  });
}

/** @returns {Promise<boolean>} whether the study opened in its mount */
export async function open(viewer) {
  if (!filmsIn(viewer).some((series) => DENTAL_MODALITIES.has(modalityOf(series)))) return false;
  return (await seat(viewer)).open();
}

/** Other radiographs and photographs are films only where dentists work. */
function filmsIn({ panel, root }) {
  const wanted = root.dataset.dental ? FILM_MODALITIES : DENTAL_MODALITIES;
  return panel.series.filter(
    (series) => wanted.has(modalityOf(series)) && (number(series, TAG.seriesInstanceCount) ?? 0) > 0,
  );
}

async function toggle(viewer) {
  try {
    const mounting = await seat(viewer);
    if (mounting.isShown) await mounting.leave();
    else await mounting.open();
  } catch (error) {
    viewer.requestFailed(error, viewer.panes.active);
  }
  viewer.toolbar.refresh();
}

async function seat(viewer) {
  if (!viewer.mounting) {
    const { Mounting } = await import('../hanging/mount/mounting.js');
    viewer.mounting ??= new Mounting(viewer, filmsIn(viewer));
  }
  return viewer.mounting;
}
