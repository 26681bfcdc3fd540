/** Attention over rows in any order, in float64. Pure functions. */

import { blend_of_vectors, dot, softargmax } from "../../store/numbers.js";
import { uniform } from "../scaling/numbers.js";

/** @typedef {number[][]} Rows  One for each token. */

/** @param {Float32Array} flat @param {number} count @returns {Rows} */
export function rows_of(flat, count) {
  const width = count > 0 ? flat.length / count : 0;
  return Array.from({ length: count }, (_, i) =>
    Array.from(flat.subarray(i * width, (i + 1) * width)),
  );
}

/**
 * softmax(scale q·k) v of every query, over all keys or (causal) over those up to its own place.
 *
 * @param {{q: Rows, k: Rows, v: Rows}} of
 * @param {number} scale
 * @param {boolean} causal
 * @returns {{weights: Rows, outputs: Rows}}
 */
export function attend({ q, k, v }, scale, causal) {
  const weights = q.map((query, i) => {
    const seen = causal ? k.slice(0, i + 1) : k;
    const row = softargmax(
      seen.map((key) => dot(query, key)),
      scale,
    );
    return [...row, ...new Array(k.length - row.length).fill(0)];
  });
  return { weights, outputs: weights.map((row) => blend_of_vectors(row, v)) };
}

/** @template T @param {T[]} rows @param {number[]} order  Which one stands at each place. @returns {T[]} */
export const in_order = (rows, order) => order.map((at) => rows[at]);

/** @param {number} count */
export const as_given = (count) => Array.from({ length: count }, (_, i) => i);

/**
 * An order that is not the given one, where there is another; the same for the same seed (R. Fisher
 * and F. Yates' shuffle).
 *
 * @param {number} count
 * @param {number} seed
 */
export function shuffled(count, seed) {
  const random = uniform(seed);
  const order = as_given(count);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  if (count > 1 && order.every((at, i) => at === i))
    order.push(/** @type {number} */ (order.shift()));
  return order;
}

/**
 * The largest |before − after| of each token, by its place before.
 *
 * @param {Rows} before
 * @param {Rows} after  In another order.
 * @param {number[]} order
 */
export function differences(before, after, order) {
  const found = new Array(before.length).fill(0);
  order.forEach((at, place) => {
    found[at] = Math.max(0, ...before[at].map((x, i) => Math.abs(x - after[place][i])));
  });
  return found;
}
