/** Encodings of positions: the sine and cosine of the paper, and what any two have in common. */

import { as_pixel } from "../../draw/colours.js";

/** @typedef {import("../messages.js").PositionsPicture} PositionsPicture */

/**
 * @typedef {object} Encoding
 * @property {number} rows  Positions, or heads where distances are across.
 * @property {number} cols
 * @property {Float32Array} values  rows × cols.
 * @property {number} top  Size of the largest.
 * @property {number[]} columns  What each column is: a dimension, a pair, or a distance.
 * @property {Float32Array | null} similarity  rows × rows, each in [−1, 1].
 * @property {number} similar  Size of the largest similarity of two different positions.
 */

/** As wide as an encoding is that has no width to compare with. */
const WIDTH = 128;
const POSITIONS = 64;

/**
 * One number of the encoding of Vaswani et al., "Attention Is All You Need" (2017), section 3.5:
 * PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i + 1) = cos(pos / 10000^(2i/d)).
 *
 * @param {number} position
 * @param {number} dimension
 * @param {number} width  d
 */
export function sine_or_cosine(position, dimension, width) {
  const even = dimension - (dimension % 2);
  const angle = position / 10_000 ** (even / width);
  return dimension % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
}

/**
 * The encoding of the paper, of the size of what the model has.
 *
 * @param {PositionsPicture} picture
 * @returns {Encoding}
 */
export function of_paper({ found, encoding, columns, width: own, shape }) {
  const is_table = (found === "learned" || found === "sine and cosine") && encoding && columns;
  const width = is_table && own ? own : WIDTH;
  const shown = is_table ? [...columns] : Array.from({ length: WIDTH }, (_, i) => i);
  const rows = is_table ? shape[0] : POSITIONS;
  const values = Float32Array.from({ length: rows * shown.length }, (_, i) =>
    sine_or_cosine(Math.floor(i / shown.length), shown[i % shown.length], width),
  );
  const whole = Float32Array.from({ length: rows * width }, (_, i) =>
    sine_or_cosine(Math.floor(i / width), i % width, width),
  );
  const similarity = cosines(whole, rows);
  return {
    ...{ rows, cols: shown.length, values, top: 1, columns: shown },
    ...{ similarity, similar: largest_apart(similarity, rows) },
  };
}

/** What the model has; null where nothing was found. @param {PositionsPicture} picture @returns {Encoding | null} */
export function of_model({ encoding, columns, distances, similarity, shape }) {
  if (!encoding) return null;
  const [rows, cols] = shape;
  const top = encoding.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const named = columns ?? distances ?? Array.from({ length: cols }, (_, i) => i);
  return {
    ...{ rows, cols, values: encoding, top, columns: [...named] },
    similarity: similarity ?? null,
    similar: similarity ? largest_apart(similarity, rows) : 1,
  };
}

/** Each is most like itself, which would leave the others pale. @param {Float32Array} all @param {number} n */
function largest_apart(all, n) {
  const sizes = all.map((value, i) => (i % (n + 1) === 0 ? 0 : Math.abs(value)));
  return Math.max(...sizes) || 1;
}

/**
 * Cosine of the angle between every two rows; 0 where a row has no length.
 *
 * @param {Float32Array} values
 * @param {number} rows
 */
export function cosines(values, rows) {
  const cols = values.length / rows;
  const row = (/** @type {number} */ i) => values.subarray(i * cols, (i + 1) * cols);
  const dot = (/** @type {Float32Array} */ a, /** @type {Float32Array} */ b) =>
    a.reduce((sum, value, i) => sum + value * b[i], 0);
  const lengths = Array.from({ length: rows }, (_, i) => Math.sqrt(dot(row(i), row(i))));
  return Float32Array.from({ length: rows * rows }, (_, at) => {
    const [i, j] = [Math.floor(at / rows), at % rows];
    const length = lengths[i] * lengths[j];
    return length > 0 ? dot(row(i), row(j)) / length : 0;
  });
}

/** Lightness of the smallest and the largest number; zero lies in the middle. */
const GREYS = { light: [252, 28], dark: [16, 240] };

/**
 * Signed numbers as greys: the smallest nearly the ground, zero in the middle, the largest the ink.
 *
 * @param {Float32Array} values
 * @param {number} top  Numbers of this size get the ends of the ramp.
 * @param {import("../../draw/colours.js").Scheme} scheme
 */
export function grey_pixels(values, top, scheme) {
  const [least, most] = GREYS[scheme];
  return Uint32Array.from(values, (value) => {
    const share = Math.min(1, Math.max(0, (value / top + 1) / 2));
    const grey = Math.round(least + share * (most - least));
    return as_pixel([grey, grey, grey]);
  });
}

/** The same ramp for a legend. @param {import("../../draw/colours.js").Scheme} scheme */
export function grey_gradient(scheme) {
  const [least, most] = GREYS[scheme];
  return `linear-gradient(to right, rgb(${least} ${least} ${least}), rgb(${most} ${most} ${most}))`;
}

/** A signed number with three significant digits and a true minus. @param {number} value */
export function signed(value) {
  const size = Math.abs(value);
  if (size < 0.0005) return "0";
  if (Number.isInteger(value)) return signed_whole(value);
  return `${value < 0 ? "−" : ""}${size >= 100 ? size.toFixed(0) : size.toPrecision(3)}`;
}

/** @param {number} value  A whole number. */
export const signed_whole = (value) => String(value).replace("-", "−");

/**
 * The similarities of each patch with all others, as maps beside one another: map (r, c) is that of
 * the patch in row r, column c.
 *
 * @param {Float32Array} similarity  n × n, of all positions.
 * @param {[number, number, number]} grid  Rows, columns, positions before the patches.
 */
export function map_of_maps(similarity, [rows, cols, before]) {
  const n = Math.sqrt(similarity.length);
  const [height, width] = [rows * rows, cols * cols];
  return Float32Array.from({ length: height * width }, (_, i) => {
    const [row, col] = [Math.floor(i / width), i % width];
    const patch = Math.floor(row / rows) * cols + Math.floor(col / cols);
    const other = (row % rows) * cols + (col % cols);
    return similarity[(before + patch) * n + before + other];
  });
}
