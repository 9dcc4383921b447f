// The address, the keyboard, and light or dark.

const pages = [['', 'Overview', 'o'], ['latents', 'Latents', 'l'], ['metrics', 'Metrics', 'm']];

// replace writes what a page shows into the address without a new entry of
// the history.
function replace(path, params) {
  const query = String(new URLSearchParams(params));
  history.replaceState(null, '', `#/${path}${query ? '?' + query : ''}`);
}

let turn = 0;

async function route(first) {
  const mine = ++turn, alive = () => mine === turn;
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').map(decoded), params = new URLSearchParams(query);
  const main = byId('main'), content = el('div', {});
  listChanged = pageTurn = null;
  tip(null);
  const here = { feature: 'latents', section: `section/${parts[1]}` }[parts[0]] || (parts[0] || head.runs.length ? parts[0] : 'section/0');
  for (const a of byId('nav').querySelectorAll('a')) a.toggleAttribute('aria-current', a.dataset.path === here);
  for (const a of byId('nav').querySelectorAll('a[aria-current]')) a.setAttribute('aria-current', 'page');
  if (parts[0] !== 'latents') byId('query').value = '';
  let shown = false;
  const reveal = () => { if (alive() && !shown) { shown = true; main.replaceChildren(content); } };
  const late = setTimeout(reveal, 150);
  let title;
  try {
    title = await pageAt(content, parts, params, alive);
  } catch (problem) {
    title = 'Problem';
    content.replaceChildren(el('h1', { tabindex: '-1' }, 'This page cannot be shown'), el('p', {}, problem.message));
    console.error(problem);
  }
  clearTimeout(late);
  if (!alive()) return;
  reveal();
  document.title = title === 'Overview' ? head.title : `${title} · ${head.title}`;
  document.documentElement.dataset.shown = location.hash;
  if (first !== true) {
    scrollTo(0, 0);
    const within = document.activeElement && byId('find').contains(document.activeElement);
    if (!within) content.querySelector('h1')?.focus({ preventScroll: true });
  }
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function pageAt(content, parts, params, alive) {
  switch (parts[0]) {
    case '': return head.runs.length ? overview(content) : sectionPage(content, ['section', '0']);
    case 'section': return sectionPage(content, parts);
    case 'latents': return latents(content, params, alive);
    case 'metrics': return metrics(content, params);
    case 'feature': return feature(content, parts, params, alive);
  }
  content.append(el('h1', { tabindex: '-1' }, 'No such page'), el('p', {}, el('a', { href: '#/' }, 'See the overview.')));
  return 'No such page';
}

// The search field: a number and Enter opens a latent; a list follows what is
// typed; elsewhere Enter leads to the list.
async function find(e) {
  e.preventDefault();
  const q = byId('query').value;
  const t = await table(shownList ? shownList.run : 0);
  if (/^\d+$/.test(q.trim()) && t.row(Number(q)) >= 0) location.hash = `#/feature/${Number(q)}${t.run ? `?run=${t.run}` : ''}`;
  else if (listChanged) listChanged(q);
  else location.hash = '#/latents' + (q ? '?' + new URLSearchParams({ q }) : '');
}

let typing = 0;

function typed() {
  clearTimeout(typing);
  typing = setTimeout(() => { if (listChanged) listChanged(byId('query').value); }, 120);
}

// Light or dark: as the system says until the reader says otherwise.
const dark = matchMedia('(prefers-color-scheme: dark)');

function theme() { return document.documentElement.dataset.theme || (dark.matches ? 'dark' : 'light'); }

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  const next = theme() === 'dark' ? 'light' : 'dark';
  byId('theme').textContent = next === 'dark' ? '☾' : '☀';
  byId('theme').setAttribute('aria-label', `Change to ${next}`);
  try { if (name) localStorage.setItem('saectl-theme', name); } catch { /* a browser may forbid it */ }
}

function storedTheme() {
  try { return localStorage.getItem('saectl-theme'); } catch { return null; }
}

const switchTheme = () => setTheme(theme() === 'dark' ? 'light' : 'dark');

// Keys, when no field has the focus.
let pressedG = 0;

function key(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || byId('help').open) return;
  if (e.target.matches('input, select, textarea')) {
    if (e.key === 'Escape') e.target.blur();
    return;
  }
  const to = Date.now() - pressedG < 1500 && pages.find((p) => p[2] === e.key);
  pressedG = e.key === 'g' ? Date.now() : 0;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
  if (to) location.hash = '#/' + to[0];
  else if (e.key === '/') byId('query').select();
  else if (e.key === '?') byId('help').showModal();
  else if (e.key === 't') switchTheme();
  else if (step && !e.target.matches('.scroll')) along(step);
  else return;
  e.preventDefault();
}

function along(step) {
  if (pageTurn) return pageTurn(step);
  const a = document.querySelector(step < 0 ? '.feature-head .previous[href]' : '.feature-head .next[href]');
  if (a) location.hash = a.getAttribute('href');
}

function start() {
  const analyses = head.sections.map((s, i) => [`section/${i}`, s.title]);
  byId('nav').append(...pages.filter((p) => p[0] || head.runs.length).filter((p) => p[0] !== 'latents' || head.runs.some((r) => r.rows)).filter((p) => p[0] !== 'metrics' || head.metrics.length).concat(analyses)
    .map(([path, name]) => el('li', {}, el('a', { href: '#/' + path, 'data-path': path }, name))));
  byId('find').hidden = !head.runs.some((r) => r.rows);
  byId('find').addEventListener('submit', find);
  byId('query').addEventListener('input', typed);
  byId('theme').addEventListener('click', switchTheme);
  byId('keys').addEventListener('click', () => byId('help').showModal());
  byId('skip').addEventListener('click', (e) => { e.preventDefault(); byId('main').focus(); });
  dark.addEventListener('change', () => setTheme());
  addEventListener('keydown', key);
  addEventListener('hashchange', route);
  addEventListener('scroll', () => tip(null), { passive: true });
  setTheme(storedTheme());
  route(true);
}

start();
