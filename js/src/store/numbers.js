/**
 * The numbers of the key-value store, as attnwidget/teaching/store_numbers.py computes them. Pure
 * functions. Letters: m queries, n entries, d numbers in a query or key, dv in a value.
 */

/** @typedef {number[]} Vector */

/** @param {Vector} a @param {Vector} b */
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** −½ ‖a − b‖². @param {Vector} a @param {Vector} b */
function half_distance(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return -0.5 * sum;
}

/** NaN where one of them is zero, and so has no direction. @param {Vector} a @param {Vector} b */
export function cosine(a, b) {
  return dot(a, b) / (Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)));
}

/**
 * @param {Vector} query
 * @param {Vector[]} keys
 * @param {boolean} by_distance  −½ ‖q − k‖² in place of q·k: a Gaussian kernel of width 1/√β.
 * @returns {Vector}
 */
export function scores_of(query, keys, by_distance) {
  const score = by_distance ? half_distance : dot;
  return keys.map((key) => score(query, key));
}

/**
 * e^(β s) over their sum; at β = ∞ the limit, in which the largest scores share alike.
 *
 * @param {Vector} scores
 * @param {number} beta
 * @returns {Vector}
 */
export function softargmax(scores, beta) {
  const top = Math.max(...scores);
  const exponentials = scores.map((score) =>
    beta === Number.POSITIVE_INFINITY ? Number(score === top) : Math.exp(beta * (score - top)),
  );
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((e) => e / sum);
}

/** 1 for the largest score, the first of several; 0 for the others. @param {Vector} scores */
export function hard_argmax(scores) {
  const top = scores.indexOf(Math.max(...scores));
  return scores.map((_, i) => Number(i === top));
}

/** @param {Vector} scores @param {number} beta @param {boolean} hard */
export function weights_of(scores, beta, hard) {
  return hard ? hard_argmax(scores) : softargmax(scores, beta);
}

/** Σ a v of numbers. @param {Vector} weights @param {number[]} values */
export const blend_of_numbers = (weights, values) => dot(weights, values);

/** Σ a v of vectors. @param {Vector} weights @param {Vector[]} values @returns {Vector} */
export function blend_of_vectors(weights, values) {
  const blend = values[0].map(() => 0);
  values.forEach((value, i) => {
    if (weights[i] === 0) return;
    for (let j = 0; j < blend.length; j++) blend[j] += weights[i] * value[j];
  });
  return blend;
}

/**
 * What comes back at each x: the regression as a curve.
 *
 * @param {number[]} xs
 * @param {Vector[]} keys  Of one number each.
 * @param {number[]} values
 * @param {number} beta
 * @param {boolean} hard
 */
export function regression_curve(xs, keys, values, beta, hard) {
  return xs.map((x) => dot(weights_of(scores_of([x], keys, true), beta, hard), values));
}

/** Entries by weight, the largest first; equal ones in their order. @param {Vector} weights */
export function by_weight(weights) {
  return weights.map((_, i) => i).sort((a, b) => weights[b] - weights[a] || a - b);
}

/** @param {number} value @param {number} digits  Significant ones. */
export const rounded = (value, digits = 3) => Number(value.toPrecision(digits));

/**
 * The β at the middle of the slider: there the differences between scores begin to matter.
 *
 * @param {Vector[]} keys
 * @param {boolean} by_distance
 */
export function middle_beta(keys, by_distance) {
  let size = 0;
  if (by_distance) {
    const xs = keys.map(([x]) => x);
    size = (Math.max(...xs) - Math.min(...xs)) ** 2 / 25;
  } else {
    for (const key of keys) size += dot(key, key) / keys.length;
  }
  return size > 0 ? rounded(4 / size, 1) : 1;
}

/** From the slider's place, 0 to 1, to β, 0 to ∞. @param {number} place @param {number} middle */
export function beta_at(place, middle) {
  if (place >= 1) return Number.POSITIVE_INFINITY;
  return place <= 0 ? 0 : rounded((middle * place) / (1 - place));
}

/** @param {number} beta @param {number} middle */
export function place_of(beta, middle) {
  return beta === Number.POSITIVE_INFINITY ? 1 : beta / (beta + middle);
}

/** A bound a little beyond: 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten. @param {number} size */
export function nice_bound(size) {
  if (!(size > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(size));
  const factor = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((f) => f * power >= size * 0.9999) ?? 10;
  return factor * power;
}
