// The overview: what was measured on what, and the plots.

function overview(main) {
  main.append(el('h1', { tabindex: '-1' }, plain(head.title)));
  if (head.search) main.append(el('p', {}, 'Latents ranked by how well they pick out ', el('q', {}, plain(head.search)), '.'));
  main.append(warnings());
  if (head.runs.length === 1) main.append(facts(head.runs[0]), tiles());
  else main.append(comparison());
  if (head.first.length) main.append(firstLatents());
  if (head.charts.length) main.append(el('h2', {}, 'Plots'), el('div', { class: 'charts' }, head.charts.map(draw)));
  return 'Overview';
}

// firstLatents are the first of the list, each with its strongest context.
function firstLatents() {
  return el('section', { 'aria-labelledby': 'first' }, el('h2', { id: 'first' }, 'Latents'), el('p', { class: 'note' }, head.order, ' ', el('a', { href: '#/latents' }, `All ${grouped(head.runs[0].rows)}`)),
    el('ul', { class: 'first card' }, head.first.map((f) => el('li', {}, el('a', { href: `#/feature/${f.latent}` }, String(f.latent)),
      el('span', { class: 'token' }, plain(f.tokens[0])), surroundings(f.before, f.tokens[0], f.after)))));
}

function warnings() {
  const several = head.runs.length > 1;
  const list = [...head.warnings, ...head.runs.flatMap((r) => r.warnings.map((w) => (several ? `${r.name}: ${w}` : w)))];
  if (!list.length) return [];
  return el('details', { class: 'warnings', open: list.length < 4 }, el('summary', {}, plural(list.length, 'warning')), el('ul', {}, list.map((w) => el('li', {}, plain(w)))));
}

const facts = (run) => el('dl', { class: 'facts' }, run.facts.map((f) => el('div', {}, el('dt', {}, f.name), el('dd', {}, plain(f.value)))));

// The figures that a reader looks for first; each page shows those it has.
const foremost = ['fvu', 'explained_variance', 'cosine', 'l0', 'dead_latents', 'coherence_max', 'coherence_mean', 'eps_lbo_median'];

const metricNamed = (name) => head.metrics.find((m) => m.name === name);

const metricTitle = (m) => ({ fvu: 'FVU', l0: 'L0', eps_lbo_median: 'median ε_LBO' }[m.name] || m.name.replaceAll('_', ' '));

function tiles() {
  const shown = foremost.map(metricNamed).filter((m) => m && m.values[0] !== null);
  return el('ul', { class: 'tiles' }, shown.map((m) => el('li', { title: m.definition },
    el('span', { class: 'figure' }, short(m.values[0], 4)), el('span', { class: 'of' }, metricTitle(m)))));
}

// comparison is a table of the foremost figures, a row a run.
function comparison() {
  const shown = foremost.map(metricNamed).filter(Boolean);
  const n = head.runs.length;
  return el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Runs' }, el('table', { class: 'runs' },
    el('thead', {}, el('tr', {}, ['run', 'variant', 'latents', ...shown.map(metricTitle)].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, head.runs.map((r, i) => el('tr', {},
      el('th', { scope: 'row', color: colour(i, n) }, el('span', { class: 'swatch', 'aria-hidden': 'true' }), el('a', { href: `#/latents${i ? `?run=${i}` : ''}` }, plain(r.name))),
      el('td', { class: 'text' }, r.variant), el('td', {}, grouped(r.latents)), shown.map((m) => el('td', {}, short(m.values[i], 4))))))));
}
