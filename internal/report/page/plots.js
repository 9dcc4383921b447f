// The kinds of plots.

const extent = (lists) => {
  let lo = Infinity, hi = -Infinity;
  for (const list of lists) for (const v of list) if (v !== null && v > -Infinity && v < Infinity) { lo = Math.min(lo, v); hi = Math.max(hi, v); }
  return [lo, hi];
};

const runName = (run) => (head.runs.length > 1 ? head.runs[run].name + '\n' : '');

function draw(chart) {
  const kinds = { bars, lines, points, zf, violin };
  return kinds[chart.kind](chart);
}

// bars are a histogram: filled for one run, outlines for several.
function bars(chart) {
  const edges = extent(chart.lines.map((l) => l.x));
  const top = extent(chart.lines.map((l) => l.y))[1] || 1;
  const f = frame(chart, edges, [0, top * 1.04]);
  const hits = [], n = head.runs.length, zeros = [];
  for (const l of chart.lines) {
    const group = svg('g', { color: colour(l.run, n) });
    let path = '';
    l.y.forEach((y, i) => {
      const x0 = f.sx(l.x[i]), x1 = f.sx(l.x[i + 1]), at = f.sy(y);
      if (n === 1) group.append(svg('rect', { class: 'bar', x: x0 + 0.5, y: at, width: Math.max(0.8, x1 - x0 - 1), height: Math.max(0, f.bottom - at) }));
      else path += `${i ? 'L' : 'M'}${x0} ${at}L${x1} ${at}`;
      if (y > 0) hits.push({ x: (x0 + x1) / 2, y: at, text: barText(chart, l, i), href: barLink(chart, l, i) });
    });
    if (path) group.append(svg('path', { class: 'line', d: path }));
    f.marks.append(group);
    if (l.zero) zeros.push(`${n > 1 ? head.runs[l.run].name + ': ' : ''}${plural(l.zero, 'latent')} at zero`);
  }
  hits.sort((a, b) => a.x - b.x);
  listen(f, hits, true);
  if (zeros.length) f.note = `Not on this axis: ${zeros.join(', ')}.`;
  return figure(chart, f, () => [['run', 'from', 'to', chart.y.label || 'share'],
    chart.lines.flatMap((l) => l.y.map((y, i) => [head.runs[l.run].name, l.x[i], l.x[i + 1], y]))]);
}

function barText(chart, l, i) {
  const write = (v) => (chart.x.share ? percent(v) : short(v));
  const size = chart.y.share ? percent(l.y[i]) : short(l.y[i]);
  const whole = !chart.column && Number.isInteger(l.x[i]) && l.x[i + 1] === l.x[i] + 1;
  return `${runName(l.run)}${whole ? short(l.x[i]) : `${write(l.x[i])} to ${write(l.x[i + 1])}`}\n${size} ${chart.y.share ? '' : chart.y.label || ''}`.trim();
}

function barLink(chart, l, i) {
  if (!chart.column || !head.runs[l.run].rows) return null;
  const params = new URLSearchParams({ [chart.column]: `${l.x[i]}..${l.x[i + 1]}` });
  if (l.run) params.set('run', l.run);
  return `#/latents?${params}`;
}

function lines(chart) {
  const ys = chart.lines.map((l) => l.y);
  const [lo, hi] = extent(ys);
  const log = chart.y.log && lo > 0;
  const xs = extent(chart.lines.map((l) => l.x));
  const f = frame({ x: { ...chart.x, log: chart.x.log && xs[0] > 0 }, y: { ...chart.y, log } }, xs, log ? [lo, hi] : [Math.min(0, lo), hi * 1.04 || 1]);
  const hits = [];
  for (const l of chart.lines) {
    const group = svg('g', { color: colour(l.run, head.runs.length) });
    group.append(svg('path', { class: 'line', d: l.x.map((x, i) => `${i ? 'L' : 'M'}${f.sx(x)} ${f.sy(l.y[i])}`).join('') }));
    l.x.forEach((x, i) => {
      const h = { x: f.sx(x), y: f.sy(l.y[i]) };
      if (l.x.length <= 40) group.append(svg('circle', { class: 'dot', cx: h.x, cy: h.y, r: 2.6 }));
      hits.push({ ...h, text: `${runName(l.run)}${short(x)} ${chart.x.label}\n${chart.y.share ? percent(l.y[i]) : short(l.y[i], 4)}` });
    });
    f.marks.append(group);
  }
  listen(f, hits, false);
  return figure(chart, f, () => [['run', chart.x.label, chart.y.label || 'y'], chart.lines.flatMap((l) => l.x.map((x, i) => [head.runs[l.run].name, x, l.y[i]]))]);
}

// points have one run each; those of one variant are joined.
function points(chart) {
  const room = (of, log) => {
    const [lo, hi] = extent(chart.lines.map((l) => l[of]));
    return log ? [lo / 1.25, hi * 1.25] : [lo - (hi - lo) * 0.08, hi + (hi - lo) * 0.08];
  };
  const f = frame(chart, room('x', chart.x.log), room('y', chart.y.log));
  const name = (l) => l.name || head.runs[l.run].name, variant = (l) => l.variant || head.runs[l.run].variant;
  const swept = chart.lines.some((l) => l.name), here = (l) => l.here || (swept && !l.name);
  const variants = Map.groupBy(chart.lines, variant);
  for (const list of variants.values()) {
    list.sort((a, b) => a.x[0] - b.x[0]);
    f.marks.append(svg('path', { class: 'join', d: list.map((l, i) => `${i ? 'L' : 'M'}${f.sx(l.x[0])} ${f.sy(l.y[0])}`).join('') }));
  }
  const hits = chart.lines.map((l) => ({ x: f.sx(l.x[0]), y: f.sy(l.y[0]),
    text: `${swept || head.runs.length > 1 ? name(l) + '\n' : ''}${variant(l)}\n${chart.x.label.split(',')[0]} ${short(l.x[0], 4)}, ${chart.y.label} ${short(l.y[0], 4)}` }));
  chart.lines.forEach((l, i) => f.marks.append(svg('circle', { class: swept && !here(l) ? 'dot other' : 'dot', color: colour(l.run, head.runs.length), cx: hits[i].x, cy: hits[i].y, r: here(l) ? 7 : 5 })));
  hits.sort((a, b) => a.x - b.x);
  listen(f, hits, false);
  return figure(chart, f, () => [['run', 'variant', chart.x.label, chart.y.label], chart.lines.map((l) => [name(l), variant(l), l.x[0], l.y[0]])]);
}

// zf is the ZF plot: square, from 0, with the line of equal norms and the
// bands of e = 0.25, 0.5 and 1. The few largest norms are left outside when
// they would crowd the rest.
function zf(chart) {
  const all = chart.lines.flatMap((l) => [...l.x, ...l.y]).sort((a, b) => a - b);
  let top = all[all.length - 1];
  const most = all[Math.floor(0.99 * (all.length - 1))];
  if (top > 1.5 * most) top = 1.05 * most;
  const f = frame(chart, [0, top], [0, top], { width: 420, height: 440 });
  f.marks.append(zfBands(f, top));
  const hits = [];
  let outside = 0;
  for (const l of chart.lines) {
    const places = l.x.map((x, i) => [x, l.y[i]]).filter(([x, y]) => x <= top && y <= top);
    outside += l.x.length - places.length;
    f.marks.append(cloud(places.map(([x, y]) => [f.sx(x), f.sy(y)]), colour(l.run, head.runs.length)));
    l.x.forEach((x, i) => { if (x <= top && l.y[i] <= top) hits.push({ x: f.sx(x), y: f.sy(l.y[i]), text: zfText(l, i) }); });
  }
  listen(f, hits, false);
  f.note = zfNote() + (outside ? ` ${plural(outside, 'row')} of larger norm left outside; the data has them.` : '');
  return figure(chart, f, () => zfData(chart));
}

function zfBands(f, top) {
  const group = svg('g', { class: 'bands' });
  for (const e of [1, 0.5, 0.25]) {
    const low = Math.sqrt(1 / (1 + e)), high = e < 1 ? Math.sqrt(1 / (1 - e)) : Infinity;
    const corner = high === Infinity ? `L${f.sx(0)} ${f.sy(top)}L${f.sx(top)} ${f.sy(top)}` : `L${f.sx(top / high)} ${f.sy(top)}L${f.sx(top)} ${f.sy(top)}`;
    group.append(svg('path', { d: `M${f.sx(0)} ${f.sy(0)}${corner}L${f.sx(top)} ${f.sy(top * low)}Z` }));
  }
  group.append(svg('line', { x1: f.sx(0), y1: f.sy(0), x2: f.sx(top), y2: f.sy(top) }));
  return group;
}

// zfNote says what the bands are.
function zfNote() {
  const latents = [...new Set(head.runs.map((r) => r.latents))];
  const epsilon = (e) => (latents.length === 1 ? ` (ε ${short(e / (latents[0] - 1))})` : '');
  return 'Bands, from the darkest: ' + [0.25, 0.5, 1].map((e) => `e = ${e}${epsilon(e)}`).join(', ') + '.';
}

// cloud draws dots as one path for each of a few densities, so that where they
// lie on each other can be seen.
function cloud(places, ink) {
  const cell = 9, count = new Map();
  const key = ([x, y]) => Math.floor(x / cell) * 1000 + Math.floor(y / cell);
  for (const p of places) count.set(key(p), (count.get(key(p)) || 0) + 1);
  const top = Math.log2(1 + Math.max(1, ...count.values()));
  const levels = [[], [], [], []];
  for (const p of places) levels[Math.min(3, Math.floor(4 * Math.log2(1 + count.get(key(p))) / (top + 1e-9)))].push(p);
  return svg('g', { color: ink }, levels.map((list, i) => list.length > 0 && svg('path', { class: `cloud d${i}`, d: list.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join('') })));
}

function zfText(l, i) {
  const p = l.points || {};
  const text = p.text && p.text[i] ? '\n… ' + p.text[i] : '';
  const row = p.row ? `row ${grouped(p.row[i])}, ` : '';
  return `${runName(l.run)}${row}‖z‖ ${short(l.x[i], 4)}, ‖f̃‖ ${short(l.y[i], 4)}${text}`;
}

// zfData has the columns of the paper's own table: run for layer, and norms of
// the reconstruction, squared error and text where they are known.
function zfData(chart) {
  const rows = chart.lines.flatMap((l) => l.x.map((z, i) => {
    const p = l.points || {}, of = (list) => (list ? list[i] : null);
    return [head.runs[l.run].name, z * z, l.y[i] * l.y[i], z, l.y[i], of(p.recon), of(p.error), of(p.text)];
  }));
  return [['layer', 'ztz', 'ftf', 'norm_z', 'norm_f', 'norm_z_hat', 'l_recon', 'text'], rows];
}

// violin has a column a run: the left half on the left axis, the right half on
// the right one; both halves are alike when there is no left measure.
function violin(chart) {
  const { left, right } = chart.violins, runs = right.shapes.length;
  const width = Math.max(480, 120 + 64 * runs);
  const y = { label: right.label };
  const f = frame({ x: { label: '' }, y: left ? { label: left.label } : y }, [0, runs], [0, left ? left.clip : right.clip],
    { noX: true, width, right: left ? 62 : 14, bottom: runs > 1 ? 62 : 34 });
  const sr = scale(0, right.clip, f.bottom, f.box.top);
  if (left) f.marks.append(svg('text', { class: 'label mark right', x: width - 2, y: 18, 'text-anchor': 'end' }, right.label));
  if (left) for (const v of ticks(sr, 5)) f.marks.append(svg('text', { class: 'second', x: width - 56, y: sr(v) + 4 }, short(v)));
  const hits = [], half = Math.min(40, (width - 120) / runs * 0.42);
  const side = (s, scaleOf, sign, kind) => s.shapes.forEach((shape, k) => {
    const middle = f.sx(k + 0.5), at = (v) => scaleOf(v);
    const edge = shape.at.map((v, i) => `L${middle + sign * half * shape.density[i]} ${at(v)}`).join('');
    f.marks.append(svg('path', { class: 'violin ' + kind, d: `M${middle} ${at(shape.at[0])}${edge}L${middle} ${at(shape.at[shape.at.length - 1])}Z` }));
    const x = middle + sign * 5 * (left ? 1 : 0);
    f.marks.append(svg('line', { class: 'quartiles', x1: x, x2: x, y1: at(shape.q25), y2: at(shape.q75) }), svg('circle', { class: 'median', cx: x, cy: at(shape.median), r: 3 }));
    const note = shape.run === s.best ? ', best' : shape.run === s.worst ? ', worst' : '';
    if (note) f.marks.append(svg('text', { class: 'mark ' + kind, x: middle + sign * (left ? half * 0.5 : 0), y: f.box.top - 8, 'text-anchor': 'middle' }, note.slice(2)));
    hits.push({ x: middle + sign * half / 2, y: at(shape.median), text: `${runName(shape.run)}${s.label}${note}\nmedian ${short(shape.median)}, quartiles ${short(shape.q25)} and ${short(shape.q75)}` });
  });
  side(right, left ? sr : f.sy, 1, 'right');
  side(left || right, f.sy, -1, left ? 'left' : 'right');
  if (!left) hits.splice(runs);
  if (runs > 1) right.shapes.forEach((s, k) => f.marks.append(violinName(f, f.sx(k + 0.5), head.runs[s.run].name)));
  listen(f, hits.sort((a, b) => a.x - b.x), false);
  const title = left ? `${left.label} (left) and ${right.label} (right)` : chart.title;
  return figure({ ...chart, title }, f, () => [['run', 'measure', 'lower quartile', 'median', 'upper quartile'],
    [left, right].filter(Boolean).flatMap((s) => s.shapes.map((h) => [head.runs[h.run].name, s.label, h.q25, h.median, h.q75]))]);
}

function violinName(f, x, name) {
  const most = 14;
  const label = name.length > most ? '…' + name.slice(1 - most) : name;
  return svg('text', { class: 'name', x, y: f.bottom + 16, 'text-anchor': 'end', transform: `rotate(-28 ${x} ${f.bottom + 14})` }, label);
}
