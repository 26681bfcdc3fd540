/** The steps of one attention with their shapes, in the reader's own numbers. Pure functions. */

import { plural } from "../../words.js";

/** @typedef {import("../messages.js").ShapesPicture} ShapesPicture */

/**
 * @typedef {object} Box
 * @property {string} id
 * @property {"query" | "key" | "value" | ""} of
 * @property {string} name
 * @property {(number | null)[]} shape  Null where it is not known.
 * @property {string[]} letters  Of each number.
 * @property {string[]} made_by  Roles of layers, as in `picture.layers`.
 */

/** @typedef {{id: string, title: string, boxes: Box[], said: string, why?: string}} Step */

/** A number and its letter. @typedef {[number | null, string]} Axis */

/** @param {number | null} a @param {number | null} b */
const times = (a, b) => (a === null || b === null ? null : a * b);

/** @param {number} n */
export const grouped_digits = (n) => n.toLocaleString("en");

/** How many numbers a box holds; null where its shape is not known. @param {Box} box */
export function size_of({ shape }) {
  return shape.reduce(times, /** @type {number | null} */ (1));
}

/** Layers of these roles that were found, each once. @param {ShapesPicture} picture @param {string[]} roles */
export function layers_of({ layers }, roles) {
  return roles.flatMap((role) => (layers[role] ? [{ role, ...layers[role] }] : []));
}

/** @param {ShapesPicture} picture @returns {Step[]} */
export function steps_of(picture) {
  const { batch: B, heads: H, kv_heads: G, query_len, key_len, d, dv } = picture;
  const { width, key_width, out_width, why_no_products } = picture;
  const has_products = why_no_products === "";
  const is_self = picture.attention === "self" && query_len === key_len;
  const [Tq, Tk] = is_self ? ["T", "T"] : ["Tq", "Tk"];
  const shared = G === H ? "H" : "Hkv";
  const size_of_values = d === dv ? "d" : "dv";
  /** @param {string} id @param {Box["of"]} of @param {string} name @param {Axis[]} axes @param {string[]} [made_by] @returns {Box} */
  const box = (id, of, name, axes, made_by = []) => ({
    ...{ id, of, name, made_by },
    shape: axes.map(([number]) => number),
    letters: axes.map(([, letter]) => letter),
  });
  /** @type {Record<"b" | "q" | "k" | "heads" | "kv_heads" | "of_key" | "of_value", Axis>} */
  const { b, q, k, heads, kv_heads, of_key, of_value } = {
    b: [B, "B"],
    q: [query_len, Tq],
    k: [key_len, Tk],
    heads: [H, "H"],
    kv_heads: [G, shared],
    of_key: [d, "d"],
    of_value: [dv, size_of_values],
  };
  const all_scores = [b, heads, q, k];

  const x = box("x", "", "x", [b, q, [width, "E"]]);
  const y = box("y", "", "y", [b, k, [key_width, key_width === width ? "E" : "E′"]]);
  const is_cached = picture.attention === "self" && !is_self;
  const of_width = width === null ? "" : ` of ${width} numbers`;
  /** @type {Step[]} */
  const steps = [
    {
      id: "stream",
      title: is_self || is_cached ? "tokens" : "two sets",
      boxes: is_self || is_cached ? [x] : [x, y],
      said: is_self
        ? `A batch of ${B}, ${plural(query_len, "token")} each: every token a vector${of_width}.`
        : is_cached
          ? `Only the last of ${plural(key_len, "token")}: the others were here before.`
          : `${plural(query_len, "token")} of x will look at ${plural(key_len, "token")} of y.`,
      why: picture.why_no_inputs,
    },
  ];
  if (has_products) {
    steps.push(
      {
        id: "project",
        title: "× Wq, Wk, Wv",
        boxes: [
          box("q", "query", "q", [b, q, [times(H, d), "H·d"]], ["q", "qkv"]),
          box("k", "key", "k", [b, k, [times(G, d), `${shared}·d`]], ["k", "kv", "qkv"]),
          box(
            "v",
            "value",
            "v",
            [b, k, [times(G, dv), `${shared}·${size_of_values}`]],
            ["v", "kv", "qkv"],
          ),
        ],
        said: is_cached
          ? "Three matrices make them; keys and values of earlier tokens come from a cache."
          : "Three matrices turn each token into a query, a key and a value.",
        why: picture.why_no_inputs,
      },
      {
        id: "split",
        title: "cut into heads",
        boxes: [
          box("q-heads", "query", "q", [b, heads, q, of_key]),
          box("k-heads", "key", "k", [b, kv_heads, k, of_key]),
          box("v-heads", "value", "v", [b, kv_heads, k, of_value]),
        ],
        said: "Each long vector is cut, a piece for each head. Nothing is computed.",
      },
    );
  }
  steps.push(
    {
      id: "scores",
      title: has_products ? "q·k, scaled" : "scores",
      boxes: [box("scores", "", "scores", all_scores)],
      said: has_products
        ? "In every head each query is held against each key: a number for each pair."
        : why_no_products,
    },
    {
      id: "softmax",
      title: "softmax",
      boxes: [box("weights", "", "A", all_scores)],
      said: "Each query's numbers become shares that sum to 1. The shape stays.",
    },
    {
      id: "mix",
      title: "A × v",
      boxes: [box("mixed", "", "h", [b, heads, q, of_value])],
      said: "Each query takes its mixture of the values, head by head.",
    },
    {
      id: "join",
      title: "join the heads",
      boxes: [box("joined", "", "h", [b, q, [times(H, dv), `H·${size_of_values}`]])],
      said: "What the heads brought is laid one behind the other.",
    },
    {
      id: "out",
      title: "× Wh",
      boxes: [box("out", "", "x", [b, q, [out_width, out_width === width ? "E" : "E″"]], ["o"])],
      said: "Wh mixes the heads and brings each token back to the width of the stream.",
      why: picture.why_no_output,
    },
  );
  return steps;
}

/**
 * Query heads by the key/value head that they share; one group of all where they do not divide.
 *
 * @param {number} heads
 * @param {number} kv_heads
 * @returns {number[][]}
 */
export function groups_of(heads, kv_heads) {
  const each = heads / kv_heads;
  if (!Number.isInteger(each)) return [Array.from({ length: heads }, (_, i) => i)];
  return Array.from({ length: kv_heads }, (_, g) =>
    Array.from({ length: each }, (_, i) => g * each + i),
  );
}

/**
 * Into how many key/value heads the query heads can be grouped, all alike, the most first.
 *
 * @param {number} heads
 */
export const groupings_of = (heads) =>
  Array.from({ length: heads }, (_, i) => heads - i).filter((count) => heads % count === 0);

/** What sharing is called, and says. @param {Pick<ShapesPicture, "heads" | "kv_heads">} picture */
export function sharing_in_words({ heads, kv_heads }) {
  if (heads === kv_heads) {
    return `${plural(heads, "head")}, each with keys and values of its own (multi-head attention, MHA).`;
  }
  if (kv_heads === 1) {
    return `All ${heads} query heads share 1 key/value head (multi-query attention, MQA).`;
  }
  return `${heads} query heads share ${kv_heads} key/value heads, ${heads / kv_heads} each (grouped-query attention, GQA).`;
}

/**
 * How many numbers a cache of keys and values holds, and would hold if nothing were shared.
 *
 * @param {ShapesPicture} picture
 * @returns {{each: number, unshared: number, all: number, saved: number} | null}
 */
export function cache_of({ batch, heads, kv_heads, key_len, d, dv, layers_alike }) {
  if (d === null || dv === null) return null;
  const [each, unshared] = [kv_heads * (d + dv), heads * (d + dv)];
  const tokens = batch * key_len * layers_alike;
  return { each, unshared, all: each * tokens, saved: (unshared - each) * tokens };
}
