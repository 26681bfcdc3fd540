/** The numbers of the steps as a reader would write them, and what follows from those sent. */

import { in_powers } from "../../words.js";

/** @typedef {import("../messages.js").StepsPicture} StepsPicture */
/** @typedef {import("./stage_names.js").Stage} Stage */

/** What the kernel sends for −∞ is the lowest of float32; other dtypes have one near it. */
const LOWEST = -3.3e38;
const EXACT_DIGITS = 7;
/** Of what is worked out here from float32 numbers. */
const WORKED_OUT_DIGITS = 6;
const MOST_DECIMALS = 4;

/** @param {number} value @param {string} text */
const with_minus = (value, text) => (value < 0 ? text.replace("-", "−") : text);

/**
 * A number with so many decimals, and a true minus sign.
 *
 * @param {number} value
 * @param {number} decimals
 */
export function decimal(value, decimals) {
  if (Number.isNaN(value)) return "NaN";
  if (value <= LOWEST) return "−∞";
  if (value >= -LOWEST) return "∞";
  const size = Math.abs(value);
  if (size >= 1e6 || (size !== 0 && size < 0.5 * 10 ** -MOST_DECIMALS)) {
    return with_minus(value, in_powers(value, 3));
  }
  const text = value.toFixed(decimals);
  return with_minus(value, Number(text) === 0 ? text.replace("-", "") : text);
}

/**
 * Decimals that leave three digits of the largest number.
 *
 * @param {Iterable<number>} values
 */
export function decimals_for(values) {
  let largest = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size < 1e6 && size > largest) largest = size;
  }
  if (largest === 0) return 1;
  return Math.max(0, Math.min(MOST_DECIMALS, 2 - Math.floor(Math.log10(largest))));
}

/** A single number with three digits. @param {number} value */
export const short = (value) => decimal(value, decimals_for([value]));

/**
 * All digits that a float32 has.
 *
 * @param {number} value
 * @param {number} [digits]
 */
export function exact(value, digits = EXACT_DIGITS) {
  if (!Number.isFinite(value) || value <= LOWEST) return decimal(value, 0);
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return with_minus(value, in_powers(value, digits));
  return with_minus(value, `${Number(value.toPrecision(digits))}`);
}

/** @param {number} value */
export const worked_out = (value) => exact(value, WORKED_OUT_DIGITS);

/** Largest size among numbers; 1 where all are 0, to divide by. @param {Iterable<number>} values */
export function largest_size(values) {
  let largest = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > largest && size !== Number.POSITIVE_INFINITY) largest = size;
  }
  return largest || 1;
}

/**
 * How the sums are scaled: "÷ √32", or "× 0.3" where it is another factor; and whether capped.
 *
 * @param {Pick<StepsPicture, "scale" | "d" | "softcap">} picture
 */
export function scale_in_words({ scale, d, softcap }) {
  const cap = softcap === null ? "" : "cap";
  if (scale === null || scale === 1) return cap;
  const is_root = d !== null && Math.abs(scale * Math.sqrt(d) - 1) < 1e-5;
  const scaled = is_root ? `÷ √${d}` : `× ${short_plain(scale)}`;
  return cap ? `${scaled}, ${cap}` : scaled;
}

/** Without trailing zeros. @param {number} value */
const short_plain = (value) => with_minus(value, `${Number(value.toPrecision(4))}`);

const ADDED = { mask: "mask", position: "position", bias: "bias", other: "other" };

/** What a stage is called on the progress line. @param {StepsPicture} picture @param {Stage} stage */
export function stage_words(picture, stage) {
  const names = picture.added_is.map((name) => (name === "mask" ? "mask" : `+ ${ADDED[name]}`));
  return {
    ...{ query: "q", keys: "keys", products: "q × k", sum: "sum", softmax: "softmax" },
    ...{ values: "× v", output: "output", heads: "heads", projection: "project" },
    scale: scale_in_words(picture),
    mask: names.join(" ") || "mask",
  }[stage];
}

/**
 * One key of the row, number by number.
 *
 * @typedef {object} Row
 * @property {number} key  A token.
 * @property {boolean} hidden  By the mask.
 * @property {boolean} not_a_number
 * @property {Float32Array | undefined} k
 * @property {Float32Array | undefined} products
 * @property {Float32Array | undefined} v
 * @property {Float32Array | undefined} weighted
 * @property {number | undefined} dot
 * @property {number | undefined} scaled
 * @property {number | undefined} capped
 * @property {number | undefined} added
 * @property {number | undefined} score
 * @property {number | undefined} minus  The score less the row's largest.
 * @property {number | undefined} exp
 * @property {number | undefined} softmax  Where the weights are something else.
 * @property {number} weight
 */

/** The keys of the window. @param {StepsPicture} picture @returns {Row[]} */
export function rows_of(picture) {
  const [start, stop] = picture.window;
  return Array.from({ length: stop - start }, (_, i) => row_of(picture, start + i, i));
}

/** @param {StepsPicture} picture @param {number} key @param {number} at  In the window. @returns {Row} */
function row_of(picture, key, at) {
  const { q, k, v, window, row, max } = picture;
  const count = window[1] - window[0];
  /** @param {Float32Array | undefined} all */
  const vector = (all) => all?.subarray((all.length / count) * at, (all.length / count) * (at + 1));
  /** @param {Float32Array | undefined} all @returns {number | undefined} */
  const number = (all) => all?.[key - row[0]];
  const flag = picture.masked[key - row[0]];
  const not_a_number = flag === 2;
  const weight = not_a_number ? Number.NaN : picture.weights[key - row[0]];
  const score = not_a_number && picture.scores ? Number.NaN : number(picture.scores);
  const minus = score === undefined || max === null ? undefined : less(score, max);
  const own_k = vector(k);
  const own_v = vector(v);
  return {
    ...{ key, hidden: flag === 1, not_a_number, weight, score, minus },
    k: own_k,
    products: q && own_k && picture.has_products ? q.map((x, i) => x * own_k[i]) : undefined,
    v: own_v,
    weighted: own_v?.map((x) => weight * x),
    dot: number(picture.dot),
    scaled: number(picture.scaled),
    capped: number(picture.capped),
    added: number(picture.added),
    exp: minus === undefined ? undefined : minus <= LOWEST ? 0 : Math.exp(minus),
    softmax: number(picture.softmax),
  };
}

/** The largest score less itself is 0: scores come as float32. @param {number} score @param {number} max */
const less = (score, max) =>
  // −∞ stays that.
  score <= LOWEST ? Number.NEGATIVE_INFINITY : score - Math.fround(max);

/**
 * Keys that are not in the window, and what they have of the weights together.
 *
 * @param {StepsPicture} picture
 */
export function others_of({ window, row, weights, weights_sum, key_len }) {
  let shown = 0;
  for (let key = window[0]; key < window[1]; key++) shown += weights[key - row[0]];
  return {
    before: window[0],
    after: key_len - window[1],
    count: key_len - (window[1] - window[0]),
    share: Math.max(0, weights_sum - shown),
  };
}
