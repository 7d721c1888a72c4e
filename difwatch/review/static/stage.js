/** @file The group that is looked at: two of its pictures, what they are, and all of them in a strip. */
import { $, all, element, icon, named } from './dom.js';
import { pictureAddress } from './server.js';
import { showPair } from './view.js';
import { bytes, count, list, say, short, when } from './words.js';

/** @typedef {import('./choice.js').Choice} Choice */
/** @typedef {import('./choice.js').Picture} Picture */

/** @param {Choice} choice @param {(at: number) => void} onChosen */
export function showStage(choice, onChosen) {
  const { pictures, keeper, candidate } = choice;
  const pair = [choice.kept, choice.other];
  const words = [keeper, candidate].map((at) => say(choice.goes[at] ? 'goes' : at === keeper ? 'keep' : 'stays'));
  showPair(pair, words);
  all('.pane').forEach((pane, side) => {
    const at = [keeper, candidate][side];
    const isGoing = choice.goes[at];
    pane.classList.toggle('go', isGoing);
    $('figcaption', pane).replaceChildren(
      element('span', { class: 'tag' }, icon(isGoing ? 'goes' : 'stays'), words[side]),
      element('span', { class: 'name', title: pair[side].name }, named(pair[side].name)),
      at < 9 && element('kbd', {}, count(at + 1)));
    $('.facts', pane).replaceChildren(...facts(pair[side], pair[1 - side]));
  });
  $('#film').hidden = pictures.length < 3;
  if (pictures.length > 2) showFilm(choice, onChosen);
}

/** @param {Picture} picture @param {Picture} other */
function facts(picture, other) {
  const ratio = picture.width * picture.height / (other.width * other.height);
  const missing = ['place', 'camera'].filter((what) => has(other, what) && !has(picture, what));
  const cut = short(picture.folder).lastIndexOf('/') + 1;
  return [
    element('b', {}, size(picture), ratio > 1.005 && element('span', { class: 'up' }, ` ▲ ${count(ratio, 2)} ×`)),
    element('b', {}, bytes(picture.bytes)),
    element('span', {}, date(picture)),
    missing.length > 0 && element('span', { class: 'miss' }, list(missing.map((what) => say(`no.${what}`)))),
    picture.stays && element('span', { class: 'miss' }, picture.stays),
    element('span', { class: 'dir', title: picture.path }, named(short(picture.folder).slice(0, cut)),
      element('b', {}, named(short(picture.folder).slice(cut)))),
  ].filter(Boolean);
}

/** @param {Picture} picture @param {string} what */
export const has = (picture, what) => Boolean(what === 'place' ? picture.hasPlace : picture[what]);

/** @param {Picture} picture */
export const size = (picture) => `${picture.width} × ${picture.height}`;

/** @param {Picture} picture */
export const date = ({ taken, modified }) => (taken ? when(taken) : say('filedate', { date: when(modified) }));

/** @param {Choice} choice @param {(at: number) => void} onChosen */
function showFilm(choice, onChosen) {
  const film = $('#film');
  if (film.dataset.key !== choice.group.key || film.children.length !== choice.pictures.length) {
    film.dataset.key = choice.group.key;
    film.replaceChildren(...choice.pictures.map((picture, at) => element('button', { onclick: () => onChosen(at) },
      element('img', { src: pictureAddress(picture, '320'), alt: '', loading: 'lazy' }),
      element('span', {}, element('b', {}, `${count(at + 1)} `, named(picture.name)), element('small')))));
  }
  choice.pictures.forEach((picture, at) => {
    const button = film.children[at];
    const isGoing = choice.goes[at];
    const state = [isGoing, at === choice.candidate, at === choice.keeper].join();
    if (button.dataset.state === state) return; // a thousand are not touched for the two that changed
    button.dataset.state = state;
    button.setAttribute('aria-pressed', String(at === choice.candidate));
    button.classList.toggle('kept', at === choice.keeper);
    $('small', button).replaceChildren(
      element('span', { class: isGoing ? 'goes' : 'keep' }, say(isGoing ? 'goes' : 'stays')),
      ` · ${bytes(picture.bytes)}`);
  });
  film.children[choice.candidate].scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** What the main button will do, in words. @param {Choice} choice */
export function sentence(choice) {
  const going = choice.goes.flatMap((goes, at) => (goes ? [at + 1] : []));
  const staying = choice.goes.flatMap((goes, at) => (goes ? [] : [at + 1]));
  if (!going.length) return say('do.none');
  const keep = staying.length > 3 ? say('n.pictures', { n: staying.length }) : list(staying.map((at) => count(at)));
  return say(going.length === 1 ? 'do.one' : 'do.others', { keep, go: going[0] });
}

/** An empty stage, which says why and what can be done. @param {string} text @param {...Node} more */
export function showEmpty(text, ...more) {
  $('#empty').replaceChildren(element('p', {}, text), ...more);
  $('#empty').hidden = false;
  $('#panes').hidden = true;
  $('#film').hidden = true;
  $('#info').replaceChildren();
}

export function showFull() {
  $('#empty').hidden = true;
  $('#panes').hidden = false;
}
