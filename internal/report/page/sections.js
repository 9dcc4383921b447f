// Sections: analyses with tables of their own.

function sectionPage(main, parts) {
  const index = Number(parts[1]) || 0, s = head.sections[index];
  if (!s) {
    main.append(el('h1', { tabindex: '-1' }, 'No such analysis'), el('p', {}, el('a', { href: '#/' }, 'See the overview.')));
    return 'No such analysis';
  }
  main.append(el('h1', { tabindex: '-1' }, plain(s.title)), facts(s), ...s.tables.map(sectionTable));
  if (s.notes.length) main.append(el('h2', {}, 'How it is made'), el('ul', { class: 'notes' }, s.notes.map((n) => el('li', {}, plain(n)))));
  return s.title;
}

// sectionTable sorts by the column whose header is pressed.
function sectionTable(t) {
  const order = { column: -1, down: true };
  const body = el('tbody', {});
  const show = () => {
    const rows = [...t.rows];
    if (order.column >= 0) rows.sort((a, b) => compareCells(a[order.column], b[order.column], order.down));
    body.replaceChildren(...rows.map((row) => el('tr', {}, t.columns.map((c, i) => el(i ? 'td' : 'th', { scope: i ? null : 'row', class: isText(c) ? 'text' : null }, cellText(row[i], c))))));
  };
  const headers = t.columns.map((c, i) => el('th', { scope: 'col', class: isText(c) ? 'text' : null, title: c.help }, el('button', { type: 'button', class: 'plain', click: () => {
    order.down = order.column === i ? !order.down : true;
    order.column = i;
    headers.forEach((h, k) => (k === i ? h.setAttribute('aria-sort', order.down ? 'descending' : 'ascending') : h.removeAttribute('aria-sort')));
    show();
  } }, c.name)));
  show();
  return el('section', {}, el('h2', {}, plain(t.title)), t.help && el('p', { class: 'note' }, plain(t.help)),
    t.rows.length ? el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t.title }, el('table', { class: 'analysis' }, el('thead', {}, el('tr', {}, headers)), body)) : el('p', {}, 'None.'));
}

const isText = (c) => c.kind === 'text' || c.kind === 'latents';

// compareCells puts missing cells last either way.
function compareCells(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  const sign = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  return down ? -sign : sign;
}

function cellText(v, c) {
  if (v === null || v === undefined) return '–';
  if (c.kind === 'share') return percent(v);
  if (c.kind === 'latents' && head.runs.length) return v.split(' ').filter(Boolean).flatMap((n, i) => [i ? ' ' : '', el('a', { href: `#/feature/${n}` }, n)]);
  return typeof v === 'number' ? short(v, 4) : plain(v);
}
