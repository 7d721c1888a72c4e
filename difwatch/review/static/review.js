/** @file The page where people look at groups of alike pictures and decide which stay. */
import { acted, lookOver, startApply } from './apply.js';
import { Choice } from './choice.js';
import { showDetails } from './details.js';
import { $, all, ask, element, named, toast } from './dom.js';
import { startPages, undo } from './history.js';
import { startKeys } from './keys.js';
import {
  choose, filters, heard, isFiltered, mark, queue, reload, rowAt, showAll, showNews, startQueue,
} from './queue.js';
import { get, listen, OVER, pictureAddress, post, start, trouble } from './server.js';
import { drawer, startShell, startTheme } from './shell.js';
import { sentence, showEmpty, showFull, showStage } from './stage.js';
import { bytes, count, say, speak } from './words.js';
import { hold, nextMode, startView, swiped, zoomBy, zoomTo } from './view.js';

const GROUPS_KEPT = 8;
const RUSH = 90; // milliseconds

/** What the server said at the start. @type {any} */
let facts = {};
/** @type {any} */
let totals = null;
/** The group that is looked at. @type {?Choice} */
let choice = null;
let openedAt = 0;
/** The group that could not be shown. @type {?string} */
let missed = null;
/** What was decided, the newest last. @type {{key: string, at: number, before: ?string, seen: string[]}[]} */
const decided = [];
/** @type {Map<string, Promise<any>>} */
const groups = new Map();

function groupOf(key) {
  if (!groups.has(key)) {
    if (groups.size >= GROUPS_KEPT) groups.delete(groups.keys().next().value);
    groups.set(key, get(`/api/group/${key}`));
    groups.get(key).catch(() => groups.delete(key));
  }
  return groups.get(key);
}

heard.totals = showTotals;
heard.moved = () => { choice = null; }; // no key acts on a group that is not shown any more
heard.chosen = (row) => (row ? openGroup(row) : showNothing());

/** @param {import('./queue.js').Row} row */
async function openGroup(row) {
  document.body.removeAttribute('data-drawer');
  $('#title').replaceChildren(named(row.name));
  $('#subtitle').textContent = [say('position', { n: queue.at + 1, total: queue.total }),
    say('n.pictures', { n: row.count }), say('tofree', { size: bytes(row.bytes) })].join(' · ');
  const isRushing = performance.now() - openedAt < RUSH;
  openedAt = performance.now();
  missed = null;
  let group;
  try {
    if (isRushing) await new Promise((done) => { setTimeout(done, RUSH); }); // a key is held: fetch none on the way
    if (!isShown(row)) return;
    group = await groupOf(row.key);
  } catch (error) {
    if (!isShown(row)) return;
    missed = row.key;
    leave(error.message);
    return;
  }
  if (!isShown(row)) return;
  if (group.pictures.length < 2) return leave(say('gone'));
  choice = new Choice(group);
  showFull();
  show();
  setTimeout(() => prefetch().catch(() => null), 100);
}

/** @param {import('./queue.js').Row} row */
const isShown = (row) => rowAt(queue.at)?.key === row.key;

function leave(why) {
  choice = null;
  showEmpty(why);
  showButtons();
}

/** Has the next group's two previews ready before somebody wants them. */
async function prefetch() {
  const row = rowAt(queue.at + 1);
  if (!row) return;
  const { kept, other } = new Choice(await groupOf(row.key));
  for (const picture of [kept, other]) new Image().src = pictureAddress(picture, '1600');
}

function show() {
  showStage(choice, (at) => look(at));
  showDetails(choice, facts.settings);
  showButtons();
}

function showButtons() {
  document.body.toggleAttribute('data-empty', !choice);
  if (choice) $('#decide b').textContent = sentence(choice);
}

/** Nothing to look at: why, and what can be done. */
function showNothing() {
  if (queue.total) return; // its row could not be read, and the line at the top says so
  $('#title').textContent = say('review');
  $('#subtitle').textContent = '';
  const isAll = totals && totals.groups > 0 && totals.decided >= totals.groups;
  if (isAll) showDone();
  else if (isFiltered()) leaveWith('empty.filter', 'showall', showAll);
  else leave(say(queue.isReady ? 'empty.none' : 'making', { n: facts.status.pictures, limit: facts.settings.mse }));
}

function showDone() {
  leave(say('empty.done', { n: totals.going, size: bytes(totals.goingBytes) }));
  if (facts.readOnly || !totals.going) return;
  $('#empty').append(element('button', { class: 'apply', onclick: lookOver }, say('lookover')));
}

/** @param {string} text @param {string} word @param {() => void} act */
function leaveWith(text, word, act) {
  leave(say(text));
  $('#empty').append(element('button', { onclick: act }, say(word)));
}

function showTotals(found) {
  totals = found;
  const sums = found ? [
    [bytes(found.bytes), 'canfree'], [count(found.groups), 'groups'], [count(found.decided), 'decided'],
  ] : [];
  $('#totals').replaceChildren(...sums.map(([sum, word]) => element('div', {},
    element('strong', {}, sum), element('span', {}, say(word)))));
  $('#n-groups').textContent = found ? count(found.groups) : '';
  if (!found) return;
  $('#basket-count').textContent = say('decisions', { n: found.decided });
  $('#basket-sum').textContent = say('going', { n: found.going, size: bytes(found.goingBytes) });
  $('#apply').disabled = !found.going;
}

function showStatus(status) {
  facts.status = status;
  $('#status').replaceChildren(element('i', { class: `dot ${status.state}` }), element('span', {},
    element('b', {}, status.text),
    ` · ${say('n.folders', { n: status.folders })}, ${say('n.pictures', { n: status.pictures })}`));
  $('#n-unreadable').textContent = status.unreadable ? count(status.unreadable) : '';
}

/** Looks at one picture of the group beside the one to keep. */
function look(at) {
  if (!choice || at === choice.keeper) return;
  choice.candidate = at;
  show();
}

/**
 * Notes a decision and goes on at once; the answer comes later, and what was refused is shown again.
 * @param {string} kind
 */
async function decide(kind) {
  if (!choice || facts.readOnly) return;
  const { going, seen, group: { key } } = choice;
  const step = { key, seen, at: queue.at, before: rowAt(queue.at).decision };
  decided.push(step);
  mark(key, kind);
  groups.delete(key);
  toast(say(`noted.${kind}`, { n: going.length }), { label: say('undo'), key: 'Z', act: takeBack });
  const sent = post('/api/decide', { key, kind, seen, ...(kind === 'keep' ? { going } : {}) });
  const opened = choose(queue.at + 1);
  try {
    showTotals((await sent).totals);
    await opened;
    if (totals.decided >= totals.groups) showDone();
  } catch (error) {
    decided.splice(decided.indexOf(step), 1);
    refused(step, error);
  }
}

/** @param {{key: string, at: number, before: ?string}} step @param {any} error */
function refused(step, error) {
  groups.delete(step.key);
  mark(step.key, error.status === 409 ? 'again' : step.before);
  toast(error.status === 409 ? say('again') : error.message);
  if (queue.at - step.at < 2) choose(step.at); // unless somebody is farther on by now
}

/** Takes the last decision back and shows its group. */
async function takeBack() {
  const step = decided.pop();
  if (!step) {
    toast(say('undo.none'));
    return;
  }
  groups.delete(step.key);
  try {
    showTotals((await post('/api/decide', { key: step.key, kind: 'undo', seen: step.seen })).totals);
    mark(step.key, null);
    toast(say('undo.done'));
    choose(step.at);
  } catch (error) {
    refused(step, error);
  }
}

/** Keeps the best of every group that the filters leave, after saying how many those are. */
async function stageAll() {
  try {
    const wanted = await post('/api/stage', { filters: filters(), dry: true });
    if (!await ask(say('all.ask', { n: wanted.groups, going: wanted.pictures, size: bytes(wanted.bytes) }))) return;
    await post('/api/stage', { filters: filters(), dry: false });
    afresh();
  } catch (error) {
    toast(error.message);
  }
}

function toggle() {
  const why = choice.toggle();
  if (why) toast(why);
  show();
}

function keep(at) {
  choice.keep(at);
  show();
}

function step(by) {
  choice.step(by);
  show();
}

async function copyPath() {
  const { path } = choice.other;
  await navigator.clipboard.writeText(path).then(() => toast(say('copied')), () => toast(path));
}

const reveal = () => post('/api/reveal', { ref: choice.other.ref }).catch((error) => toast(error.message));
/** Everything anew, as the files or the decisions are others now. */
function afresh() {
  groups.clear();
  reload(choice?.group.key);
}

/** The queue is another one: tells so, and tries again to show the group that could not be shown. */
function renewed(found) {
  showNews(found);
  const row = rowAt(queue.at);
  if (missed && row?.key === missed) openGroup(row);
}

function startButtons() {
  const clicks = {
    decide: () => decide('keep'), apart: () => decide('apart'), later: () => decide('later'), reveal, apply: lookOver,
    'stage-all': stageAll, 'open-queue': () => drawer('queue'), 'open-info': () => drawer('info'),
  };
  for (const [id, act] of Object.entries(clicks)) $(`#${id}`).addEventListener('click', act);
}

function startAllKeys() {
  const onGroup = (act) => () => { if (choice) act(); };
  startKeys({
    next: () => choose(queue.at + 1), previous: () => choose(queue.at - 1),
    first: () => choose(0), last: () => choose(queue.total),
    right: onGroup(() => step(1)), left: onGroup(() => step(-1)),
    keep: (at) => { if (choice) keep(at); }, toggle: onGroup(toggle), decide: () => decide('keep'),
    apart: () => decide('apart'), later: () => decide('later'), mode: nextMode, hold,
    closer: () => zoomBy(1.5), farther: () => zoomBy(1 / 1.5), fit: () => zoomTo(0), details: () => drawer('info'),
    reveal: onGroup(reveal), copy: onGroup(copyPath), search: () => $('#search').focus(), undo: takeBack,
    apply: () => { if (!facts.readOnly && totals?.going) lookOver(); },
  });
  swiped.by = (by) => { if (choice) step(by); };
}

/** What was decided is done: only the history takes it back. */
function afterAct() {
  decided.length = 0;
  afresh();
}

async function begin() {
  startTheme();
  try {
    facts = await start();
  } catch (error) {
    await speak(navigator.language.slice(0, 2));
    $('#over p').textContent = OVER.includes(error.status) ? say('over.how') : error.message;
    trouble.over();
    return;
  }
  await speak(facts.language, facts.home);
  if (facts.readOnly) for (const node of all('[data-write]')) node.hidden = true;
  startView();
  startQueue();
  startButtons();
  startAllKeys();
  startApply(facts.destination);
  startPages(facts.readOnly, afresh);
  showStatus(facts.status);
  await reload();
  delete document.body.dataset.busy; // shown at once, so that nothing jumps
  startShell();
  listen({
    status: showStatus,
    generation: (event) => (queue.isReady ? renewed(event.new) : afresh()),
    act: (act) => acted(act, afterAct, (batch) => undo({ batch })),
  });
}

begin();
