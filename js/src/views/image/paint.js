/** Pixels of the image and of what is laid over it. Pure functions. */

import { ramp_colours } from "../../draw/colours.js";
import { share_of_ramp } from "../../draw/scale.js";

/** @typedef {import("../../draw/colours.js").Scheme} Scheme */
/** @typedef {import("../../draw/colours.js").Rgb} Rgb */

/** How far the image goes towards grey, and then towards the ground, under the strongest overlay. */
const [GREYER, PALER] = [0.85, 0.55];
/** How opaque the largest weight is then. */
const MOST_ALPHA = 0.92;
/** The ground over patches that no one here may look at. */
const DIMMED = 0.72;

/** The colour of a full weight. @param {Scheme} scheme @returns {Rgb} */
export const ink = (scheme) => /** @type {Rgb} */ (ramp_colours(scheme).at(-1));

/** @param {Scheme} scheme @returns {Rgb} */
const ground = (scheme) => ramp_colours(scheme)[0];

/**
 * The image, greyer and nearer to the ground the stronger the overlay is, so that one colour is to
 * be seen on all of it.
 *
 * @param {Uint8Array} rgb  Three bytes a pixel.
 * @param {number} strength  0 … 1.
 * @param {Scheme} scheme
 * @returns {Uint8ClampedArray}  Four bytes a pixel.
 */
export function faded(rgb, strength, scheme) {
  const base = ground(scheme);
  const pixels = new Uint8ClampedArray((rgb.length / 3) * 4);
  for (let i = 0, to = 0; i < rgb.length; i += 3, to += 4) {
    // Rec. 601, as most turn colours to grey.
    const grey = 0.299 * rgb[i] + 0.587 * rgb[i + 1] + 0.114 * rgb[i + 2];
    for (let c = 0; c < 3; c++) {
      const calm = rgb[i + c] + GREYER * strength * (grey - rgb[i + c]);
      pixels[to + c] = calm + PALER * strength * (base[c] - calm);
    }
    pixels[to + 3] = 255;
  }
  return pixels;
}

/**
 * Weights as one colour, opaque by their size; and cells that are out of reach under the ground.
 *
 * @param {Float32Array} over  A weight for each cell.
 * @param {Int32Array} items  -1 where a cell is out of reach.
 * @param {object} how
 * @param {import("../../draw/scale.js").ScaleName} how.scale
 * @param {number} how.top
 * @param {number} how.strength
 * @param {Scheme} how.scheme
 */
export function overlay(over, items, { scale, top, strength, scheme }) {
  const [full, base] = [ink(scheme), ground(scheme)];
  const pixels = new Uint8ClampedArray(over.length * 4);
  // A little strength already shows the largest ones well.
  const alpha = MOST_ALPHA * Math.min(1, 1.25 * strength);
  over.forEach((weight, cell) => {
    const outside = items[cell] < 0;
    pixels.set(outside ? base : full, 4 * cell);
    pixels[4 * cell + 3] =
      255 *
      (outside ? DIMMED * Math.min(1, 2 * strength) : alpha * share_of_ramp(scale, weight, top));
  });
  return pixels;
}

/**
 * The image in fewer pixels, each the mean of those it stands for.
 *
 * @param {Uint8Array} rgb
 * @param {[number, number]} size  Rows and columns.
 * @param {number} most  Of either, afterwards.
 * @returns {{rgb: Uint8Array, size: [number, number]}}
 */
export function shrunk(rgb, [rows, cols], most) {
  const by = Math.max(1, Math.ceil(Math.max(rows, cols) / most));
  if (by === 1) return { rgb, size: [rows, cols] };
  const [h, w] = [Math.ceil(rows / by), Math.ceil(cols / by)];
  const sums = new Float64Array(h * w * 3);
  const counts = new Float64Array(h * w);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const to = Math.floor(r / by) * w + Math.floor(c / by);
      counts[to] += 1;
      for (let k = 0; k < 3; k++) sums[3 * to + k] += rgb[3 * (r * cols + c) + k];
    }
  }
  const made = Uint8Array.from(sums, (sum, i) => Math.round(sum / counts[Math.floor(i / 3)]));
  return { rgb: made, size: [h, w] };
}
