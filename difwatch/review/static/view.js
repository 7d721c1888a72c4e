/** @file Two pictures over or beside each other: modes of comparing, one zoom and one pan for all. */
import { $, all, element, visible } from './dom.js';
import { get, pictureAddress } from './server.js';
import { say } from './words.js';

const MODES = ['side', 'wipe', 'blink', 'difference'];
const BLINK = 600; // milliseconds; never faster than twice a second (WCAG 2.3.1)
const MOST = 32;

const isStill = matchMedia('(prefers-reduced-motion: reduce)');
let mode = 'side';
let isHeld = false;
let blinking = 0;
const slider = { wipe: 50, difference: 9 };
/** The place is in parts of the picture's own box, so that it means the same in boxes of any size. */
const at = { zoom: 1, x: 0, y: 0 };
/** @type {any[]} the two pictures shown */
let shownPair = [];
/** @type {HTMLImageElement[][]} what is being fetched for each of them */
const coming = [[], []];

/** What a sideways swipe does. */
export const swiped = { by(_step) {} };

/**
 * @param {import('./choice.js').Picture} picture
 * @returns {number} width by height as it lies in the page
 */
const aspectOf = ({ width, height, turn }) => (turn % 180 ? height / width : width / height);

/** @param {import('./choice.js').Picture[]} pair @param {string[]} labels what each is: stays or goes */
export function showPair(pair, labels) {
  shownPair = pair;
  pair.forEach((picture, side) => {
    const layer = $(`.layer[data-side="${side}"]`);
    const { name, width, height } = picture;
    const alt = visible(say('alt', { what: labels[side], name, width, height }));
    if (layer.dataset.ref !== picture.ref) load(layer, picture, alt);
    else $('img', layer)?.setAttribute('alt', alt);
    fit(side, picture);
    $(`.over .lab:nth-of-type(${side + 1})`).textContent = labels[side];
  });
  paint();
}

/**
 * Gives a picture its box. In the modes where both lie on each other, it is the box of the one to keep.
 * @param {number} side @param {import('./choice.js').Picture} picture @param {number} [found] what the preview has
 */
function fit(side, picture, found) {
  const told = aspectOf(picture);
  const aspect = found && Math.abs(found / told - 1) > 0.03 ? found : told;
  $(`.pane:nth-child(${side + 1}) .frame`).style.setProperty('--aspect', aspect);
  if (side === 0) $('.over .frame').style.setProperty('--aspect', aspect);
}

/**
 * Shows what is there at once, the tensor out of the store, and what is better as it comes.
 * @param {HTMLElement} layer @param {import('./choice.js').Picture} picture @param {string} alt
 */
function load(layer, picture, alt) {
  layer.dataset.ref = picture.ref;
  layer.dataset.size = '0';
  const first = element('img', { src: pictureAddress(picture, 'tensor'), alt, class: 'tensor', draggable: 'false' });
  layer.replaceChildren(first);
  const side = Number(layer.dataset.side);
  for (const image of coming[side]) image.removeAttribute('src'); // nobody waits for it any more
  coming[side] = [];
  improve(layer, picture, 320);
  improve(layer, picture, 1600);
}

/** @param {HTMLElement} layer @param {import('./choice.js').Picture} picture @param {number} size Infinity: full */
async function improve(layer, picture, size) {
  const address = pictureAddress(picture, size === Infinity ? 'full' : String(size));
  const image = element('img', { src: address, draggable: 'false' });
  coming[Number(layer.dataset.side)].push(image);
  try {
    await image.decode();
  } catch {
    if (size === 320 && layer.dataset.ref === picture.ref) await complain(layer, address);
    return;
  }
  if (layer.dataset.ref !== picture.ref || size <= Number(layer.dataset.size)) return;
  const side = Number(layer.dataset.side);
  fit(side, picture, image.naturalWidth / image.naturalHeight);
  image.alt = $('img', layer).alt;
  layer.dataset.size = String(size);
  coming[side] = coming[side].filter((other) => other !== image);
  layer.replaceChildren(image);
}

/** A picture's error tells nothing: ask for the reason in words. @param {HTMLElement} layer @param {string} address */
async function complain(layer, address) {
  const reason = await get(address).then(() => '', (error) => error.message);
  if (reason) layer.append(element('p', { class: 'reason' }, reason));
}

/** Puts the layers where the mode wants them, without loading anything again. */
function arrange() {
  const isSide = mode === 'side' && !isHeld;
  $('#panes').dataset.mode = isSide ? 'side' : isHeld ? 'blink' : mode;
  const over = $('.over .frame');
  for (const layer of all('.layer')) {
    (isSide ? $(`.pane:nth-child(${+layer.dataset.side + 1}) .frame`) : over).append(layer);
  }
  for (const button of all('#modes button')) {
    button.setAttribute('aria-checked', String(button.dataset.mode === mode));
    button.tabIndex = button.dataset.mode === mode ? 0 : -1;
  }
  const range = $('#slider');
  if (mode === 'wipe' || mode === 'difference') {
    const isWipe = mode === 'wipe';
    Object.assign(range, { min: isWipe ? 0 : 4, max: isWipe ? 100 : 32, value: slider[mode] });
    range.setAttribute('aria-label', say(`${mode}.slider`));
  }
  blink();
  slide();
}

export function setMode(wanted) {
  mode = wanted;
  arrange();
  paint();
}

export const nextMode = () => setMode(MODES[(MODES.indexOf(mode) + 1) % MODES.length]);

/** Blinks while a key is held, in every mode. */
export function hold(isDown) {
  if (isHeld === isDown) return;
  isHeld = isDown;
  arrange();
  paint();
}

function blink() {
  clearInterval(blinking);
  const top = $('.layer[data-side="1"]');
  const isBlinking = isHeld || mode === 'blink';
  const show = (isOther) => {
    top.classList.toggle('away', !isOther);
    $('#panes').dataset.other = String(isOther);
  };
  show(!isBlinking || isHeld);
  // In blink mode the key stops the timer at the other picture; elsewhere it starts one.
  if (isBlinking && !isStill.matches && !(isHeld && mode === 'blink')) {
    blinking = setInterval(() => show(top.classList.contains('away')), BLINK);
  }
}

function slide() {
  if (mode === 'wipe' || mode === 'difference') slider[mode] = Number($('#slider').value);
  const style = $('#panes').style;
  style.setProperty('--wipe', `${slider.wipe}%`);
  style.setProperty('--bright', String(slider.difference));
}

/** The frame that is looked at now. */
const frame = () => $(mode === 'side' && !isHeld ? '.pane .frame' : '.over .frame');

/** At which zoom a pixel of the larger picture is one on the screen. */
function pixelZoom() {
  const [kept, other] = shownPair;
  if (!kept) return 1;
  const larger = other.width * other.height > kept.width * kept.height ? other : kept;
  const width = larger.turn % 180 ? larger.height : larger.width;
  return width / (frame().offsetWidth * devicePixelRatio || 1);
}

function paint() {
  const reach = Math.max(0, (at.zoom - 1) / 2 + 0.25 * Number(at.zoom > 1));
  at.x = Math.min(reach, Math.max(-reach, at.x));
  at.y = Math.min(reach, Math.max(-reach, at.y));
  const move = `translate(${at.x * 100}%,${at.y * 100}%) scale(${at.zoom})`;
  for (const each of all('.frame')) each.style.transform = move;
  $('#panes').classList.toggle('zoomed', at.zoom > 1);
  const whole = pixelZoom();
  for (const button of all('#zoom button')) {
    const wanted = Number(button.dataset.zoom) * whole || 1;
    button.setAttribute('aria-pressed', String(Math.abs(at.zoom - wanted) < 0.001));
  }
  if (at.zoom > 1) sharpen();
}

/** Fetches the full picture where the preview has fewer pixels than the screen shows of it. */
function sharpen() {
  shownPair.forEach((picture, side) => {
    const layer = $(`.layer[data-side="${side}"]`);
    const longest = Math.max(frame().offsetWidth, frame().offsetHeight) * at.zoom * devicePixelRatio;
    const isWorth = Math.max(picture.width, picture.height) > 1600 && picture.width * picture.height <= 4e7;
    if (longest < 1700 || !isWorth || layer.dataset.full === picture.ref) return;
    layer.dataset.full = picture.ref;
    improve(layer, picture, Infinity);
  });
}

/** @param {number} factor @param {{clientX: number, clientY: number}} [pointer] what stays where it is */
export function zoomBy(factor, pointer) {
  const zoom = Math.min(MOST, Math.max(1, at.zoom * factor));
  if (pointer) {
    const target = document.elementFromPoint(pointer.clientX, pointer.clientY)?.closest('.view') ?? frame().parentNode;
    const box = target.getBoundingClientRect();
    const own = $('.frame', target);
    const x = (pointer.clientX - box.left - box.width / 2) / own.offsetWidth;
    const y = (pointer.clientY - box.top - box.height / 2) / own.offsetHeight;
    at.x = x - (x - at.x) * (zoom / at.zoom);
    at.y = y - (y - at.y) * (zoom / at.zoom);
  } else {
    at.x *= zoom / at.zoom;
    at.y *= zoom / at.zoom;
  }
  at.zoom = zoom;
  paint();
}

/** @param {number} wanted 0: all of the picture, 1: pixel for pixel, 2: twice that */
export function zoomTo(wanted) {
  const zoom = wanted * pixelZoom() || 1;
  Object.assign(at, { zoom, x: at.x * (zoom / at.zoom), y: at.y * (zoom / at.zoom) });
  paint();
}

/** Drags, pinches and swipes. @param {HTMLElement} view */
function follow(view) {
  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();
  let travelled = 0;
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return { size: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1,
      clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
  };
  view.addEventListener('pointerdown', (event) => {
    view.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    travelled = 0;
  });
  view.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const was = fingers.size === 2 && spread();
    fingers.set(event.pointerId, event);
    if (was) {
      const is = spread();
      zoomBy(is.size / was.size, is);
      return;
    }
    const own = $('.frame', view);
    travelled += event.clientX - before.clientX;
    at.x += (event.clientX - before.clientX) / own.offsetWidth;
    at.y += (event.clientY - before.clientY) / own.offsetHeight;
    paint();
  });
  const lift = (/** @type {PointerEvent} */ event) => {
    const isSwipe = fingers.size === 1 && event.pointerType === 'touch' && at.zoom === 1 && Math.abs(travelled) > 60;
    fingers.delete(event.pointerId);
    if (isSwipe && event.type === 'pointerup') swiped.by(travelled < 0 ? 1 : -1);
  };
  view.addEventListener('pointerup', lift);
  view.addEventListener('pointercancel', lift);
  view.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 300), event);
  }, { passive: false });
}

export function startView() {
  all('.layer').forEach((layer, side) => { layer.dataset.side = String(side); });
  all('.view').forEach(follow);
  for (const button of all('#modes button')) button.addEventListener('click', () => setMode(button.dataset.mode));
  $('#modes').addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.stopPropagation();
    setMode(MODES[(MODES.indexOf(mode) + step + MODES.length) % MODES.length]);
    $('#modes [aria-checked=true]').focus();
  });
  for (const button of all('#zoom button')) {
    button.addEventListener('click', () => zoomTo(Number(button.dataset.zoom)));
  }
  $('#slider').addEventListener('input', slide);
  addEventListener('blur', () => hold(false));
  addEventListener('resize', paint);
  setMode('side');
}
