/** Where the parts of the matrix stand. Pure: sizes in CSS pixels in, boxes out. */

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

export const PADDING = 16;
export const SIDE_WIDTH = 200;
const SIDE_GAP = 32;
/** The reading needs this much beside the matrix, else it goes above. */
const LEAST_WIDTH_FOR_SIDE = 520;
const READING_ABOVE = 48;
export const STRIP = 10;
const STRIP_GAP = 4;
const LARGEST_CELL = 36;
/** Cells of unlike sides are no longer read as a square's neighbours beyond this. */
const MOST_ASPECT = 3;
const LABEL_GAP = 8;
const SLANT = Math.SQRT1_2;
/** Labels nearer than this touch: level ones, and slanted ones by their distance along the axis. */
export const LEVEL_PITCH = 14;
export const SLANTED_PITCH = 18;

/**
 * @typedef {object} MatrixLayout
 * @property {Box} plot
 * @property {boolean} side  The reading stands beside the matrix; else above it.
 * @property {number} side_left
 */

/**
 * @param {object} given
 * @param {number} given.width
 * @param {number} given.height
 * @param {number} given.rows  Tq
 * @param {number} given.cols  Tk
 * @param {number} given.row_label  Width of the widest query label.
 * @param {number} given.col_label  Width of the widest key label, before slanting.
 * @returns {MatrixLayout}
 */
export function matrix_layout({ width, height, rows, cols, row_label, col_label }) {
  const side = width >= LEAST_WIDTH_FOR_SIDE;
  const slanted = Math.ceil(col_label * SLANT) + 10;
  const left = PADDING + row_label + LABEL_GAP;
  const top = (side ? 0 : READING_ABOVE) + PADDING + slanted;
  const right = side ? SIDE_GAP + SIDE_WIDTH : Math.max(slanted - 8, STRIP + STRIP_GAP);
  const free_width = Math.max(1, width - left - right - PADDING - (side ? STRIP + STRIP_GAP : 0));
  const free_height = Math.max(1, height - top - STRIP - STRIP_GAP - PADDING);

  const whole = (/** @type {number} */ cell) => (cell >= 4 ? Math.floor(cell) : cell);
  const across = Math.min(LARGEST_CELL, free_width / cols);
  const down = Math.min(LARGEST_CELL, free_height / rows);
  const square = rows === cols;
  const cell_width = whole(Math.min(across, down * (square ? 1 : MOST_ASPECT)));
  const cell_height = whole(Math.min(down, across * (square ? 1 : MOST_ASPECT)));

  const plot_width = Math.max(1, Math.round(cell_width * cols));
  const plot_height = Math.max(1, Math.round(cell_height * rows));
  // What is left over goes to both sides: the matrix and its reading stand together in the middle.
  const used = left + plot_width + right + PADDING + (side ? STRIP + STRIP_GAP : 0);
  const shift = Math.max(0, Math.floor((width - used) / 2));
  const plot = { left: left + shift, top, width: plot_width, height: plot_height };
  const side_left = plot.left + plot.width + STRIP + STRIP_GAP + SIDE_GAP;
  return { plot, side, side_left };
}

/**
 * Which labels stand along an axis: as many as do not touch, and always the chosen ones.
 *
 * @param {[number, number]} span  Tokens on screen, half-open.
 * @param {number} length  Of the axis, in pixels.
 * @param {number} pitch  Least distance between two labels.
 * @param {(number | null)[]} chosen
 * @returns {number[]}
 */
export function labels_along([first, last], length, pitch, chosen) {
  const cell = length / (last - first);
  const step = Math.max(1, Math.ceil(pitch / cell));
  const kept = chosen.filter((i) => i !== null && i >= first && i < last);
  const labels = [];
  for (let i = first; i < last; i++) {
    if (kept.includes(i)) labels.push(i);
    else if (i % step === 0 && kept.every((k) => Math.abs(i - Number(k)) * cell >= pitch)) {
      labels.push(i);
    }
  }
  return labels;
}
