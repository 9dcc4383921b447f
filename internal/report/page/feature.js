// The page of a latent.

async function feature(main, parts, params, alive) {
  const run = Math.min(head.runs.length - 1, Number(params.get('run')) || 0);
  const latent = Number(parts[1]);
  const t = await table(run);
  if (!alive()) return '';
  const row = /^\d+$/.test(parts[1] || '') ? t.row(latent) : -1;
  if (row < 0) return unknown(main, parts[1] || '', run);
  const f = run === 0 ? await featureAt(row) : null;
  if (!alive()) return '';
  main.append(featureHead(t, row, latent), figures(t, row));
  const fired = t.column('fired');
  if (!f) main.append(el('p', { class: 'note' }, 'Contexts are in the file that saectl inspect-features --html writes.'));
  else if (!f.top.length) main.append(el('p', {}, fired && fired.values[row] > 0 ? 'No examples were kept of this latent.' : 'This latent never fires on these rows.'), relatives(f, t));
  else main.append(el('div', { class: 'feature' }, el('div', {}, contexts(f)), el('aside', { 'aria-label': 'Distribution and other latents' }, distribution(f), relatives(f, t))));
  return `Latent ${latent}`;
}

function unknown(main, text, run) {
  const r = head.runs[run], number = /^\d+$/.test(text);
  main.append(el('h1', { tabindex: '-1' }, number ? `Latent ${text}` : 'No such latent'), el('p', {}, number && Number(text) < r.latents
    ? `Latent ${text} is not in this report, which describes ${plural(r.rows, 'latent')} of ${grouped(r.latents)}. `
    : `There is no latent ${text}; the dictionary has ${grouped(r.latents)}, numbered from 0. `, el('a', { href: '#/latents' }, 'See those there are.')));
  return `Latent ${text}`;
}

// stepAlong is the latent before or after one, in the order last listed.
function stepAlong(t, row, step) {
  const along = shownList && shownList.table === t && shownList.rows.includes(row) ? shownList.rows : null;
  const next = along ? along[along.indexOf(row) + step] : row + step;
  return next === undefined || next < 0 || next >= t.rows ? null : t.latent(next);
}

function featureHead(t, row, latent) {
  const step = (by, text, name) => {
    const to = stepAlong(t, row, by);
    const href = to === null ? null : `#/feature/${to}${t.run ? `?run=${t.run}` : ''}`;
    return el('a', { class: 'button ' + name, href, 'aria-disabled': href ? null : 'true', 'aria-label': `${name} latent` }, text);
  };
  const back = shownList && shownList.table === t ? '?' + new URLSearchParams(shownList.query) : t.run ? `?run=${t.run}` : '';
  return el('div', { class: 'feature-head' }, el('h1', { tabindex: '-1' }, `Latent ${latent}`),
    head.runs.length > 1 && el('span', { class: 'note' }, 'of ', plain(head.runs[t.run].name)),
    el('nav', { 'aria-label': 'Other latents' }, step(-1, '‹ Previous', 'previous'), el('a', { class: 'button', href: '#/latents' + (back === '?' ? '' : back) }, 'List'), step(1, 'Next ›', 'next')));
}

const figures = (t, row) => el('dl', { class: 'facts figures' }, t.columns.filter((c) => !Number.isNaN(c.values[row])).map((c) => el('div', { title: c.help },
  el('dt', {}, c.title), el('dd', {}, c.kind === 'latent' ? latentLink(c.values[row], t) : written(c.values[row], c.kind)))));

// How contexts are set: below each other with their tokens aligned, or in full.
let aligned = true;

function contexts(f) {
  const most = Math.max(...[...f.top, ...f.bins.map((b) => b.example)].flatMap((e) => [Math.abs(e.value), ...e.values.map(Math.abs)]));
  const part = el('section', { class: 'contexts' + (aligned ? ' aligned' : '') + (f.top.some((e) => e.image) ? ' pictured' : '') });
  const hasText = f.top[0].tokens.length > 0;
  const toggle = el('button', { type: 'button', class: 'plain', 'aria-pressed': String(aligned), click: () => {
    aligned = !aligned;
    part.classList.toggle('aligned', aligned);
    toggle.setAttribute('aria-pressed', String(aligned));
  } }, 'Align tokens');
  const list = (examples, label) => el('ol', { 'aria-label': label }, examples.map((e) => example(e, most)));
  part.append(el('div', { class: 'part-head' }, el('h2', {}, 'Largest activations'), hasText && toggle), list(f.top, 'Largest activations'));
  if (f.bins.length) {
    part.append(el('h2', {}, 'One of each part'), el('p', { class: 'note' }, `Drawn at random from ${plural(f.bins.length, 'quantile')}, from the strongest to the weakest.`));
    for (const b of f.bins) part.append(el('h3', { class: 'range' }, `${short(b.low)} to ${short(b.high)}`), list([b.example], `Activations from ${short(b.low)} to ${short(b.high)}`));
  }
  return part;
}

function example(e, most) {
  const place = [e.doc !== null ? `doc ${e.doc}` + (e.pos !== null ? `:${e.pos}` : '') : '', e.label || ''].filter(Boolean).join(', ') || `row ${grouped(e.row)}`;
  const text = e.tokens.length ? contextText(e, most) : null;
  return el('li', {}, el('span', { class: 'value', '--heat': Math.min(1, Math.abs(e.value) / most), 'data-sign': e.value < 0 ? 'minus' : null }, short(e.value)),
    el('span', { class: 'place', title: `row ${grouped(e.row)} of the dump` }, plain(place)), e.image && el('img', { class: 'picture', src: e.image, alt: `Picture of ${place}` }), text);
}

// contextText shades each token on which the latent fires.
function contextText(e, most) {
  const value = new Map(e.fires.map((at, i) => [at, e.values[i]]));
  const span = (text, i) => {
    const v = value.get(i);
    const attributes = v === undefined ? {} : { class: 'token', '--heat': Math.min(1, Math.abs(v) / most), 'data-sign': v < 0 ? 'minus' : null, title: short(v, 4) };
    return el(i === e.at ? 'mark' : 'span', attributes, plain(text));
  };
  const side = (from, to) => el('bdi', {}, e.tokens.slice(from, to).map((text, i) => span(text, from + i)));
  return el('span', { class: 'context' }, el('span', { class: 'before' }, side(0, e.at)), el('span', { class: 'after' }, span(e.tokens[e.at], e.at), side(e.at + 1, e.tokens.length)));
}

// distribution is the histogram of a latent's activations and their quantiles.
function distribution(f) {
  if (!f.shares.length) return null;
  const [low, high] = f.range, edge = (i) => low + (high - low) * i / f.shares.length;
  const f0 = frame({ x: { label: 'activation' }, y: { share: true } }, f.range, [0, Math.max(...f.shares) * 1.04], { height: 200, width: 400, bottom: 40 });
  const hits = f.shares.map((h, i) => {
    const x0 = f0.sx(edge(i)), x1 = f0.sx(edge(i + 1)), y = f0.sy(h);
    f0.marks.append(svg('rect', { class: 'bar', color: colour(0, 1), x: x0 + 0.5, y, width: Math.max(0.8, x1 - x0 - 1), height: Math.max(0, f0.bottom - y) }));
    return { x: (x0 + x1) / 2, y, text: `${short(edge(i))} to ${short(edge(i + 1))}\n${percent(h)}` };
  });
  listen(f0, hits, true);
  f0.root.setAttribute('aria-labelledby', 'spread');
  return el('section', {}, el('h2', { id: 'spread' }, 'Activations'), f0.root,
    el('dl', { class: 'quantiles' }, f.quantiles.map(([q, v]) => el('div', {}, el('dt', {}, q === 0 ? 'min' : q === 1 ? 'max' : percent(q)), el('dd', {}, short(v))))),
    el('p', { class: 'note' }, `Of ${plural(f.sampled, 'activation')} that ${f.sampled === 1 ? 'is' : 'are'} not zero.`));
}

function relatives(f, t) {
  const part = (title, help, list, cells) => list.length > 0 && el('section', {}, el('h2', {}, title), el('p', { class: 'note' }, help),
    el('ul', { class: 'relatives' }, list.map((link) => el('li', {}, latentLink(link[0], t), el('span', { class: 'tokens' }, tokensOf(t, link[0])), el('span', { class: 'measure', '--share': Math.max(0, link[1]), title: link[2] ? `Jaccard index ${short(link[2])}` : null }, cells(link))))));
  return [
    part('Nearest', 'Latents whose decoder rows point the same way, by cosine.', f.nearest, (l) => short(l[1])),
    part('Fires with', 'Share of this latent’s rows on which the other fires too; the closest by Jaccard index first.', f.partners, (l) => percent(l[1])),
  ];
}

function tokensOf(t, latent) {
  const row = t.row(latent);
  if (row < 0 || !t.text) return [];
  return t.text.tokens[row].slice(0, 3).map((token) => el('span', { class: 'token' }, plain(token)));
}
