// Charts: axes, a pointer that finds the nearest mark, the keyboard, and the
// data as a table and as CSV.

const box = { width: 480, height: 288, left: 58, right: 14, top: 26, bottom: 46 };

// colour is that of run i of n: eight that people who do not see red and green
// apart can tell, beyond that a ramp.
function colour(i, n) {
  const few = ['light-dark(#1f66b0,#77b2f2)', 'light-dark(#c2540a,#f59f4c)', 'light-dark(#00795c,#3fc7a0)', 'light-dark(#a63a7e,#e58ac2)',
    'light-dark(#7a6400,#d9c24a)', 'light-dark(#5b4bb5,#a99bf5)', 'light-dark(#a02c2c,#f08a80)', 'light-dark(#4d5560,#aeb6c0)'];
  if (n <= few.length) return few[i];
  return `oklch(0.62 0.15 ${Math.round(300 - 260 * i / (n - 1))})`;
}

// scale maps values to places.
function scale(lo, hi, from, to, log) {
  const f = log ? Math.log10 : (v) => v;
  const a = f(lo), b = f(hi);
  const at = (v) => from + (to - from) * (b === a ? 0.5 : (f(v) - a) / (b - a));
  return Object.assign(at, { lo, hi, log });
}

function ticks(s, count) {
  if (s.log) return logTicks(s.lo, s.hi, count);
  const rough = (s.hi - s.lo) / count;
  if (!(rough > 0)) return [s.lo];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const list = [];
  for (let k = Math.ceil(s.lo / step - 1e-9); k * step <= s.hi + step * 1e-9; k++) list.push(Number((k * step).toPrecision(12)));
  return list;
}

function logTicks(lo, hi, count) {
  const from = Math.floor(Math.log10(lo)), to = Math.ceil(Math.log10(hi));
  const inside = (v) => v >= lo * (1 - 1e-9) && v <= hi * (1 + 1e-9);
  let list = [];
  for (let e = from; e <= to; e++) list.push(10 ** e);
  list = list.filter(inside);
  if (list.length < 3) {
    const finer = [];
    for (let e = from; e <= to; e++) for (const m of [1, 2, 5]) finer.push(m * 10 ** e);
    list = finer.filter(inside);
  }
  if (list.length < 2) return [lo, hi];
  const every = Math.ceil(list.length / count);
  return list.filter((_, i) => i % every === 0);
}

const exponent = (v) => Math.round(Math.log10(v));

// tickTexts are the numbers at the ticks of an axis, all of them in one notation.
function tickTexts(list, axis) {
  if (axis.share) return list.map((v) => percent(v));
  const powers = axis.log && list.every((v) => v > 0 && Math.abs(v / 10 ** exponent(v) - 1) < 1e-9);
  if (!powers || list.every((v) => v >= 0.001 && v < 1e5)) return list.map((v) => short(v));
  return list.map((v) => '10' + [...String(exponent(v))].map((c) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[c] || '⁻').join(''));
}

// frame draws the axes of a chart. x and y are [lo, hi].
function frame(axes, x, y, options = {}) {
  const b = { ...box, ...options };
  const sx = scale(x[0], x[1], b.left, b.width - b.right, axes.x.log);
  const sy = scale(y[0], y[1], b.height - b.bottom, b.top, axes.y.log);
  const bottom = b.height - b.bottom;
  const grid = svg('g', { class: 'axis' });
  const up = ticks(sy, 5), across = options.noX ? [] : ticks(sx, 6);
  tickTexts(up, axes.y).forEach((text, i) => {
    const y = sy(up[i]);
    grid.append(svg('line', { x1: b.left, x2: b.width - b.right, y1: y, y2: y }),
      svg('text', { x: b.left - 6, y: y + 4, 'text-anchor': 'end' }, text));
  });
  tickTexts(across, axes.x).forEach((text, i) => {
    const x = sx(across[i]);
    grid.append(svg('line', { class: 'tick', x1: x, x2: x, y1: bottom, y2: bottom + 4 }),
      svg('text', { x, y: bottom + 17, 'text-anchor': 'middle' }, text));
  });
  grid.append(svg('line', { class: 'base', x1: b.left, x2: b.width - b.right, y1: bottom, y2: bottom }));
  if (axes.y.label) grid.append(svg('text', { class: 'label', x: 2, y: b.top - 8 }, axes.y.label));
  if (axes.x.label) grid.append(svg('text', { class: 'label', x: (b.left + b.width - b.right) / 2, y: b.height - 8, 'text-anchor': 'middle' }, axes.x.label));
  const root = svg('svg', { viewBox: `0 0 ${b.width} ${b.height}`, tabindex: '0', role: 'group', 'aria-roledescription': 'plot' }, grid);
  const marks = svg('g', {});
  root.append(marks);
  return { root, marks, sx, sy, bottom, box: b };
}

// A hit is a mark the pointer or the keyboard can be on: its place, what it
// says, and the address it leads to.
function listen(f, hits, flat) {
  const cursor = svg('circle', { class: 'cursor', r: 4, visibility: 'hidden' });
  f.root.append(cursor);
  let at = -1;
  const show = (i, spoken) => {
    at = i;
    const h = hits[i];
    cursor.setAttribute('visibility', 'visible');
    cursor.setAttribute('cx', h.x);
    cursor.setAttribute('cy', h.y);
    const r = f.root.getBoundingClientRect(), k = r.width / f.box.width;
    tip(h.text, r.left + h.x * k, r.top + h.y * k);
    if (spoken) announce(h.text + (h.href ? ', Enter lists them' : ''));
  };
  const hide = () => { at = -1; cursor.setAttribute('visibility', 'hidden'); tip(null); };
  f.root.addEventListener('pointermove', (e) => {
    const r = f.root.getBoundingClientRect(), k = f.box.width / r.width;
    const i = nearest(hits, (e.clientX - r.left) * k, (e.clientY - r.top) * k, flat);
    if (i < 0) hide(); else show(i, false);
    f.root.classList.toggle('leads', i >= 0 && Boolean(hits[i].href));
  });
  f.root.addEventListener('pointerleave', hide);
  f.root.addEventListener('blur', hide);
  f.root.addEventListener('click', () => { if (at >= 0 && hits[at].href) location.hash = hits[at].href; });
  f.root.addEventListener('keydown', (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (step && hits.length) {
      show((at + step + hits.length + (at < 0 && step < 0 ? 1 : 0)) % hits.length, true);
      e.preventDefault();
      e.stopPropagation();
    } else if (e.key === 'Enter' && at >= 0 && hits[at].href) location.hash = hits[at].href;
    else if (e.key === 'Escape') hide();
  });
}

// nearest is the hit closest to a place, across only when flat.
function nearest(hits, x, y, flat) {
  let best = -1, least = flat ? 30 : 14;
  hits.forEach((h, i) => {
    const d = flat ? Math.abs(h.x - x) + Math.abs(h.y - y) * 1e-3 : Math.hypot(h.x - x, h.y - y);
    if (d < least) { best = i; least = d; }
  });
  return best;
}

function tip(text, x, y) {
  const node = byId('tip');
  node.hidden = !text;
  if (!text) return;
  node.replaceChildren(...text.split('\n').map((line) => el('div', {}, plain(line))));
  const w = node.offsetWidth, h = node.offsetHeight;
  node.style.left = Math.max(4, Math.min(x - w / 2, innerWidth - w - 4)) + 'px';
  node.style.top = (y - h - 12 < 4 ? y + 16 : y - h - 12) + 'px';
}

// figure puts a chart under its title, with its legend and its data.
function figure(chart, drawn, data) {
  const id = 'chart-' + chart.id;
  drawn.root.setAttribute('aria-labelledby', id);
  const details = el('details', { class: 'data', toggle: () => {
    if (!details.open || details.querySelector('table')) return;
    const [header, rows] = data();
    const most = 500;
    details.append(el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Data of ${chart.title}` }, el('table', {},
      el('thead', {}, el('tr', {}, header.map((h) => el('th', { scope: 'col' }, h)))),
      el('tbody', {}, rows.slice(0, most).map((r) => el('tr', {}, r.map((v) => el('td', {}, typeof v === 'number' ? short(v, 5) : plain(String(v ?? ''))))))))),
    rows.length > most && el('p', { class: 'note' }, `The first ${most} of ${plural(rows.length, 'row')}; the CSV file has all.`));
  } }, el('summary', {}, 'Data'), el('button', { type: 'button', class: 'plain', click: () => save(`${chart.id}.csv`, csv(...data())) }, 'Save as CSV'));
  return el('figure', { class: 'card chart kind-' + chart.kind },
    el('figcaption', {}, el('h3', { id }, chart.title), el('p', { class: 'note' }, chart.help)),
    drawn.root, drawn.note && el('p', { class: 'note' }, drawn.note), legend(chart.lines || []), details);
}

// legend names the runs of a chart that shows several.
function legend(lines) {
  if (head.runs.length < 2) return null;
  return el('ul', { class: 'legend' }, lines.map((l) => el('li', { color: colour(l.run, head.runs.length) }, el('span', {}, head.runs[l.run].name))));
}
