// The list of latents: searched, filtered by the values of columns, sorted,
// and drawn a page at a time.

const perPage = 50;

// A view is what the address of a list says.
function viewOf(params) {
  const view = { run: Number(params.get('run')) || 0, q: params.get('q') || '', contexts: params.get('in') === 'contexts',
    state: params.get('show') || 'all', sort: params.get('sort') || '', page: Math.max(1, Number(params.get('page')) || 1), ranges: {} };
  if (view.run >= head.runs.length) view.run = 0;
  for (const c of head.runs[view.run].columns) {
    const bounds = (params.get(c.key) || '').split('..');
    if (bounds.length === 2) view.ranges[c.key] = bounds.map((b, i) => (b === '' ? (i ? Infinity : -Infinity) : Number(b)));
  }
  return view;
}

function paramsOf(view) {
  const out = {};
  if (view.run) out.run = view.run;
  if (view.q) out.q = view.q;
  if (view.q && view.contexts) out.in = 'contexts';
  if (view.state !== 'all') out.show = view.state;
  for (const [key, [lo, hi]] of Object.entries(view.ranges)) out[key] = `${lo}..${hi}`.replaceAll('Infinity', '').replace('-..', '..');
  if (view.sort) out.sort = view.sort;
  if (view.page > 1) out.page = view.page;
  return out;
}

// matcher says whether texts hold what is searched for.
function matcher(q) {
  const text = q.toLowerCase();
  const whole = /^"(.+)"$/s.exec(text);
  if (whole) return (tokens, around) => tokens.some((t) => t.toLowerCase() === whole[1] || t.trim().toLowerCase() === whole[1]);
  return (tokens, around) => tokens.some((t) => t.toLowerCase().includes(text)) || around().toLowerCase().includes(text);
}

// rowsOf are the rows of t that a view shows, in its order; found are those
// whose contexts hold the text, when these are searched.
function rowsOf(t, view, found) {
  let rows = Array.from({ length: t.rows }, (_, row) => row);
  const fired = t.column('fired') || t.column('frequency');
  if (fired && view.state !== 'all') rows = rows.filter((row) => (fired.values[row] > 0) === (view.state === 'alive'));
  for (const [key, [lo, hi]] of Object.entries(view.ranges)) {
    const c = t.column(key);
    // A bar of a histogram holds its upper edge only when it is the last.
    const top = c.values.reduce((a, b) => (b > a ? b : a), -Infinity);
    rows = rows.filter((row) => c.values[row] >= lo && (c.values[row] < hi || c.values[row] === hi && (hi >= top || lo === hi)));
  }
  if (view.q) rows = rows.filter(searched(t, view, found));
  return sorted(t, rows, view.sort);
}

function searched(t, view, found) {
  const number = /^\d+$/.test(view.q.trim()) ? view.q.trim() : null;
  const isNumber = (row) => number !== null && String(t.latent(row)).startsWith(number);
  if (found) return (row) => found.has(row) || isNumber(row);
  const match = matcher(view.q);
  return (row) => isNumber(row) || t.text !== undefined
    && match(t.text.tokens[row], () => t.text.before[row] + (t.text.tokens[row][0] || '') + t.text.after[row]);
}

function sorted(t, rows, sort) {
  if (!sort) return rows;
  const down = sort.startsWith('-'), key = down ? sort.slice(1) : sort;
  const c = t.column(key);
  const value = c ? (row) => c.values[row] : (row) => t.latent(row);
  if (!c && key !== 'latent') return rows;
  const known = rows.filter((row) => !Number.isNaN(value(row))), rest = rows.filter((row) => Number.isNaN(value(row)));
  known.sort((a, b) => (down ? value(b) - value(a) : value(a) - value(b)) || a - b);
  return known.concat(rest);
}

// scan looks through all contexts, block by block, and stops when stale.
const scans = new Map();

async function scan(q, stale, progress) {
  if (scans.has(q)) return scans.get(q);
  const found = new Set(), match = matcher(q), blocks = Math.ceil(head.features / head.perBlock);
  for (let b = 0; b < blocks && !stale(); b++) {
    (await features(b)).forEach((f, i) => {
      const examples = [...f.top, ...f.bins.map((x) => x.example)];
      if (examples.some((e) => match(e.tokens, () => e.tokens.join('')))) found.add(b * head.perBlock + i);
    });
    if (b % 8 === 7) progress((b + 1) / blocks, found);
  }
  if (!stale()) scans.set(q, found);
  return found;
}

// The list last shown; the page of a latent steps along it.
let shownList = null;

async function latents(main, params, alive) {
  const view = viewOf(params);
  main.append(el('h1', { tabindex: '-1' }, 'Latents'));
  const tools = el('div', { class: 'tools' }), holder = el('div', {});
  main.append(tools, holder);
  const t = await table(view.run);
  if (!alive()) return 'Latents';
  const query = byId('query');
  query.value = view.q;
  let turn = 0;
  const show = async (changed) => {
    const mine = ++turn;
    if (changed) {
      Object.assign(view, { page: 1 }, changed);
      replace('latents', paramsOf(view));
    }
    tools.replaceChildren(...listTools(view, t, show));
    const drawn = (found) => listPage(holder, t, view, rowsOf(t, view, found), show);
    holder.removeAttribute('aria-busy');
    if (!(view.q && view.contexts && head.features && !view.run)) {
      drawn(null);
      return;
    }
    const stale = () => mine !== turn || !alive();
    holder.setAttribute('aria-busy', 'true');
    const found = await scan(view.q, stale, (share, some) => { if (!stale()) { drawn(some); announce(`${percent(share)} searched`); } });
    if (stale()) return;
    holder.removeAttribute('aria-busy');
    drawn(found);
  };
  listChanged = (q) => show({ q });
  await show();
  return 'Latents';
}

// listChanged is called with what is typed while a list is shown.
let listChanged = null;

function listTools(view, t, show) {
  const option = (value, text, selected) => el('option', { value, selected: value === selected }, text);
  const states = el('select', { id: 'show', change: () => show({ state: states.value }) }, option('all', 'all', view.state), option('alive', 'that fire', view.state), option('dead', 'that never fire', view.state));
  const where = el('select', { id: 'in', change: () => show({ contexts: where.value === 'contexts' }) },
    option('top', 'top tokens', view.contexts ? 'contexts' : 'top'), option('contexts', 'all contexts', view.contexts ? 'contexts' : 'top'));
  const run = el('select', { id: 'run', change: () => { location.hash = `#/latents?run=${run.value}`; } }, head.runs.map((r, i) => option(String(i), r.name, String(view.run))));
  return [
    head.runs.length > 1 && el('span', {}, el('label', { for: 'run' }, 'Run '), run),
    el('span', {}, el('label', { for: 'show' }, 'Latents '), states),
    head.features > 0 && view.run === 0 && el('span', {}, el('label', { for: 'in' }, 'Search in '), where),
    view.q && chip(['text ', el('q', {}, plain(view.q))], 'the search', () => { byId('query').value = ''; show({ q: '' }); }),
    Object.entries(view.ranges).map(([key, [lo, hi]]) => {
      const c = t.column(key);
      return chip([`${c.title} ${written(lo, c.kind)} to ${written(hi, c.kind)}`], c.title, () => {
        const ranges = { ...view.ranges };
        delete ranges[key];
        show({ ranges });
      });
    }),
  ].flat().filter(Boolean);
}

const chip = (text, name, remove) => el('span', { class: 'chip' }, text, el('button', { type: 'button', 'aria-label': `Remove the filter on ${name}`, click: remove }, '×'));

// listPage draws the page of rows that the view is on.
function listPage(holder, t, view, rows, show) {
  const pages = Math.max(1, Math.ceil(rows.length / perPage));
  view.page = Math.min(view.page, pages);
  const from = (view.page - 1) * perPage, part = rows.slice(from, from + perPage);
  shownList = { run: view.run, rows, table: t, query: paramsOf(view) };
  const count = `${rows.length === t.rows ? plural(t.rows, 'latent') : `${grouped(rows.length)} of ${plural(t.rows, 'latent')}`}`;
  announce(`${count}, page ${view.page} of ${pages}`);
  const turn = (page) => { show({ page }); byId('main').scrollIntoView(); };
  pageTurn = (step) => { if (view.page + step >= 1 && view.page + step <= pages) turn(view.page + step); };
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.sort : null;
  holder.replaceChildren(
    pager(view.page, pages, turn, el('span', { class: 'count' }, el('span', { id: 'count' }, count), !view.run && !view.sort && head.order && ` · ${head.order}`)),
    part.length ? el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Latents' }, listTable(t, view, part, show)) : el('p', {}, 'No latent meets these conditions.'),
    pages > 1 ? pager(view.page, pages, turn) : '');
  if (focused) holder.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
}

let pageTurn = null;

function pager(page, pages, turn, ...more) {
  const field = el('input', { type: 'number', min: 1, max: pages, value: page, 'aria-label': 'Page', change: () => turn(Math.min(pages, Math.max(1, Math.round(Number(field.value)) || 1))) });
  return el('nav', { class: 'pager', 'aria-label': 'Pages' }, more,
    el('button', { type: 'button', class: 'previous', disabled: page <= 1, click: () => turn(page - 1) }, '‹ Previous'),
    el('span', {}, 'page ', field, ` of ${grouped(pages)}`),
    el('button', { type: 'button', class: 'next', disabled: page >= pages, click: () => turn(page + 1) }, 'Next ›'));
}

function listTable(t, view, part, show) {
  const down = view.sort.startsWith('-'), by = down ? view.sort.slice(1) : view.sort;
  const heading = (key, title, help, first = '-') => el('th', { scope: 'col', 'aria-sort': by === key ? (down ? 'descending' : 'ascending') : null },
    el('button', { type: 'button', title: help, 'data-sort': key, click: () => show({ sort: by === key ? (down ? key : '-' + key) : first + key }) },
      el('span', { class: 'arrow', 'aria-hidden': 'true' }, by === key ? (down ? '▼' : '▲') : ''), title));
  const query = view.run ? `?run=${view.run}` : '';
  return el('table', { class: 'latents' },
    el('thead', {}, el('tr', {}, heading('latent', 'latent', 'Number of the latent', ''), t.text && el('th', { scope: 'col', class: 'text' }, 'fires most on'), t.text && el('th', { scope: 'col', class: 'text' }, 'strongest context'),
      t.columns.map((c) => heading(c.key, c.title, c.help)))),
    el('tbody', {}, part.map((row) => el('tr', {},
      el('th', { scope: 'row' }, el('a', { href: `#/feature/${t.latent(row)}${query}` }, String(t.latent(row)))),
      t.text && el('td', { class: 'text tokens' }, t.text.tokens[row].slice(0, 3).map((token) => el('span', { class: 'token' }, plain(token)))),
      t.text && el('td', { class: 'text context' }, snippet(t, row)),
      t.columns.map((c) => cell(c, row, t))))));
}

function snippet(t, row) {
  if (!t.text.tokens[row].length) return el('span', { class: 'note' }, 'no text');
  return surroundings(t.text.before[row], t.text.tokens[row][0], t.text.after[row]);
}

// surroundings is a token within a few characters on both sides.
function surroundings(before, token, after) {
  return el('bdi', { class: 'context' }, plain([...before].slice(-32).join('')), el('mark', {}, plain(token)), plain([...after].slice(0, 24).join('')));
}

function cell(c, row, t) {
  const v = c.values[row];
  if (c.kind === 'latent' && !Number.isNaN(v)) return el('td', {}, latentLink(v, t));
  if (c.key !== 'frequency') return el('td', {}, written(v, c.kind));
  return el('td', { class: 'measure', '--share': v > 0 ? placeOf(v, c) : 0 }, written(v, c.kind));
}

// placeOf is where v lies between the least number of a column above 0 and the
// largest, in orders of magnitude; the least still shows.
function placeOf(v, c) {
  c.logs ||= extent([c.values.filter((x) => x > 0)]).map(Math.log);
  const [lo, hi] = c.logs;
  return hi > lo ? 0.04 + 0.96 * (Math.log(v) - lo) / (hi - lo) : 1;
}

// latentLink leads to a latent that the report describes.
function latentLink(latent, t) {
  if (t.row(latent) < 0) return el('span', { title: 'not in this report' }, String(latent));
  return el('a', { href: `#/feature/${latent}${t.run ? `?run=${t.run}` : ''}` }, String(latent));
}
