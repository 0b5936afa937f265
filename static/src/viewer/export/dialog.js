import { t, tn } from '../../i18n.js';
import { element } from '../dom.js';
import { RequestFailed } from '../dicomweb.js';
import { icon } from '../icons.js';
import { post } from '../portal.js';
import { MOST_IMAGES, choicesFor, orderFor } from './orders.js';

const NAMES = () => ({
  mount: t('The mount'),
  image: t('This image'),
  screen: t('All images on the screen'),
  series: t('The whole series'),
});

const FORMATS = () => [
  ['pdf', t('PDF'), t('The patient’s name on each page')],
  ['print', t('Print'), t('The same pages, on paper')],
  ['jpeg', t('JPEG'), t('Small; for letters and slides')],
  ['png', t('PNG'), t('No loss; for further work')],
];

const PER_PAGE = Object.freeze({ 1: [1, 1], 4: [2, 2], 12: [3, 4], 20: [4, 5] });

/** What leaves the portal, as what, and with what on it. */
export class ExportDialog {
  /** @param {import('../viewer.js').Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.node = element('dialog', { class: 'help export', 'aria-labelledby': 'export-title' });
    this.node.addEventListener('click', (event) => event.target === this.node && this.node.close());
    viewer.root.append(this.node);
  }

  /** @param {string} [format] chosen beforehand */
  show(format = 'pdf') {
    this.choices = choicesFor(this.viewer);
    if (!this.choices.length) {
      this.viewer.screen.tell(t('There is nothing here that could be exported'));
      return;
    }
    this.#draw(format);
    this.node.showModal();
  }

  #draw(format) {
    const onclick = () => this.node.close();
    this.status = element('p', { class: 'export-status', role: 'status' });
    this.go = element('button', { class: 'button-primary', type: 'submit' });
    this.form = element(
      'form',
      { method: 'dialog' },
      this.#what(),
      this.#as(format),
      this.#perPage(),
      this.#with(),
      element('p', { class: 'help-note' }, t('What leaves the portal is recorded in the study’s history.')),
      this.status,
      element('p', { class: 'export-buttons' }, element('button', { class: 'tool', type: 'button', onclick }, t('Cancel')), this.go),
    );
    this.form.addEventListener('submit', (event) => this.#submit(event));
    this.form.addEventListener('change', () => this.#refresh());
    this.node.replaceChildren(
      element(
        'header',
        {},
        element('h2', { id: 'export-title' }, t('Print and export')),
        element('button', { class: 'tool', type: 'button', 'aria-label': t('Close'), onclick }, icon('close')),
      ),
      this.form,
    );
    this.#refresh();
  }

  #what() {
    const options = this.choices.map(({ name, count }, at) =>
      option('what', name, NAMES()[name], this.#words(name, count), at === 0),
    );
    return group(t('What'), options);
  }

  #words(name, count) {
    if (name === 'image') return '';
    const all = tn('{count} image', '{count} images', count);
    const stride = Math.ceil(count / MOST_IMAGES);
    return stride < 2 ? all : t('{all}; every {stride}th of them', { all, stride });
  }

  #as(format) {
    return group(t('As'), FORMATS().map(([value, label, words]) => option('as', value, label, words, value === format)));
  }

  #perPage() {
    const options = Object.keys(PER_PAGE).map((count) => option('per', count, count, '', count === '1'));
    this.per = group(t('Images on a page'), options, 'export-short');
    return this.per;
  }

  #with() {
    this.identity = check('identity', t('Patient’s name, id and dates'), true);
    this.marks = check('marks', t('Measurements and drawings'), true);
    return group(t('With'), [this.identity, this.marks]);
  }

  #chosen(name) {
    return new FormData(this.form).get(name);
  }

  #refresh() {
    const [what, as] = [this.#chosen('what'), this.#chosen('as')];
    this.per.hidden = what !== 'series' || !['pdf', 'print'].includes(as);
    this.marks.hidden = !['image', 'screen'].includes(what);
    this.go.textContent = as === 'print' ? t('Print') : t('Export');
  }

  async #submit(event) {
    event.preventDefault();
    const [what, as] = [this.#chosen('what'), this.#chosen('as')];
    const perPage = what === 'series' && !this.per.hidden ? PER_PAGE[this.#chosen('per')] : [1, 1];
    this.go.disabled = true;
    this.#tell(t('Preparing…'));
    try {
      const order = orderFor(this.viewer, what, { withMarks: Boolean(this.#chosen('marks')), perPage });
      await this.#make(what, as, order);
      this.node.close();
    } catch (error) {
      this.#tell(failure(error));
    } finally {
      this.go.disabled = false;
    }
  }

  async #make(what, as, order) {
    const { root, study } = this.viewer;
    const identity = Boolean(this.#chosen('identity'));
    const kind = as === 'pdf' || as === 'print' ? as : 'picture';
    const response = await post(root, root.dataset.export, { ...order, kind, identity });
    if (kind === 'pdf') {
      const { save } = await import('./pictures.js');
      save(await response.blob(), 'images.pdf');
      return;
    }
    const words = await response.json();
    if (kind === 'print') await this.#print(study, order, words);
    else await this.#picture(what, as, order, words);
  }

  async #print(study, order, words) {
    const { print } = await import('./printing.js');
    this.node.close();
    await print(study, order, words);
  }

  async #picture(what, as, order, words) {
    const { pictureOf, save, zipOf } = await import('./pictures.js');
    const { study } = this.viewer;
    if (what === 'series') {
      const count = order.images.length;
      const onProgress = (done) => this.#tell(t('{done} of {count} images', { done, count }));
      save(await zipOf(study, order, words, as, onProgress), 'images.zip');
    } else {
      save(await pictureOf(study, order, words, as), as === 'jpeg' ? 'image.jpg' : 'image.png');
    }
  }

  #tell(line) {
    this.status.textContent = line;
  }
}

function group(legend, children, kind = '') {
  return element('fieldset', { class: `export-group ${kind}`.trim() }, element('legend', {}, legend), children);
}

function option(name, value, label, words, checked) {
  return element(
    'label',
    { class: 'export-option' },
    element('input', { type: 'radio', name, value, checked, autofocus: checked && name === 'what' }),
    element('span', {}, element('span', { class: 'export-label' }, label), words ? element('small', {}, words) : null),
  );
}

function check(name, label, checked) {
  return element(
    'label',
    { class: 'export-option' },
    element('input', { type: 'checkbox', name, value: '1', checked }),
    element('span', { class: 'export-label' }, label),
  );
}

function failure(error) {
  if (!(error instanceof RequestFailed)) return error.message;
  if (error.status === 0) return t('The portal cannot be reached. Try again.');
  if (error.status === 422) return t('One of these images cannot be drawn by the portal.');
  if (error.status === 403) return t('No images may leave the practice now: its agreement is not in force.');
  return t('These images may not be exported any more.');
}
