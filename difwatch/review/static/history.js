/** @file What was done and can be undone, and what could not be read. */
import { $, element, named, toast } from './dom.js';
import { stayed } from './apply.js';
import { get, post } from './server.js';
import { bytes, say, short, when } from './words.js';

let isReadOnly = false;
let onChange = () => {};

/** @param {boolean} readOnly @param {() => void} changed */
export function startPages(readOnly, changed) {
  isReadOnly = readOnly;
  onChange = changed;
}

/** @param {string} title @param {...Node} content */
function show(title, ...content) {
  $('#page').replaceChildren(element('h1', {}, say(title)), ...content);
}

export async function showPage(page) {
  show(page, element('p', {}, say('wait')));
  try {
    await (page === 'history' ? showHistory() : showUnreadable());
  } catch (error) {
    show(page, element('p', { class: 'warning' }, error.message));
  }
}

async function showHistory() {
  const { batches } = await get('/api/history');
  show('history', ...(batches.length ? batches.map(batchNode) : [element('p', {}, say('history.none'))]));
}

function batchNode(batch) {
  const isUndoable = !isReadOnly && batch.kind !== 'delete' && batch.undone < batch.count;
  return element('article', {},
    element('div', { class: 'head' },
      element('div', {}, element('h2', {}, say(`${batch.kind}.done`, { n: batch.count, size: bytes(batch.bytes) })),
        element('p', {}, when(batch.at),
          ...(batch.destination ? [' → ', named(short(batch.destination))] : []),
          batch.undone > 0 && ` · ${say('undone', { n: batch.undone })}`)),
      isUndoable && undoButton({ batch: batch.id }, 'undo.all')),
    element('details', {}, element('summary', {}, say('each')),
      element('ul', {}, ...batch.acts.map((act) => element('li', {},
        element('span', {}, named(short(act.path)),
          element('small', {}, act.target && named(`→ ${short(act.target)}`),
            act.state !== 'done' && ` · ${say(`state.${act.state}`)}`)),
        isUndoable && act.state === 'done' && undoButton({ acts: [act.id] }, 'undo'))))));
}

const undoButton = (what, word) => element('button', {
  onclick: async (event) => {
    event.target.disabled = true;
    await undo(what);
    showPage('history');
  },
}, say(word));

/** Puts files back. @param {object} what a batch or acts */
export async function undo(what) {
  try {
    const { done, failed } = await post('/api/undo', what);
    toast(say('back', { n: done }));
    if (failed.length) {
      location.hash = 'history';
      await showPage('history');
      $('#page h1').after(stayed(failed));
    }
    onChange();
  } catch (error) {
    toast(error.message);
  }
}

async function showUnreadable() {
  const { files, total } = await get('/api/unreadable');
  const text = total ? say('unreadable.n', { n: total }) : say('unreadable.none');
  show('unreadable', element('p', {}, text), element('ul', {}, ...files.map(({ path, reason }) => element('li', {},
    element('span', {}, named(short(path)), element('small', {}, reason)),
    !isReadOnly && element('button', { onclick: (event) => retry(path, event.target) }, say('retry'))))));
}

/** @param {string} path @param {HTMLButtonElement} button */
async function retry(path, button) {
  button.disabled = true;
  await post('/api/retry', { path }).then(() => toast(say('retry.done')), (error) => toast(error.message));
}
