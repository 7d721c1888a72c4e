/** @file The list of groups: as long as it wants to be, with only the rows that can be seen in the page. */
import { $, all, element, icon, named, toast } from './dom.js';
import { get, pictureAddress } from './server.js';
import { bytes, count, errorOf, say, short } from './words.js';

/** 76 pixels, or more where the text is larger. */
const ROW = 4.75 * parseFloat(getComputedStyle(document.documentElement).fontSize);
const PAGE = 100;
const PAGES_KEPT = 12;
const AROUND = 5;

/**
 * @typedef {{key: string, name: string, folder: string, count: number, bytes: number, level: string, mse: ?number,
 *   nmse: ?number, isShot: boolean, seen: string, decision: ?string, refs: string[]}} Row
 */

/** What the rest of the page wants to know. */
export const heard = {
  moved() {},
  chosen(/** @type {?Row} */ _row) {},
  totals(/** @type {any} */ _totals) {},
};

export const queue = { at: 0, total: 0, isReady: false };

/** @type {Map<number, Promise<void>>} */
let asked = new Map();
/** @type {Map<number, Row>} */
let rows = new Map();
/** @type {Map<number, HTMLElement>} */
const nodes = new Map();
let reading = 0; // which list is being read: answers for an older one are dropped
let shift = 0; // by how much the server's list has become shorter than the one that is shown
let news = 0;
let later = 0;

export function filters() {
  const levels = all('[name=level]').filter((box) => box.checked).map((box) => box.value);
  return {
    text: $('#search').value.trim(),
    levels: levels.length % 4 ? levels.join() : '', // none chosen: all, as no group is without a level
    across: $('#across').getAttribute('aria-pressed') === 'true' ? 1 : '',
  };
}

export const isFiltered = () => $('#undecided').checked || Object.values(filters()).some(Boolean);

const askRows = (from, n) => get('/api/rows', {
  order: $('#order').value, from, n, ...filters(), undecided: $('#undecided').checked ? 1 : '',
});

/** Reads the list anew. @param {string} [key] the group to stay at, if it is still among the first ones */
export async function reload(key) {
  const mine = ++reading;
  const answer = await askRows(0, PAGE).catch((error) => toast(error.message));
  if (mine !== reading || !answer) return;
  rows = new Map(answer.rows.map((row, at) => [at, row]));
  asked = new Map([[0, Promise.resolve()]]);
  shift = 0;
  Object.assign(queue, { total: answer.total, isReady: answer.ready });
  $('#making').hidden = answer.ready;
  $('#more').classList.toggle('on', isFiltered());
  showNews(-1);
  $('#list').style.height = `${queue.total * ROW}px`;
  for (const node of nodes.values()) node.remove();
  nodes.clear();
  heard.totals(answer.totals);
  const found = answer.rows.findIndex((row) => row.key === key);
  if (found < 0) $('#scroll').scrollTop = 0;
  await choose(Math.max(0, found));
}

/**
 * Reads a page of rows. What was decided or found since the list was shown has moved the server's rows, so they are
 * asked for where they are by now.
 * @param {number} page
 */
async function read(page) {
  const mine = reading;
  const from = page * PAGE;
  let answer = await askRows(Math.max(0, from - shift), PAGE);
  if (mine === reading && queue.total - answer.total !== shift) {
    shift = queue.total - answer.total;
    answer = await askRows(Math.max(0, from - shift), PAGE);
  }
  if (mine !== reading) return;
  answer.rows.forEach((row, at) => rows.set(from + at, row));
  paint();
}

/** @param {number} at @returns {Promise<void>} */
function ensure(at) {
  const page = Math.floor(at / PAGE);
  if (!asked.has(page)) {
    forgetFarFrom(page);
    asked.set(page, read(page).catch(() => { asked.delete(page); }));
  }
  return asked.get(page);
}

function forgetFarFrom(page) {
  if (asked.size < PAGES_KEPT) return;
  const chosen = Math.floor(queue.at / PAGE);
  const far = [...asked.keys()].filter((other) => other !== chosen)
    .reduce((a, b) => (Math.abs(b - page) > Math.abs(a - page) ? b : a));
  asked.delete(far);
  for (let at = far * PAGE; at < (far + 1) * PAGE; at++) rows.delete(at);
}

/** @param {number} at @returns {?Row} */
export const rowAt = (at) => rows.get(at) ?? null;

/** Goes to a place in the list, kept within it. */
export async function choose(at) {
  heard.moved();
  queue.at = Math.max(0, Math.min(queue.total - 1, at));
  const scroll = $('#scroll');
  const top = queue.at * ROW;
  const lowest = top + 2 * ROW - scroll.clientHeight; // the pill below must not hide it
  scroll.scrollTop = Math.min(top, Math.max(lowest, scroll.scrollTop));
  paint();
  const wanted = queue.at;
  if (queue.total) await ensure(wanted);
  if (wanted === queue.at) await heard.chosen(rowAt(wanted));
}

/** Shows a decision in its row. */
export function mark(key, decision) {
  for (const [at, row] of rows) {
    if (row.key !== key) continue;
    row.decision = decision;
    nodes.get(at)?.remove();
    nodes.delete(at);
  }
  paint();
}

/** Which rows can be seen, and a few around them; the chosen one always. */
function wanted() {
  const { scrollTop, clientHeight } = $('#scroll');
  const first = Math.max(0, Math.floor(scrollTop / ROW) - AROUND);
  const last = Math.min(queue.total, Math.ceil((scrollTop + clientHeight) / ROW) + AROUND, first + 39);
  const places = new Set(Array.from({ length: Math.max(0, last - first) }, (_, by) => first + by));
  if (queue.total) places.add(queue.at);
  return places;
}

function paint() {
  const places = wanted();
  for (const [at, node] of nodes) {
    const isStale = !places.has(at) || (rows.has(at) && !node.dataset.key);
    if (isStale) { node.remove(); nodes.delete(at); }
  }
  for (const at of places) {
    if (!nodes.has(at)) {
      nodes.set(at, rowNode(at));
      $('#list').append(nodes.get(at));
    }
    nodes.get(at).setAttribute('aria-selected', String(at === queue.at));
  }
  if (queue.total) $('#list').setAttribute('aria-activedescendant', `row-${queue.at}`);
  else $('#list').removeAttribute('aria-activedescendant');
}

function rowNode(at) {
  const row = rows.get(at);
  const node = element('div', {
    role: 'option', id: `row-${at}`, class: 'row', 'data-key': row?.key,
    'aria-posinset': at + 1, 'aria-setsize': queue.total, onclick: () => choose(at),
  }, ...(row ? contents(row) : [say('wait')]));
  node.style.top = `${at * ROW}px`;
  return node;
}

/** @param {Row} row */
function contents(row) {
  const level = row.level === 'similar' || row.level === 'edited'
    ? `${say(row.level)} ${count(errorOf(row), 2)}` : say(row.level);
  const image = (ref) => ref && element('img', { src: pictureAddress({ ref }, '320'), alt: '', decoding: 'async' });
  return [
    element('span', { class: 'stack' }, image(row.refs[1]), image(row.refs[0])),
    element('div', {}, element('b', {}, named(row.name)), element('small', {}, named(short(row.folder))),
      element('small', {}, `${say('n.pictures', { n: row.count })} · ${row.isShot ? say('shot') : level}`)),
    element('span', { class: 'free' }, bytes(row.bytes), decisionNode(row.decision)),
  ];
}

function decisionNode(decision) {
  if (!decision) return null;
  return element('small', { class: decision }, decision === 'keep' && icon('stays'), ` ${say(`is.${decision}`)}`);
}

/** Tells of new groups; the list itself waits until somebody wants them. @param {number} found, or -1: none any more */
export function showNews(found) {
  news = found < 0 ? 0 : news + found;
  const pill = $('#news');
  pill.hidden = found < 0;
  $('span', pill).textContent = found < 0 ? '' : say(news ? 'news' : 'changed', { n: news });
}

export function startQueue() {
  const anew = () => reload();
  const scroll = $('#scroll');
  scroll.addEventListener('scroll', () => {
    paint();
    clearTimeout(later);
    later = setTimeout(() => wanted().forEach(ensure), 60);
  }, { passive: true });
  new ResizeObserver(paint).observe(scroll);
  $('#search').addEventListener('input', () => { clearTimeout(later); later = setTimeout(anew, 200); });
  $('#order').addEventListener('change', anew);
  $('#filters').addEventListener('change', anew);
  $('#filters').addEventListener('submit', (event) => event.preventDefault());
  $('#across').addEventListener('click', () => {
    $('#across').setAttribute('aria-pressed', String(!filters().across));
    anew();
  });
  $('#more').addEventListener('click', () => {
    const isHidden = $('#filters').toggleAttribute('hidden');
    $('#more').setAttribute('aria-expanded', String(!isHidden));
  });
  $('#news').addEventListener('click', () => { anew(); $('#list').focus(); });
}

/** Takes all filters away. */
export function showAll() {
  $('#search').value = '';
  for (const box of all('[name=level]')) box.checked = true;
  $('#undecided').checked = false;
  $('#across').setAttribute('aria-pressed', 'false');
  return reload();
}
