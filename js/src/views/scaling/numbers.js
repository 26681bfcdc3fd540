/** Scores of random vectors, and what dividing them by √d does. Pure functions. */

import { softargmax } from "../../store/numbers.js";

/** The sizes of vectors that can be tried: 1, 2, 4 … 512. */
export const SIZES = Array.from({ length: 10 }, (_, power) => 2 ** power);
const LARGEST = SIZES[SIZES.length - 1];
/** 512 scores: so many queries, each with keys of its own. */
export const QUERIES = 64;
export const KEYS = 8;

/**
 * A stream of numbers in [0, 1), the same for the same seed: mulberry32 (T. Ettinger, public domain).
 *
 * @param {number} seed
 */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A stream of independent normal numbers of mean 0 and variance 1 (Box and Muller, 1958).
 *
 * @param {() => number} random
 */
export function normal(random) {
  /** @type {number | null} */
  let spare = null;
  return () => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    const size = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = size * Math.sin(angle);
    return size * Math.cos(angle);
  };
}

/**
 * Scores q·k of random queries and keys, by the number d of their entries. A larger d takes up the
 * entries of the smaller ones, so that moving the slider adds products to the same sums.
 *
 * @param {number} seed
 * @returns {Map<number, number[][]>}  By d, a row of 8 scores for each of 64 queries.
 */
export function draw_scores(seed) {
  const next = normal(uniform(seed));
  /** @type {Map<number, number[][]>} */
  const by_size = new Map(SIZES.map((d) => [d, []]));
  const vector = () => Float64Array.from({ length: LARGEST }, next);
  for (let i = 0; i < QUERIES; i++) {
    const query = vector();
    for (const d of SIZES) by_size.get(d)?.push([]);
    for (let j = 0; j < KEYS; j++) {
      const key = vector();
      let sum = 0;
      for (let at = 0; at < LARGEST; at++) {
        sum += query[at] * key[at];
        by_size.get(at + 1)?.[i].push(sum);
      }
    }
  }
  return by_size;
}

/** The mean squared distance from the mean. @param {ArrayLike<number>} numbers */
export function variance(numbers) {
  const all = Array.from(numbers);
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  return all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length;
}

/**
 * What becomes of rows of scores times a factor.
 *
 * @param {number[][]} rows
 * @param {number} factor
 */
export function measured(rows, factor) {
  const scores = rows.flat().map((score) => score * factor);
  const weights = rows.map((row) => softargmax(row, factor));
  const largest = weights.map((row) => Math.max(...row));
  return {
    scores,
    variance: variance(scores),
    /** Of the first row, the one that is drawn. */
    weights: weights[0],
    largest: largest[0],
    mean_largest: largest.reduce((a, b) => a + b, 0) / largest.length,
  };
}

/**
 * How many numbers fall into each of `bins` equal parts of −bound … bound; those outside are
 * counted at the ends.
 *
 * @param {ArrayLike<number>} numbers
 * @param {number} bound
 * @param {number} bins
 */
export function histogram(numbers, bound, bins) {
  const counts = new Array(bins).fill(0);
  for (const number of Array.from(numbers)) {
    const at = Math.floor(((number + bound) / (2 * bound)) * bins);
    counts[Math.max(0, Math.min(bins - 1, at))] += 1;
  }
  return counts;
}

/** The size that a slider starts at: the nearest to the model's own. @param {number | null} d */
export function nearest_size(d) {
  if (d === null) return 64;
  return SIZES.reduce((best, size) =>
    Math.abs(Math.log2(size / d)) < Math.abs(Math.log2(best / d)) ? size : best,
  );
}
