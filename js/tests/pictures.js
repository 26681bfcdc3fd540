/** Pictures made by hand, for tests. */

/** @typedef {import("../src/messages.js").TilePicture} TilePicture */
/** @typedef {import("../src/messages.js").ModelPicture} ModelPicture */
/** @typedef {import("../src/messages.js").RowPicture} RowPicture */
/** @typedef {import("../src/messages.js").LinesPicture} LinesPicture */
/** @typedef {import("../src/messages.js").Direction} Direction */
/** @typedef {import("../src/messages.js").Side} Side */

/** Tokens as the model has them. @type {import("../src/messages.js").Reading} */
export const PLAIN = { words: false, hide: [], renormalise: false, pair: null };

/**
 * What is selected when a widget opens.
 *
 * @param {Partial<import("../src/state.js").Selection>} [other]
 * @returns {import("../src/state.js").Selection}
 */
export function selection_of(other = {}) {
  return {
    ...{ stack: "encoder", layer: 1, head: 1, heads: [], mean: false, query: 2, key: 0, batch: 0 },
    ...{ step: null, view: "lines", stage: "softmax", direction: "from", scale: "sqrt", mass: 0.9 },
    ...{ remove: "head", encoding: "model", joined: {}, measure: null, sort: false, written: 0 },
    ...{ ...PLAIN, weigh: "pattern", target: null },
    ...other,
  };
}

/** @param {(number | null)[]} flat */
const flags_of = (flat) => Uint8Array.from(flat, (w) => (w === null ? 1 : Number.isNaN(w) ? 2 : 0));

/**
 * An exact tile of a whole head; `null` stands for a masked cell.
 *
 * @param {(number | null)[][]} rows
 * @param {Partial<TilePicture>} [other]
 * @returns {TilePicture}
 */
export function tile_of(rows, other = {}) {
  const flat = rows.flat();
  const cells = Float32Array.from(flat, (w) => w ?? 0);
  return {
    type: "picture",
    kind: "tile",
    key: "tile",
    pass: 1,
    coarse: false,
    rows: [0, rows.length],
    cols: [0, rows[0].length],
    block: [1, 1],
    max: Math.max(...flat.map((w) => w || 0)),
    encoding: "linear",
    query_len: rows.length,
    key_len: rows[0].length,
    cells,
    flags: flags_of(flat),
    row_sums: Float32Array.from(rows, (row) =>
      row.reduce((/** @type {number} */ a, b) => a + (b ?? 0), 0),
    ),
    col_sums: new Float32Array(rows[0].length),
    shape: [rows.length, rows[0].length],
    ...other,
  };
}

/**
 * One row (or column) with its exact numbers.
 *
 * @param {(number | null)[]} weights
 * @param {Partial<RowPicture>} [other]
 * @returns {RowPicture}
 */
export function row_of(weights, other = {}) {
  return {
    ...{ type: "picture", kind: "row", key: "row", pass: 1, coarse: false },
    ...{ direction: "from", at: 0, shape: [weights.length] },
    sum: weights.reduce((/** @type {number} */ a, b) => a + (b || 0), 0),
    weights: Float32Array.from(weights, (w) => w ?? 0),
    flags: flags_of(weights),
    ...other,
  };
}

/**
 * The `count` largest of every row of weights.
 *
 * @param {number[][]} rows
 * @param {number} count
 * @param {Direction} [direction]
 * @returns {LinesPicture}
 */
export function lines_of(rows, count, direction = "from") {
  const of = rows[0].length;
  const n = Math.min(count, of);
  const tokens = new Int32Array(rows.length * n).fill(-1);
  const weights = new Float32Array(rows.length * n);
  rows.forEach((row, at) => {
    const seen = [...row.keys()].filter((i) => row[i] > 0).sort((a, b) => row[b] - row[a] || a - b);
    seen.slice(0, n).forEach((i, place) => {
      tokens[at * n + place] = i;
      weights[at * n + place] = row[i];
    });
  });
  return {
    ...{ type: "picture", kind: "lines", key: "lines", pass: 1, coarse: false },
    ...{ direction, of, count: n, tokens, weights, shape: [rows.length, n] },
    sums: Float32Array.from(rows, (row) => row.reduce((a, b) => a + b, 0)),
  };
}

/**
 * Items that are tokens, apart from what `other` says.
 *
 * @param {string[]} texts
 * @param {Partial<Side>} [other]
 * @returns {Side}
 */
export function side_of(texts, other = {}) {
  return {
    texts,
    gaps: texts.map((_, i) => (i ? " " : "")),
    spans: texts.map((_, i) => [i, i + 1]),
    kinds: texts.map(() => ""),
    segments: null,
    patches: null,
    ...other,
  };
}

/**
 * @param {Partial<import("../src/messages.js").StackFacts>} [stack]
 * @param {Partial<Omit<ModelPicture, "tokens">> & {tokens?: Partial<ModelPicture["tokens"]>}} [other]
 * @returns {ModelPicture}
 */
export function model_of(stack = {}, { tokens = {}, ...other } = {}) {
  const query_len = stack.query_len ?? 4;
  const key_len = stack.key_len ?? query_len;
  const words = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => `w${i}`);
  return {
    type: "picture",
    kind: "model",
    key: "model|encoder 0 ",
    pass: 1,
    coarse: false,
    name: "Tiny",
    text: "",
    has_tokenizer: true,
    offers: [],
    live: true,
    step: 0,
    passes: { shown: 1, newest: 1, kept: [1], paused: false },
    stacks: [
      {
        name: "encoder",
        kind: "self",
        causal: false,
        query_len,
        key_len,
        batch_size: 1,
        layers: [0, 1, 2].map((layer) => layer_of(layer)),
        ...stack,
      },
    ],
    tokens: {
      ...{ stack: "encoder", batch: 0, reading: PLAIN, pairs: false, notes: [] },
      queries: side_of(words(query_len)),
      keys: key_len === query_len ? null : side_of(words(key_len)),
      ...tokens,
    },
    ...other,
  };
}

/** @param {number} layer @param {number} [heads] @param {number} [kv_heads] */
export function layer_of(layer, heads = 4, kv_heads = heads) {
  return { layer, heads, kv_heads, module: `layer.${layer}`, source: "sdpa", dtype: "float32" };
}

/** A number in [0, 1), the next of a fixed sequence. @param {number} seed */
export function sequence(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
