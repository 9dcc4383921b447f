// Data: the head stands in the page, the rest in gzipped blocks.

const head = JSON.parse(byId('head').textContent);

// parsed resolves when the whole file has been read.
const parsed = document.readyState === 'loading'
  ? new Promise((done) => document.addEventListener('DOMContentLoaded', done))
  : Promise.resolve();

// unpack reads a block. It may be asked for while the file is still coming
// in: an element is whole once another follows it.
async function unpack(id) {
  let node = byId(id);
  if (!node || !node.nextElementSibling) {
    await parsed;
    node = byId(id);
  }
  if (!node) throw new Error(`The file is incomplete: block ${id} is missing.`);
  if (typeof DecompressionStream === 'undefined') throw new Error('This browser cannot unpack gzip; any browser since 2023 can.');
  const raw = atob(node.textContent);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}

// A table has a row a latent of a run.
const tables = new Map();

function table(run) {
  if (!tables.has(run)) tables.set(run, unpack(`table-${run}`).then((raw) => makeTable(run, raw)));
  return tables.get(run);
}

function makeTable(run, raw) {
  const columns = head.runs[run].columns.map((about, i) => {
    const values = new Float64Array(raw.rows);
    raw.columns[i].forEach((v, row) => { values[row] = v === null ? NaN : v; });
    return { ...about, values };
  });
  const latents = raw.latents || null;
  const rowOf = latents && new Map(latents.map((latent, row) => [latent, row]));
  return {
    run, rows: raw.rows, columns, text: raw.text,
    column: (key) => columns.find((c) => c.key === key),
    latent: (row) => (latents ? latents[row] : row),
    row: (latent) => {
      if (!rowOf) return latent >= 0 && latent < raw.rows ? latent : -1;
      return rowOf.has(latent) ? rowOf.get(latent) : -1;
    },
  };
}

// The features of a row stand in blocks; a few are kept unpacked.
const blocks = new Map();
const blocksKept = 24;

// features unpacks a block. A context is a string with a character a token,
// whose code, less 35 and the codes of surrogates, is the token's number.
async function features(index) {
  const raw = await unpack(`features-${index}`);
  const token = (character) => {
    const code = character.codePointAt(0);
    return raw.tokens[code - 0x23 - (code > 0xdfff ? 0x800 : 0)];
  };
  for (const f of raw.features) for (const e of [...f.top, ...f.bins.map((b) => b.example)]) {
    e.tokens = Array.from(e.text, token);
    e.image = e.picture ? `data:image/png;base64,${raw.pictures[e.picture - 1]}` : null;
  }
  return raw.features;
}

function featureBlock(index) {
  let block = blocks.get(index);
  if (block) blocks.delete(index);
  else block = features(index);
  blocks.set(index, block);
  if (blocks.size > blocksKept) blocks.delete(blocks.keys().next().value);
  return block;
}

async function featureAt(row) {
  if (row >= head.features) return null;
  const block = await featureBlock(Math.floor(row / head.perBlock));
  return block[row % head.perBlock];
}
