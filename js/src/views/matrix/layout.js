/** Where the parts of the matrix stand. Pure: sizes in CSS pixels in, boxes out. */

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

export const PADDING = 16;
export const SIDE_WIDTH = 200;
const SIDE_GAP = 32;
const LEGEND_LINE = 20;
export const STRIP = 8;
const STRIP_GAP = 4;
const LARGEST_CELL = 36;
/** Cells of matrices that are not square may be this much longer than wide, or 16 px. */
const MOST_ASPECT = 3;
const LEAST_LONG_SIDE = 16;
const LABEL_GAP = 8;
const SLANT = Math.SQRT1_2;
/** Labels nearer than this touch: level ones, and slanted ones by their distance along the axis. */
export const LEVEL_PITCH = 12;
export const SLANTED_PITCH = 17;

/**
 * @typedef {object} MatrixLayout
 * @property {Box} plot
 * @property {number} side_left  Of legend and reading, where they stand beside the matrix.
 */

/**
 * @param {object} given
 * @param {number} given.width
 * @param {number} given.height
 * @param {number} given.rows  Tq
 * @param {number} given.cols  Tk
 * @param {number} given.row_label  Width of the widest query label.
 * @param {number} given.col_label  Width of the widest key label, before slanting.
 * @param {boolean} given.beside  Legend and reading stand beside the matrix; else the legend below.
 * @param {number} given.legend_lines  How many lines it needs there.
 * @returns {MatrixLayout}
 */
export function matrix_layout(given) {
  const { width, height, rows, cols, row_label, col_label, beside, legend_lines } = given;
  const padding = beside ? PADDING : 8;
  const slanted = Math.ceil(col_label * SLANT) + 10;
  const left = padding + row_label + LABEL_GAP;
  const top = padding + slanted;
  const strip = STRIP + STRIP_GAP;
  // The slanted label of the last column leans over the edge of the matrix.
  const right = padding + (beside ? strip + SIDE_GAP + SIDE_WIDTH : Math.max(slanted, strip));
  const below = strip + padding + (beside ? 0 : LEGEND_LINE * legend_lines + 4);
  const free_width = Math.max(1, width - left - right);
  const free_height = Math.max(1, height - top - below);

  const whole = (/** @type {number} */ cell) => (cell >= 4 ? Math.floor(cell) : cell);
  const across = Math.min(LARGEST_CELL, free_width / cols);
  const down = Math.min(LARGEST_CELL, free_height / rows);
  /** @param {number} other */
  const longest = (other) =>
    rows === cols ? other : Math.max(LEAST_LONG_SIDE, MOST_ASPECT * other);
  const cell_width = whole(Math.min(across, longest(down)));
  const cell_height = whole(Math.min(down, longest(across)));

  const plot_width = Math.max(1, Math.round(cell_width * cols));
  const plot_height = Math.max(1, Math.round(cell_height * rows));
  // What is left over goes to both sides: the matrix and its reading stand together in the middle.
  const shift = Math.max(0, Math.floor((width - left - plot_width - right) / 2));
  const plot = { left: left + shift, top, width: plot_width, height: plot_height };
  const side_left = plot.left + plot.width + strip + SIDE_GAP;
  return { plot, side_left };
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
