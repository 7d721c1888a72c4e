/** @file Makes the page's elements. Names and EXIF texts are hostile: they only ever become text nodes. */

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** @param {string} selector @param {ParentNode} [within] @returns {any} */
export const $ = (selector, within = document) => within.querySelector(selector);

/** @param {string} selector @param {ParentNode} [within] @returns {any[]} */
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** A text in which control and direction characters can be seen. */
export function visible(text) {
  return text.replace(UNSEEN, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Makes an element. Control and direction characters are shown in all its texts, wherever those come from.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `onclick` and its like are listeners; false and null are left out
 * @param {...any} children nodes and texts; false and null are left out
 * @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) node.setAttribute(name, value === true ? '' : visible(String(value)));
  }
  for (const child of children) {
    if (child != null && child !== false) node.append(child instanceof Node ? child : visible(child));
  }
  return node;
}

/** A file's name or path, kept apart from the direction of the text around it. */
export const named = (text) => element('bdi', {}, text);

/** A copy of a drawing in the shell, so that no script needs to know about namespaces. */
export const icon = (name) => $('#icons').content.getElementById(`icon-${name}`).cloneNode(true);

let hiding = 0;

/**
 * Tells something at the foot of the page for eight seconds.
 * @param {string} text
 * @param {{label: string, key?: string, act: () => void}} [action]
 */
export function toast(text, action) {
  const close = () => $('#toast').replaceChildren();
  const button = action && element('button', { onclick: () => { close(); action.act(); } }, action.label,
    action.key && element('kbd', {}, action.key));
  $('#toast').replaceChildren(element('span', {}, text), ...(button ? [button] : []));
  clearTimeout(hiding);
  hiding = setTimeout(close, 8000);
}

/** Asks for a yes. @param {string} text @returns {Promise<boolean>} */
export function ask(text) {
  const dialog = $('#ask');
  $('#ask-text').textContent = text;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true });
  });
}
