/** @file The keys, and the list of them. Single characters can be switched off (WCAG 2.1.4). */
import { $, element } from './dom.js';
import { say } from './words.js';

const KEYS = {
  Home: 'first', End: 'last', j: 'next', ArrowDown: 'next', k: 'previous', ArrowUp: 'previous',
  ArrowLeft: 'left', ArrowRight: 'right',
  x: 'toggle', Delete: 'toggle', Enter: 'decide', n: 'apart', s: 'later', v: 'mode',
  '+': 'closer', '=': 'closer', '-': 'farther', 0: 'fit', i: 'details', o: 'reveal', c: 'copy', '/': 'search',
  z: 'undo', '?': 'help',
};
const REPEATS = ['next', 'previous', 'left', 'right'];
const SHOWN = {
  'J K ↓ ↑': 'key.group', '← →': 'key.other', '1 … 9': 'key.stays', X: 'key.toggle', '⏎': 'key.decide',
  N: 'apart', S: 'later', V: 'compare', Space: 'key.blink', '+ − 0': 'zoom', I: 'details', O: 'reveal',
  C: 'key.copy', '/': 'key.search',
  Z: 'key.undo', 'Ctrl ⏎': 'lookover', '?': 'keys',
};
const FIELD = 'input,select,textarea,[contenteditable]';
const SETTING = 'difwatch-single-keys';

/** @param {Record<string, (value?: any) => void>} acts */
export function startKeys(acts) {
  const dialog = $('#keys');
  const help = () => dialog.showModal();
  const single = $('#single');
  single.checked = localStorage.getItem(SETTING) !== 'off';
  single.addEventListener('change', () => localStorage.setItem(SETTING, single.checked ? 'on' : 'off'));
  $('#keys-list').replaceChildren(...Object.entries(SHOWN).flatMap(([keys, word]) => [
    element('dt', {}, ...keys.split(' ').map((key) => element('kbd', {}, key === 'Space' ? say('space') : key))),
    element('dd', {}, say(word))]));
  $('#help').addEventListener('click', help);
  addEventListener('keydown', (event) => pressed(event, { ...acts, help }));
  addEventListener('keyup', (event) => { if (event.key === ' ') acts.hold(false); });
}

/** @param {KeyboardEvent} event @param {Record<string, (value?: any) => void>} acts */
function pressed(event, acts) {
  const isDialog = Boolean($('dialog[open]'));
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    if (!event.repeat && (!isDialog || $('#look').open)) acts.apply();
    return;
  }
  if (event.key === 'Escape' && !isDialog) {
    delete document.body.dataset.drawer;
    $('#list').focus();
  }
  if (isDialog || document.body.dataset.page !== 'review' || $('#lost:not([hidden])')) return;
  if (event.ctrlKey || event.altKey || event.metaKey || isTaken(event)) return;
  const isSingle = event.key.length === 1 && event.key !== ' ';
  if (isSingle && !$('#single').checked) return;
  if (event.key === ' ') acts.hold(true);
  else if (/^[1-9]$/.test(event.key)) acts.keep(Number(event.key) - 1);
  else {
    const act = KEYS[isSingle ? event.key.toLowerCase() : event.key];
    if (!act) return;
    if (!event.repeat || REPEATS.includes(act)) acts[act]();
  }
  event.preventDefault();
}

/** Whether what has the focus wants this key itself. @param {KeyboardEvent} event */
function isTaken({ key, target }) {
  if (/** @type {Element} */ (target).matches(FIELD)) return true;
  return (key === 'Enter' || key === ' ') && Boolean(/** @type {Element} */ (target).closest('button,a,summary'));
}
