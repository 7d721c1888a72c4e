/** @file Look over and apply: shows the plan, does it, and shows how far it is. */
import { $, all, element, icon, named, toast } from './dom.js';
import { pictureAddress, post } from './server.js';
import { bytes, count, say, short } from './words.js';

const KINDS = ['move', 'trash', 'delete'];
const dialog = $('#look');
let place = '';
let kind = 'move';
/** @type {any} */
let plan = null;
let isRunning = false;

/** @param {string} destination the folder of the configuration */
export function startApply(destination) {
  place = localStorage.getItem('difwatch-place') ?? destination ?? '';
  dialog.addEventListener('cancel', (event) => { if (isRunning) event.preventDefault(); });
}

export function lookOver() {
  if (dialog.open) {
    $('#go')?.click();
    return;
  }
  const kinds = KINDS.map((each) => element('label', { class: each },
    element('input', { type: 'radio', name: 'kind', value: each, checked: each === kind }),
    element('span', {}, element('b', {}, say(each)), element('small', {}, say(`${each}.hint`)))));
  dialog.replaceChildren(
    element('div', { class: 'head' }, element('h2', { id: 'look-title' }, say('lookover')),
      element('button', { class: 'icon', 'aria-label': say('close'), onclick: () => dialog.close() }, icon('close'))),
    element('fieldset', { class: 'kinds', onchange: rethink }, element('legend', {}, say('whereto')), ...kinds),
    element('label', { class: 'place', id: 'place' }, element('span', {}, say('folder')),
      element('input', { id: 'destination', value: place, spellcheck: 'false', onchange: rethink })),
    element('div', { id: 'plan', 'aria-live': 'polite' }, element('p', {}, say('wait'))),
    element('div', { class: 'foot' }, element('small', { id: 'promise' }),
      element('button', { id: 'notyet', onclick: () => dialog.close() }, say('notyet')),
      element('button', { id: 'go', class: 'apply', disabled: true, onclick: apply })));
  dialog.showModal();
  $('#notyet').focus();
  rethink();
}

/** Asks for the plan again, as the place or the way has changed. */
async function rethink() {
  kind = $('[name=kind]:checked').value;
  place = $('#destination').value.trim();
  $('#place').hidden = kind !== 'move';
  $('#go').disabled = true;
  plan = null;
  const asked = [kind, place].join();
  let found;
  try {
    found = await post('/api/plan', { kind, destination: kind === 'move' ? place : null, keepTree: true });
  } catch (error) {
    $('#plan').replaceChildren(element('p', { class: 'warning' }, error.message));
    return;
  }
  if (asked !== [kind, place].join()) return;
  plan = found;
  if (kind === 'move') localStorage.setItem('difwatch-place', place);
  $('#look-title').textContent = say('look.title', { n: plan.count });
  $('#promise').textContent = say(kind === 'delete' ? 'forgood' : 'canundo');
  $('#go').replaceChildren(say(`${kind}.n`, { n: plan.count }), ' ', element('kbd', {}, say('ctrl')));
  $('#go').disabled = kind === 'delete' || !plan.count;
  $('#plan').replaceChildren(...planNodes());
}

function planNodes() {
  const honest = `${say(`${kind}.honest`, { size: bytes(plan.bytes) })} ${say('careful')}`;
  const free = plan.freeBytes == null ? '' : ` ${say('free', { size: bytes(plan.freeBytes) })}`;
  return [
    element('p', {}, honest + free),
    element('div', { class: 'two' },
      element('section', {}, element('h3', {}, say('from')),
        element('table', {}, ...plan.folders.map(folderRow)),
        plan.along > 0 && element('p', {}, say('n.along', { n: plan.along }))),
      plan.leastAlike.length > 0
        && element('section', {}, element('h3', {}, say('least')), ...plan.leastAlike.map(pairRow))),
    plan.stays.length > 0 && stayed(plan.stays),
    kind === 'delete' && element('label', { class: 'place' },
      element('span', {}, say('type', { n: String(plan.count) })),
      element('input', { inputmode: 'numeric', autocomplete: 'off', oninput: typed })),
  ].filter(Boolean);
}

function typed({ target }) {
  $('#go').disabled = !plan?.count || target.value.trim() !== String(plan.count);
}

const folderRow = (row) => element('tr', {}, element('th', { scope: 'row' }, named(short(row.folder))),
  element('td', {}, count(row.count)), element('td', {}, bytes(row.bytes)));

const pairRow = (row) => element('div', { class: 'twins' },
  ...[{ ref: row.best }, { ...row, ref: row.goes }].map((one) => element('img', { src: pictureAddress(one, '320'), alt: '' })),
  element('span', {}, named(row.name), element('small', {}, say(row.mse == null ? 'nmse' : 'mse', {
    error: count(row.mse ?? row.nmse, 3),
  }))));

/** Those that do not go after all, and why. @param {{path: string, reason: string}[]} files */
export const stayed = (files) => element('div', { class: 'warning' },
  element('b', {}, say('n.stay', { n: files.length })),
  element('ul', {}, ...files.map(({ path, reason }) => element('li', {},
    element('b', {}, named(short(path))), ` ${reason}`))));

async function apply() {
  if (!plan || isRunning) return;
  isRunning = true;
  const { count: n } = plan;
  all('button,input', dialog).forEach((node) => { node.disabled = true; });
  try {
    await post('/api/apply', { plan: plan.plan });
  } catch (error) {
    isRunning = false;
    dialog.close();
    toast(error.message);
    return;
  }
  dialog.replaceChildren(
    element('h2', { id: 'look-title' }, say(`${kind}.doing`)),
    element('progress', { max: n, value: 0, 'aria-labelledby': 'look-title' }),
    element('p', { id: 'far', role: 'status' }, say('far', { done: 0, n })),
    element('div', { class: 'foot' },
      element('button', { id: 'stop', onclick: () => post('/api/stop') }, say('stop'))));
  $('#stop').focus();
}

/**
 * Follows an act that is going on; this page may not be the one that asked for it.
 * @param {any} act @param {() => void} onOver @param {(batch: string) => void} onUndo
 */
export function acted(act, onOver, onUndo) {
  const bar = $('progress', dialog);
  if (bar) {
    bar.value = act.done;
    $('#far').textContent = say('far', { done: act.done, n: act.of });
  }
  if (!act.isOver) return;
  isRunning = false;
  onOver();
  const text = say(act.isStopped ? 'stopped' : `${kind}.done`, { n: act.done, size: bytes(act.bytes) });
  const isUndoable = act.batch && act.done && kind !== 'delete';
  toast(text, isUndoable ? { label: say('undo'), act: () => onUndo(act.batch) } : undefined);
  if (bar && act.stayed.length) {
    dialog.replaceChildren(element('h2', { id: 'look-title' }, text), stayed(act.stayed),
      element('div', { class: 'foot' }, element('button', { onclick: () => dialog.close() }, say('close'))));
  } else if (bar) dialog.close();
}
