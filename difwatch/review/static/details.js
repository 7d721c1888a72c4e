/** @file The column beside the pictures: what differs, how alike they are, and why one stays. */
import { $, element, icon, named } from './dom.js';
import { get, pictureAddress } from './server.js';
import { date, has, size } from './stage.js';
import { bytes, count, errorOf, list, say, short, when } from './words.js';

/** @typedef {import('./choice.js').Picture} Picture */

/**
 * What can be told of a picture: its name, its value as text, and the number by which more is better.
 * @type {[string, (p: Picture) => ?string, ((p: Picture) => number)?][]}
 */
const ROWS = [
  ['pixels', size, (p) => p.width * p.height],
  ['bytes', (p) => bytes(p.bytes), (p) => p.bytes],
  ['format', format],
  ['taken', date],
  ['camera', (p) => p.camera],
  ['lens', (p) => p.lens],
  ['place', (p) => (has(p, 'place') ? say('recorded') : null)],
  ['orientation', (p) => count(p.orientation)],
  ['folder', (p) => short(p.folder)],
];

/** @param {Picture} p */
function format(p) {
  return [p.format, p.quality && say('quality', { n: p.quality }), p.bits !== 8 && say('bits', { n: p.bits }),
    p.frames > 1 && say('frames', { n: p.frames })].filter(Boolean).join(', ');
}

/** @param {import('./choice.js').Choice} choice @param {any} settings */
export function showDetails(choice, settings) {
  const { kept, other, group } = choice;
  const how = element('div', { class: 'meter' });
  const notes = [
    ...[kept, other].flatMap((p) => [
      p.along.length > 0 && note(p.along, say('along', { n: p.along.length })),
      p.links.length > 0 && note(p.links.map(short), say('links', { n: p.links.length })),
    ]),
    ...[kept, other].map((p) => p.stays && note([p.name], p.stays)),
  ];
  $('#info').replaceChildren(
    element('button', { class: 'icon mid', 'aria-label': say('close'), onclick: close }, icon('close')),
    heading('differs'), table(kept, other, choice.goes[choice.candidate]),
    heading('howalike'), tensors(kept, other), how,
    ...(choice.keeper === 0 ? [heading('why'), element('ol', { class: 'why' }, ...group.why.map(rule))] : []),
    ...notes.filter(Boolean));
  Promise.resolve(choice.pair ?? get(`/api/pair/${kept.ref}/${other.ref}`))
    .then((pair) => meter(pair, settings), (error) => [element('p', {}, error.message)])
    .then((nodes) => how.replaceChildren(...nodes));
}

const heading = (key) => element('h2', {}, say(key));

const close = () => { delete document.body.dataset.drawer; };

/** @param {string[]} names @param {string} text */
const note = (names, text) => element('p', { class: 'note' },
  ...names.flatMap((name, at) => [at > 0 && ', ', element('b', {}, named(name))]), ` ${text}`);

/** @param {Picture} kept @param {Picture} other @param {boolean} isGoing */
function table(kept, other, isGoing) {
  const same = [];
  const lines = [];
  for (const [name, text, amount] of ROWS) {
    const [a, b] = [text(kept), text(other)];
    if (a === b) {
      if (a) same.push(say(name));
      continue;
    }
    const more = amount ? amount(kept) - amount(other) : 0;
    lines.push(element('tr', {}, element('th', { scope: 'row' }, say(name)), cell(a, more > 0), cell(b, more < 0)));
  }
  return element('table', { class: 'diff' },
    element('thead', {}, element('tr', {}, element('td'), element('th', { scope: 'col' }, say('keep')),
      element('th', { scope: 'col' }, say(isGoing ? 'goes' : 'stays')))),
    element('tbody', {}, ...lines, same.length > 0
      && element('tr', { class: 'same' }, element('td', { colspan: 3 }, say('same', { what: list(same) })))));
}

function cell(text, isMore) {
  if (!text) return element('td', { class: 'none' }, say('missing'));
  return element('td', isMore ? { class: 'win' } : {}, named(text), isMore && '\u00a0▲');
}

/** The very tensors that were compared, and what the browser makes of their difference. */
function tensors(kept, other) {
  const image = (p) => element('img', { src: pictureAddress(p, 'tensor'), alt: '' });
  const figure = (word, ...images) => element('figure', {},
    element('div', { class: images.length > 1 ? 'minus' : '' }, ...images), element('figcaption', {}, say(word)));
  return element('div', { class: 'alike' },
    figure('compared', image(kept)), figure('compared', image(other)), figure('minus', image(kept), image(other)));
}

/** @param {any} pair @param {any} settings */
function meter(pair, settings) {
  const isEdited = pair.level === 'edited';
  const limit = isEdited ? pair.nmseLimit ?? settings.nmse : pair.mseLimit ?? settings.mse;
  const error = errorOf(pair);
  const needle = element('i');
  needle.style.left = `${Math.min(99, 100 * error / (limit || 1))}%`;
  const turned = [pair.turn && say('turned', { n: pair.turn }), pair.isMirrored && say('mirrored')].filter(Boolean);
  const words = [
    pair.level === 'identical' || pair.level === 'duplicate' ? say(`${pair.level}.means`) : '',
    turned.length ? `${list(turned)}.` : '', isEdited ? say('edited.means') : '', pair.isShot ? say('shot.means') : '',
    pair.level === null ? say('unlike') : '',
  ];
  return [
    element('div', { class: 'track' }, needle),
    element('p', {}, element('b', {}, say(isEdited ? 'nmse' : 'mse', { error: count(error, 3) })),
      ` ${say('allowed', { limit: count(limit, 3) })}`),
    ...words.filter(Boolean).map((text) => element('p', {}, text)),
  ];
}

function rule({ rule, decides, best, other }) {
  const text = say(`rule.${rule}`), shown = SHOWN[rule] ?? named;
  return element('li', decides ? { class: 'hit' } : {},
    ...(decides ? [`${text}: `, shown(best), ` ${say('against')} `, shown(other)] : [text]));
}

/** How what a rule compares is shown, where it is no text. */
const SHOWN = { bytes: (size) => bytes(Number(size)), oldest: when, newest: when };
