import { percent } from "../words.js";

/** Numbers of the store as they are written: few digits, a true minus. */

/** @param {number} value */
export function num(value) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text =
    size >= 1e6 || (size > 0 && size < 0.001)
      ? value.toExponential(1)
      : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  // What rounds to zero has no sign.
  return (Number(text) === 0 ? text.replace("-", "") : text).replaceAll("-", "−");
}

/**
 * How numbers that come of `all` are written: whole ones whole, where those all are.
 *
 * @param {number[]} all
 */
export function writer_of(all) {
  if (!all.every(Number.isInteger)) return num;
  return (/** @type {number} */ value) => num(value).replace(/\.0+$/, "");
}

/**
 * A share of the blend; where attention is soft every entry has one, however small.
 *
 * @param {number} weight
 * @param {{hard: boolean, beta: number}} how
 */
export function share_in_words(weight, { hard, beta }) {
  return weight === 0 && !hard && Number.isFinite(beta) ? "<1 %" : percent(weight);
}

/** As the reader typed it: no zeros at the end. @param {number} value */
export const short_num = (value) => String(Number(value.toPrecision(3))).replace("-", "−");

/** @param {number} beta */
export const beta_in_words = (beta) => (Number.isFinite(beta) ? short_num(beta) : "∞");

/** @param {number[]} vector @param {number} most @param {typeof num} [write] */
export function vector_in_words(vector, most = 4, write = num) {
  const shown = vector.slice(0, most).map(write).join(", ");
  return `(${shown}${vector.length > most ? ", …" : ""})`;
}
