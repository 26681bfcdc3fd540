/** Pictures made by hand, for tests. */

/** @typedef {import("../src/messages.js").TilePicture} TilePicture */
/** @typedef {import("../src/messages.js").ModelPicture} ModelPicture */

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
    flags: Uint8Array.from(flat, (w) => (w === null ? 1 : Number.isNaN(w) ? 2 : 0)),
    row_sums: Float32Array.from(rows, (row) =>
      row.reduce((/** @type {number} */ a, b) => a + (b ?? 0), 0),
    ),
    col_sums: new Float32Array(rows[0].length),
    shape: [rows.length, rows[0].length],
    ...other,
  };
}

/**
 * @param {Partial<import("../src/messages.js").StackFacts>} [stack]
 * @param {Partial<ModelPicture>} [other]
 * @returns {ModelPicture}
 */
export function model_of(stack = {}, other = {}) {
  const query_len = stack.query_len ?? 4;
  const key_len = stack.key_len ?? query_len;
  const words = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => `w${i}`);
  return {
    type: "picture",
    kind: "model",
    key: "model",
    pass: 1,
    coarse: false,
    name: "Tiny",
    text: "",
    has_tokenizer: true,
    live: true,
    step: 0,
    stacks: [
      {
        name: "encoder",
        kind: "self",
        causal: false,
        query_len,
        key_len,
        batch_size: 1,
        query_tokens: 0,
        key_tokens: 1,
        layers: [0, 1, 2].map((layer) => layer_of(layer)),
        ...stack,
      },
    ],
    tokens: [[words(query_len)], [words(key_len)]],
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
