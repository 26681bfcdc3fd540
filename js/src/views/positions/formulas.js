/** Positions that are not added to the embeddings: relative and rotary ones, from their formulas. */

/** @typedef {readonly [number, number]} Pair */

/**
 * What ALiBi adds to the score of a key that is so far away: −m · |t − s|. Press et al., "Train
 * Short, Test Long" (2022), section 3, which is about keys before the query.
 *
 * @param {number} distance  t − s
 * @param {number} slope  m
 */
export const bias_of = (distance, slope) => (distance === 0 ? 0 : -slope * Math.abs(distance));

/**
 * The same for every query t (rows) and key s (columns).
 *
 * @param {number} n  Positions.
 * @param {number} slope
 */
export const biases = (n, slope) =>
  Float32Array.from({ length: n * n }, (_, at) => bias_of(Math.floor(at / n) - (at % n), slope));

/**
 * Two numbers turned as one vector in the plane, anticlockwise.
 *
 * @param {Pair} pair
 * @param {number} angle  In radians.
 * @returns {Pair}
 */
export function turned([x, y], angle) {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  return [x * cos - y * sin, x * sin + y * cos];
}

/**
 * The score of rotary positions: q turned by t · omega, times k turned by s · omega. Su et al.,
 * "RoFormer" (2021), section 3.2.1.
 *
 * @param {Pair} q
 * @param {Pair} k
 * @param {number} omega  Radians per position.
 * @param {number} t
 * @param {number} s
 */
export function rotary_score(q, k, omega, t, s) {
  const [[q1, q2], [k1, k2]] = [turned(q, t * omega), turned(k, s * omega)];
  return q1 * k1 + q2 * k2;
}
