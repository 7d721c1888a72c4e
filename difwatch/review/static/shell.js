/** @file What is around the pages: which one is shown, drawers, dark or light, and what to do without a server. */
import { $, all } from './dom.js';
import { showPage } from './history.js';
import { showNews } from './queue.js';
import { trouble } from './server.js';

const NARROW = '(max-width: 73.75em)'; // as in the style sheet: the details are a drawer

export function startTheme() {
  const { dataset } = document.documentElement;
  dataset.theme = localStorage.getItem('difwatch-theme')
    ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  $('#theme').addEventListener('click', () => {
    dataset.theme = dataset.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem('difwatch-theme', dataset.theme);
  });
}

/** Opens or closes a column that has no room of its own; with enough room, the details give theirs to the pictures. */
export function drawer(name) {
  const { body } = document;
  if (name === 'info' && !matchMedia(NARROW).matches) body.toggleAttribute('data-wide');
  else if (body.dataset.drawer === name) delete body.dataset.drawer;
  else {
    body.dataset.drawer = name;
    $(name === 'info' ? '#info' : '#list').focus();
  }
}

function turnPage() {
  const page = ['history', 'unreadable'].find((name) => location.hash === `#${name}`) ?? 'review';
  document.body.dataset.page = page;
  for (const link of all('nav a')) {
    if (link.hash === `#${page}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (page === 'review') $('#list').focus({ preventScroll: true });
  else {
    showPage(page);
    $('#page').focus();
  }
}

trouble.lost = (isLost) => {
  if ($('#lost').hidden !== isLost) return;
  if (!isLost) showNews(0); // what happened meanwhile was not told
  $('#lost').hidden = !isLost;
  for (const part of all('aside,main,footer,dialog')) part.inert = isLost; // nothing is clicked twice
};
trouble.over = () => { if (!$('#over').open) $('#over').showModal(); };

export function startShell() {
  $('#over').addEventListener('cancel', (event) => event.preventDefault());
  addEventListener('hashchange', turnPage);
  turnPage();
}
