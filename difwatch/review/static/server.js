/** @file All that is asked of the server, which is this page's own. */

let token = '';
let retrying = 0;

/** Of another server than the one that opened this page: it knows no such session, or has another name. */
export const OVER = [403, 421];

/** What the page does when the server cannot be reached, or does not know this page any more. */
export const trouble = { lost(_isLost) {}, over() {} };

/** The server said no, and why. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {string} path @param {RequestInit} [options] */
async function reach(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    trouble.lost(true);
    clearTimeout(retrying);
    retrying = setTimeout(() => get('/api/status').catch(() => null), 2000);
    throw error;
  }
  trouble.lost(false);
  if (OVER.includes(response.status)) trouble.over();
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer.error ?? String(response.status));
  return answer;
}

/** @param {string} path @param {Record<string, any>} [query] empty values are left out */
export function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value != null);
  return reach(given.length ? `${path}?${new URLSearchParams(given)}` : path);
}

export function post(path, body = {}) {
  const headers = { 'content-type': 'application/json', 'X-Difwatch': token };
  return reach(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

export async function start() {
  const answer = await get('/api/start');
  token = answer.token;
  return answer;
}

/**
 * The address of a picture, laid as the best one of its group lies.
 * @param {{ref: string, turn?: number, isMirrored?: boolean}} picture
 * @param {string} size
 */
export function pictureAddress(picture, size) {
  const query = [picture.turn && `turn=${picture.turn}`, picture.isMirrored && 'mirror=1'].filter(Boolean).join('&');
  return `/api/picture/${picture.ref}/${size}${query && `?${query}`}`;
}

/** Listens as long as the page is open. @param {Record<string, (data: any) => void>} listeners */
export function listen(listeners) {
  const source = new EventSource('/api/events');
  for (const [name, act] of Object.entries(listeners)) {
    source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  }
  source.addEventListener('open', () => trouble.lost(false));
  source.addEventListener('error', () => {
    trouble.lost(true);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => again(listeners), 2000);
  });
}

/** The browser gives up when the answer is no stream: ask why, which also tells when the session is over. */
async function again(listeners) {
  const isOver = await get('/api/status').then(() => false, (error) => OVER.includes(error.status));
  if (!isOver) listen(listeners);
}
