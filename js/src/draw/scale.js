/** From a weight to a place on the colour ramp. Pure functions; the legend says which is in use. */

import { signed_share, top_of } from "../attention.js";

/** @typedef {import("../messages.js").TilePicture} TilePicture */
/** @typedef {import("../state.js").Selection["scale"]} ScaleName */

/**
 * @typedef {object} Scale
 * @property {ScaleName} name
 * @property {number} top  The weight that gets full ink; larger ones get no more.
 * @property {number} beyond  The largest weight there is; above `top` where a sink was left out.
 */

/** How many powers of ten the logarithmic scale spans. */
export const DECADES = 4;
/**
 * The first token is a sink, where heads look when they have nothing to say, from this mean weight on,
 * if it also outdoes all others by that factor; among fewer only a causal mask tells it apart.
 */
const SINK = { mean: 0.25, factor: 1.5, among: 8 };

/**
 * Whether the first token can be a sink at all: where a text looks at itself, from its first token
 * on. In cross-attention the first key is a key like any other; and so is the first of a small set
 * without an order, where a quarter is soon had.
 *
 * @param {Pick<import("../messages.js").StackFacts,
 *   "kind" | "causal" | "query_len" | "key_len">} stack
 */
export const can_have_sink = ({ kind, causal, query_len, key_len }) =>
  kind === "self" && query_len === key_len && (causal || key_len >= SINK.among);

/**
 * Whether the first token takes so much over all rows that it may be a sink in a single one.
 *
 * @param {number} sum  Of all weights on the first token.
 * @param {number} rows
 */
export const is_sink_overall = (sum, rows) => rows > 1 && sum / rows >= SINK.mean;

/** @type {readonly (readonly [ScaleName, string])[]} */
export const SCALES = [
  ["linear", "linear"],
  ["sqrt", "square root"],
  ["log", "logarithmic"],
  ["row", "per row"],
];

/**
 * Share of the ramp, 0 … 1, for a weight.
 *
 * @param {ScaleName} name  "row" is a square root as well: its `top` is that of the row.
 * @param {number} weight
 * @param {number} top
 */
export function share_of_ramp(name, weight, top) {
  if (!(weight > 0) || !(top > 0)) return 0;
  const share = Math.min(1, weight / top);
  if (name === "linear") return share;
  if (name === "log") return Math.max(0, 1 + Math.log10(share) / DECADES);
  return Math.sqrt(share);
}

/** Step of the ramp of 256 colours. @param {ScaleName} name @param {number} weight @param {number} top */
export function ramp_step(name, weight, top) {
  return Math.round(255 * share_of_ramp(name, weight, top));
}

/** Weights that a byte on the square-root scale of the kernel stands for. @param {number} max */
export function weights_of_bytes(max) {
  return Float32Array.from({ length: 256 }, (_, byte) => max * (byte / 255) ** 2);
}

/**
 * Scale for rows of cells. A first token that soaks up the weight does not set it: the rest would
 * drown. Its column is then drawn in full ink.
 *
 * @param {ScaleName} name
 * @param {ArrayLike<number>} cells  n × m, weights or what `value` turns into weights.
 * @param {[number, number]} shape
 * @param {{has_first: boolean, value?: (cell: number) => number}} how  `has_first`: column 0 holds
 *   the first token, and it can be a sink.
 * @returns {Scale}
 */
export function scale_of(name, cells, [n, m], { has_first, value = (cell) => cell }) {
  let [rest, first, sum] = [0, 0, 0];
  for (let r = 0; r < n; r++) {
    for (let c = 0; c < m; c++) {
      const weight = value(cells[r * m + c]);
      if (c > 0 || !has_first) rest = weight > rest ? weight : rest;
      else if (weight > 0) {
        first = weight > first ? weight : first;
        sum += weight;
      }
    }
  }
  const is_sink = rest > 0 && first >= SINK.factor * rest && sum / n >= SINK.mean;
  return { name, top: is_sink ? rest : Math.max(first, rest), beyond: Math.max(first, rest) };
}

/**
 * Largest weight of each row of cells, the first token's left out where `scale` leaves it out.
 *
 * @param {ArrayLike<number>} cells
 * @param {[number, number]} shape
 * @param {Scale} scale
 * @param {(cell: number) => number} value
 */
export function tops_of_rows(cells, [n, m], { top, beyond }, value) {
  const from = beyond > top && m > 1 ? 1 : 0;
  return Float32Array.from({ length: n }, (_, r) => {
    let most = 0;
    for (let c = from; c < m; c++) most = Math.max(most, value(cells[r * m + c]));
    // A row may have no more than the sink.
    return most || value(cells[r * m]);
  });
}

/** @param {TilePicture} tile */
const value_of = (tile) => {
  if (tile.encoding === "linear") return tile.signed ? Math.abs : Number;
  if (tile.signed) {
    return (/** @type {number} */ byte) => top_of(tile) * Math.abs(signed_share(byte));
  }
  const weights = weights_of_bytes(tile.max);
  return (/** @type {number} */ byte) => weights[byte];
};

/**
 * @param {ScaleName} name
 * @param {TilePicture} tile
 * @param {boolean} [can_sink]  See `can_have_sink`.
 * @returns {Scale}
 */
export function scale_of_tile(name, tile, can_sink = true) {
  const shape = /** @type {[number, number]} */ (tile.shape);
  return scale_of(name, tile.cells, shape, {
    has_first: can_sink && tile.cols[0] === 0,
    value: value_of(tile),
  });
}

/**
 * Step of the ramp for every cell of a tile.
 *
 * @param {TilePicture} tile
 * @param {Scale} scale
 * @returns {Uint8Array}
 */
export function steps_of_tile(tile, scale) {
  const [n, m] = tile.shape;
  const value = value_of(tile);
  const by_row = scale.name === "row" ? tops_of_rows(tile.cells, [n, m], scale, value) : null;
  const steps = new Uint8Array(n * m);
  for (let i = 0; i < steps.length; i++) {
    const top = by_row ? by_row[Math.floor(i / m)] : scale.top;
    steps[i] = ramp_step(scale.name, value(tile.cells[i]), top);
  }
  return steps;
}
