// Elements. Text reaches the document only as text nodes, whatever it holds.

const byId = (id) => document.getElementById(id);

// el makes an element. Attributes that are null or false are left out,
// functions are listeners, and children may be nodes, text or lists of them.
function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// An element of a drawing; its namespace is that of an svg the parser made.
const drawing = (() => {
  const t = document.createElement('template');
  t.innerHTML = '<svg></svg>';
  return t.content.firstChild;
})();

function svg(name, attributes, ...children) {
  return fill(document.createElementNS(drawing.namespaceURI, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(key, value);
    else if (key.startsWith('--') || key === 'color') node.style.setProperty(key, value);
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

const announce = (text) => { byId('status').textContent = text; };

// plain writes text so that all of it can be seen: line breaks and tabs as
// arrows, other control and format characters, which could reorder or hide
// what stands around them, as codes. Joiners and selectors, which scripts and
// emoji need, stay.
const unseen = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;
const unseenParts = /([\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf})/u;

function plain(text) {
  if (!unseen.test(text)) return [text];
  return text.split(unseenParts).map((part, i) => {
    if (i % 2 === 0) return part;
    if (part === '\n') return el('span', { class: 'code' }, '↵');
    if (part === '\t') return el('span', { class: 'code' }, '→');
    return el('span', { class: 'code' }, part.codePointAt(0).toString(16).toUpperCase().padStart(4, '0'));
  });
}

// Numbers.

const grouped = (n) => n.toLocaleString('en-US');

function short(v, digits = 3) {
  if (v === null || v === undefined || Number.isNaN(v)) return '–';
  if (Number.isInteger(v) && Math.abs(v) < 1e15) return grouped(v).replace('-', '−');
  const size = Math.abs(v);
  if (size >= 1e6 || size < 1e-4) return v.toExponential(digits - 1).replace('e+', 'e').replace('-', '−').replace('e-', 'e−');
  const rounded = Number(v.toPrecision(digits));
  return (size >= 1000 ? grouped(rounded) : String(rounded)).replace('-', '−');
}

const percent = (v) => (v === null || v === undefined || Number.isNaN(v) ? '–' : short(100 * v) + ' %');

function written(v, kind) {
  if (kind === 'share') return percent(v);
  return short(v);
}

const plural = (n, one, many = one + 's') => `${grouped(n)} ${n === 1 ? one : many}`;

// save hands text to the user as a file, without a request.
function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// csv writes a table; a cell that a spreadsheet could take for a formula is
// kept text.
function csv(header, rows) {
  const cell = (v) => {
    if (typeof v === 'number') return Number.isNaN(v) ? '' : String(v);
    let text = v === null || v === undefined ? '' : String(v);
    if (/^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  return [header, ...rows].map((row) => row.map(cell).join(',')).join('\n') + '\n';
}
