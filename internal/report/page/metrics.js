// The metrics: every figure with its definition.

function metrics(main, params) {
  main.append(el('h1', { tabindex: '-1' }, 'Metrics'));
  const field = el('input', { type: 'search', id: 'metric-query', value: params.get('q') || '', autocomplete: 'off', input: () => {
    replace('metrics', field.value ? { q: field.value } : {});
    show();
  } });
  const holder = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Metrics' });
  const show = () => {
    const list = head.metrics.filter((m) => [m.name, m.family, m.definition].some((t) => t.toLowerCase().includes(field.value.toLowerCase())));
    announce(plural(list.length, 'metric'));
    holder.replaceChildren(metricTable(list));
  };
  main.append(el('p', { class: 'tools' }, el('label', { for: 'metric-query' }, 'Show only '), field,
    el('button', { type: 'button', class: 'plain', click: () => save('metrics.csv', metricCSV()) }, 'Save as CSV')), holder);
  show();
  return 'Metrics';
}

function metricTable(list) {
  const body = [];
  for (const [family, of] of Map.groupBy(list, (m) => m.family)) {
    body.push(el('tr', {}, el('th', { class: 'family', scope: 'colgroup', colspan: head.runs.length + 2 }, family)));
    for (const m of of) {
      body.push(el('tr', {}, el('th', { scope: 'row' }, el('code', {}, m.name)),
        m.values.map((v, i) => el('td', { title: m.rows[i] ? `on ${plural(m.rows[i], 'row')}` : 'of the weights' }, short(v, 5), m.unit && v !== null && head.runs.length === 1 ? ' ' + m.unit : '')),
        el('td', { class: 'text definition' }, plain(m.definition))));
    }
  }
  return el('table', { class: 'metrics' },
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'metric'), head.runs.map((r) => el('th', { scope: 'col' }, head.runs.length > 1 ? plain(r.name) : 'value')), el('th', { scope: 'col', class: 'text' }, 'definition'))),
    el('tbody', {}, body));
}

const metricCSV = () => csv(['metric', ...head.runs.map((r) => r.name), 'unit', 'definition'], head.metrics.map((m) => [m.name, ...m.values, m.unit, m.definition]));
