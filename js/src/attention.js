/** Numbers about rows and tiles of attention weights. Pure functions; nothing here draws. */

import { MASKED, NOT_A_NUMBER, VISIBLE } from "./messages.js";

/** @typedef {import("./messages.js").TilePicture} TilePicture */
/** @typedef {import("./messages.js").RowPicture} RowPicture */
/** One query's weights over all keys (Tk); of signed ones the size counts.
 * @typedef {{weights: Float32Array, flags: Uint8Array, signed?: true}} Row */

/**
 * Weight of the cell at index `i` of the tile's cells.
 *
 * @param {TilePicture} tile
 * @param {number} i
 */
function cell_value(tile, i) {
  return tile.encoding === "linear"
    ? tile.cells[i]
    : tile.signed
      ? top_of(tile) * signed_share(tile.cells[i])
      : tile.max * (tile.cells[i] / 255) ** 2;
}

/** Largest in size of numbers that may be negative. @param {{max: number, min?: number}} bounds */
export const top_of = ({ max, min = 0 }) => Math.max(max, -min);

/** What a byte of the kernel stands for where 128 is 0, as a share of the largest. @param {number} byte */
export const signed_share = (byte) => Math.sign(byte - 128) * ((byte - 128) / 127) ** 2;

/**
 * The tile holds each weight itself, as the model computed it.
 *
 * @param {TilePicture} tile
 */
export function is_exact(tile) {
  return tile.encoding === "linear" && tile.block[0] === 1 && tile.block[1] === 1;
}

/**
 * What a tile says about one (query, key); null where it does not reach.
 *
 * @param {TilePicture} tile
 * @param {number} query
 * @param {number} key
 * @returns {{value: number, flag: number, exact: boolean} | null}
 */
export function value_at(tile, query, key) {
  const { rows, cols, block, shape } = tile;
  if (query < rows[0] || query >= rows[1] || key < cols[0] || key >= cols[1]) return null;
  const r = Math.floor((query - rows[0]) / block[0]);
  const c = Math.floor((key - cols[0]) / block[1]);
  const i = r * shape[1] + c;
  return { value: cell_value(tile, i), flag: tile.flags[i], exact: is_exact(tile) };
}

/**
 * One query's row out of an exact tile that is as wide as the text; else null.
 *
 * @param {TilePicture} tile
 * @param {number} query
 * @returns {Row | null}
 */
export function row_of_tile(tile, query) {
  const { rows, cols, key_len, shape } = tile;
  if (!is_exact(tile) || cols[0] !== 0 || cols[1] !== key_len) return null;
  if (query < rows[0] || query >= rows[1]) return null;
  const start = (query - rows[0]) * shape[1];
  return {
    weights: /** @type {Float32Array} */ (tile.cells).subarray(start, start + shape[1]),
    flags: tile.flags.subarray(start, start + shape[1]),
    signed: tile.signed,
  };
}

/**
 * One key's column out of an exact tile that is as high as the text; else null.
 *
 * @param {TilePicture} tile
 * @param {number} key
 * @returns {Row | null}
 */
export function column_of_tile(tile, key) {
  const { rows, cols, query_len, shape } = tile;
  if (!is_exact(tile) || rows[0] !== 0 || rows[1] !== query_len) return null;
  if (key < cols[0] || key >= cols[1]) return null;
  const [height, width] = shape;
  const weights = new Float32Array(height);
  const flags = new Uint8Array(height);
  for (let query = 0; query < height; query++) {
    weights[query] = tile.cells[query * width + key - cols[0]];
    flags[query] = tile.flags[query * width + key - cols[0]];
  }
  return { weights, flags, signed: tile.signed };
}

/**
 * @typedef {object} RowFacts
 * @property {number} sum  Of all weights (or their sizes) that are numbers.
 * @property {number} visible  How many keys the mask leaves.
 * @property {number} not_numbers
 * @property {number[]} order  Visible keys, largest weight first; equal weights in reading order.
 * @property {number} entropy  In bits, of the row scaled to sum 1: −Σ p log₂ p.
 * @property {number} most_entropy  log₂ of the visible keys: all of them equal.
 */

/**
 * @param {Row} row
 * @returns {RowFacts}
 */
export function row_facts(row) {
  const { weights, flags } = row;
  const order = [];
  for (let key = 0; key < weights.length; key++) {
    if (flags[key] === VISIBLE && !Number.isNaN(weights[key])) order.push(key);
  }
  const size = row.signed ? Math.abs : Number;
  order.sort((a, b) => size(weights[b]) - size(weights[a]) || a - b);
  const { sum, numbers, not_numbers, entropy, most_entropy } = row_spread(row);
  return { sum, visible: numbers + not_numbers, not_numbers, order, entropy, most_entropy };
}

/**
 * Sum and entropy of a row, without putting it in order: done for every row of a head.
 *
 * With w the weights and s their sum, −Σ (w/s) log₂(w/s) = log₂ s − (Σ w log₂ w) / s.
 *
 * @param {Row} row
 */
function row_spread({ weights, flags, signed }) {
  let [sum, w_log_w, numbers, not_numbers] = [0, 0, 0, 0];
  for (let key = 0; key < weights.length; key++) {
    const w = signed ? Math.abs(weights[key]) : weights[key];
    if (flags[key] === NOT_A_NUMBER || Number.isNaN(w)) not_numbers++;
    else if (flags[key] === VISIBLE) {
      numbers++;
      sum += w;
      if (w > 0) w_log_w += w * Math.log2(w);
    }
  }
  const entropy = sum > 0 ? Math.max(0, Math.log2(sum) - w_log_w / sum) : 0;
  const most_entropy = Math.log2(Math.max(1, numbers));
  return { sum, numbers, not_numbers, entropy, most_entropy };
}

/**
 * How far the row looks, in tokens: Σ p |query − key|, of the row scaled to sum 1.
 *
 * @param {Row} row
 * @param {RowFacts} facts
 * @param {number} query
 */
export function mean_distance({ weights }, facts, query) {
  if (!(facts.sum > 0)) return Number.NaN;
  return facts.order.reduce((d, key) => d + (weights[key] / facts.sum) * Math.abs(query - key), 0);
}

/**
 * @typedef {object} HeadFacts  Means over the rows that see more than one key.
 * @property {number} rows  How many rows that is.
 * @property {number} first  Share of the first token.
 * @property {number} itself  Share of the query's own token.
 * @property {number} previous  Share of the token before.
 * @property {number} evenness  Entropy as a share of what it can be at most: 1 is perfectly even.
 */

/**
 * What a head of self-attention is like, from its exact tile.
 *
 * Rows with one visible key are left out: they can look nowhere else, which says nothing.
 *
 * @param {TilePicture} tile
 * @returns {HeadFacts | null}  null where the tile is not the whole exact head, or holds NaN.
 */
export function head_facts(tile) {
  const facts = { rows: 0, first: 0, itself: 0, previous: 0, evenness: 0 };
  if (tile.rows[0] !== 0 || tile.rows[1] !== tile.query_len) return null;
  for (let query = 0; query < tile.query_len; query++) {
    const row = row_of_tile(tile, query);
    if (row === null) return null;
    const { numbers, entropy, most_entropy, not_numbers } = row_spread(row);
    if (not_numbers > 0) return null;
    if (numbers < 2) continue;
    facts.rows++;
    facts.first += row.weights[0];
    facts.itself += row.weights[query];
    facts.previous += query > 0 ? row.weights[query - 1] : 0;
    facts.evenness += entropy / most_entropy;
  }
  if (facts.rows === 0) return null;
  for (const name of /** @type {const} */ (["first", "itself", "previous", "evenness"])) {
    facts[name] /= facts.rows;
  }
  return facts;
}

/**
 * What the sentence names, and what is left.
 *
 * @param {Row & {whole?: number}} row  `whole`: what shares are of.
 * @param {RowFacts} facts
 * @param {number | null} key  The chosen key, named even where it is small.
 * @returns {{named: {key: number, share: number}[], others: number, others_share: number,
 *   missing: number}}
 */
export function sentence_facts({ weights, flags, whole = 1 }, facts, key) {
  const least = 0.005 * whole;
  const top = facts.order.slice(0, 3).filter((k, i) => i === 0 || Math.abs(weights[k]) >= least);
  if (key !== null && flags[key] === VISIBLE && !top.includes(key) && !Number.isNaN(weights[key])) {
    top.push(key);
  }
  const named = top.map((k) => ({ key: k, share: weights[k] / whole }));
  const share = named.reduce((sum, n) => sum + Math.abs(n.share), 0);
  return {
    named,
    others: facts.order.length - named.length,
    others_share: Math.max(0, facts.sum / whole - share),
    missing: 1 - facts.sum / whole,
  };
}

/**
 * Place of a key in its row, 1 for the largest; equal weights share a rank.
 *
 * @param {Row} row
 * @param {RowFacts} facts
 * @param {number} key
 * @returns {number | null}  null where the key is masked or not a number.
 */
export function rank_in_row({ weights, flags, signed }, facts, key) {
  if (flags[key] !== VISIBLE || Number.isNaN(weights[key])) return null;
  const size = signed ? Math.abs : Number;
  return 1 + facts.order.filter((k) => size(weights[k]) > size(weights[key])).length;
}

/**
 * Which marks a tile needs explained beside its colours.
 *
 * @param {TilePicture} tile
 */
export function marks_in(tile) {
  return { masked: tile.flags.includes(MASKED), not_numbers: tile.flags.includes(NOT_A_NUMBER) };
}

/**
 * A head's thumbnail as a tile to be drawn until the tile itself has come.
 *
 * @param {import("./messages.js").OverviewPicture} overview
 * @param {number} layer
 * @param {number} head
 * @param {import("./messages.js").StackFacts} stack
 * @returns {TilePicture | null}
 */
export function tile_of_overview(overview, layer, head, stack) {
  const at = overview.layers.indexOf(layer);
  const [, heads, n, m] = overview.shape;
  if (at < 0 || head >= heads) return null;
  const start = (at * heads + head) * n * m;
  return {
    type: "picture",
    kind: "tile",
    key: "",
    pass: overview.pass,
    coarse: true,
    rows: [0, stack.query_len],
    cols: [0, stack.key_len],
    block: [Math.ceil(stack.query_len / n), Math.ceil(stack.key_len / m)],
    max: overview.max[at * heads + head],
    min: overview.min?.[at * heads + head],
    signed: overview.signed,
    encoding: overview.signed ? "signed sqrt" : "sqrt",
    query_len: stack.query_len,
    key_len: stack.key_len,
    cells: overview.cells.subarray(start, start + n * m),
    flags: new Uint8Array(n * m),
    row_sums: new Float32Array(),
    col_sums: new Float32Array(),
    shape: [n, m],
  };
}
