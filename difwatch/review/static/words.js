/** @file What the page says, in the person's language. */
import { all } from './dom.js';

/** @type {Record<string, any>} */
let catalogue = {};
let language = 'en';
let region = 'en-GB';
let home = '';

export async function speak(wanted, homeFolder = '') {
  language = wanted === 'de' ? 'de' : 'en';
  region = language === 'en' ? 'en-GB' : language;
  home = homeFolder;
  catalogue = await (await fetch(`/static/words.${language}.json`)).json();
  document.documentElement.lang = language;
  for (const node of all('[data-word]')) node.textContent = say(node.dataset.word);
  for (const node of all('[data-hint]')) node.placeholder = say(node.dataset.hint);
  for (const node of all('[data-label]')) {
    node.setAttribute('aria-label', say(node.dataset.label));
    if (node.matches('button')) node.title = say(node.dataset.label);
  }
}

/**
 * @param {string} key
 * @param {Record<string, string|number>} [values] `n` chooses between one and several
 * @returns {string}
 */
export function say(key, values = {}) {
  let text = catalogue[key] ?? key;
  if (typeof text !== 'string') text = text[new Intl.PluralRules(region).select(+values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? count(value) : value;
  });
}

/** @param {number} number @param {number} [digits] significant digits */
export function count(number, digits) {
  return new Intl.NumberFormat(region, digits ? { maximumSignificantDigits: digits } : {}).format(number);
}

export function bytes(size) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = size < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(size) / 3));
  return new Intl.NumberFormat(region, { style: 'unit', unit: units[power], maximumSignificantDigits: 3 })
    .format(size / 1000 ** power);
}

export const when = (iso) => new Intl.DateTimeFormat(region, { dateStyle: 'medium', timeStyle: 'short' })
  .format(new Date(iso));

/** @param {string[]} parts */
export const list = (parts) => new Intl.ListFormat(region).format(parts);

/** A path with the home folder cut short. */
export function short(path) {
  return home && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
}

/**
 * The error of a pair, in the measure that made it a pair.
 * @param {{level: ?string, mse: ?number, nmse: ?number}} pair
 */
export const errorOf = (pair) => (pair.level === 'edited' ? pair.nmse : pair.mse) ?? 0;
