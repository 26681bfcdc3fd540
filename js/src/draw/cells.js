/** Painting cells into an array of pixels: pure, so that a test can compare every pixel. */

import { signed_share } from "../attention.js";
import { MASKED, NOT_A_NUMBER } from "../messages.js";
import { ramp_step, scale_of, tops_of_rows, weights_of_bytes } from "./scale.js";

/** @typedef {import("../messages.js").TilePicture} TilePicture */
/** @typedef {import("./colours.js").Palette} Palette */
/** @typedef {{data: Uint32Array, width: number, height: number}} Pixels */

/** Device pixels from stripe to stripe of what is below 0. */
const STRIPES = 4;
const GAP = -1;
const OUTSIDE = -2;

/**
 * For each pixel along one axis, the cell of the tile it shows.
 *
 * @param {number} pixels  Length of the axis on screen.
 * @param {[number, number]} shown  Tokens on screen, half-open.
 * @param {[number, number]} held  Tokens the tile holds.
 * @param {number} block  Tokens in one cell of the tile.
 * @param {number} gap  Pixels left free after each cell.
 * @returns {Int32Array}
 */
export function axis_map(pixels, shown, held, block, gap) {
  const map = new Int32Array(pixels);
  const tokens_per_pixel = (shown[1] - shown[0]) / pixels;
  for (let x = 0; x < pixels; x++) {
    // The middle of the pixel decides.
    const token = Math.floor(shown[0] + (x + 0.5) * tokens_per_pixel);
    map[x] = token < held[0] || token >= held[1] ? OUTSIDE : Math.floor((token - held[0]) / block);
  }
  if (gap > 0) {
    const cells = map.slice();
    for (let x = 0; x + gap < pixels; x++) if (cells[x + gap] !== cells[x]) map[x] = GAP;
  }
  return map;
}

/**
 * Paint the part of `tile` that is on screen; pixels it does not reach stay as they are.
 *
 * @param {Pixels} target
 * @param {TilePicture} tile
 * @param {{rows: [number, number], cols: [number, number]}} region  Tokens on screen.
 * @param {Palette} colours
 * @param {{gap: number, unit: number, steps: Uint8Array}} style  In device pixels: gap between
 *   cells, one CSS pixel. `steps`: of the ramp, for every cell.
 */
export function paint_tile(target, tile, region, colours, { gap, unit, steps }) {
  const { data, width, height } = target;
  const across = axis_map(width, region.cols, tile.cols, tile.block[1], gap);
  const down = axis_map(height, region.rows, tile.rows, tile.block[0], gap);
  const columns = tile.shape[1];

  // Hatching runs through the cells, so that a masked area reads as one.
  const period = 5 * unit;
  /** @param {number} x @param {number} y @param {number} cell */
  const pixel = (x, y, cell) => {
    if (cell === GAP) return colours.ground;
    const flag = tile.flags[cell];
    if (flag === MASKED) return (x + y) % period < unit ? colours.hatch : colours.ground;
    if (flag === NOT_A_NUMBER) {
      return (x + height - y) % period < unit ? colours.ground : colours.not_a_number;
    }
    if (colours.negative && tile.cells[cell] < (tile.encoding === "linear" ? 0 : 128)) {
      return y % STRIPES < STRIPES / 2 ? colours.ground : colours.negative[steps[cell]];
    }
    return colours.ramp[steps[cell]];
  };

  for (let y = 0; y < height; y++) {
    const row = down[y];
    if (row === OUTSIDE) continue;
    for (let x = 0; x < width; x++) {
      const column = across[x];
      if (column === OUTSIDE) continue;
      const cell = row === GAP || column === GAP ? GAP : row * columns + column;
      data[y * width + x] = pixel(x, y, cell);
    }
  }
}

/**
 * Paint one head's thumbnail; where it is smaller than its cells, the largest weight is kept.
 *
 * @param {Pixels} target
 * @param {Uint8Array} cells  n × m bytes, on the square-root scale of the head's largest weight.
 * @param {[number, number]} shape
 * @param {{x: number, y: number, side: number}} place  In device pixels.
 * @param {Palette} colours
 * @param {import("./scale.js").ScaleName} name  Of the scale.
 * @param {boolean} [can_sink]  Whether the first token can be a sink.
 */
export function paint_thumbnail(
  target,
  cells,
  [n, m],
  { x, y, side },
  colours,
  name,
  can_sink = true,
) {
  const { negative } = colours;
  const weights = negative
    ? Float32Array.from({ length: 256 }, (_, byte) => Math.abs(signed_share(byte)))
    : weights_of_bytes(1);
  const value = (/** @type {number} */ byte) => weights[byte];
  const scale = scale_of(name, cells, [n, m], { has_first: can_sink, value });
  const tops = name === "row" ? tops_of_rows(cells, [n, m], scale, value) : null;
  const by_byte = Array.from(weights, (weight) => ramp_step(name, weight, scale.top));
  const edges = (/** @type {number} */ count) =>
    Array.from({ length: side }, (_, i) => {
      const first = Math.floor((i * count) / side);
      return [first, Math.max(first + 1, Math.floor(((i + 1) * count) / side))];
    });
  const down = edges(n);
  const across = edges(m);
  for (let i = 0; i < side; i++) {
    const start = (y + i) * target.width + x;
    for (let j = 0; j < side; j++) {
      let [most, row] = [negative ? 128 : 0, 0];
      for (let r = down[i][0]; r < down[i][1]; r++) {
        for (let c = across[j][0]; c < across[j][1]; c++) {
          const byte = cells[r * m + c];
          if (negative ? weights[byte] > weights[most] : byte > most) [most, row] = [byte, r];
        }
      }
      const step = tops ? ramp_step(name, weights[most], tops[row]) : by_byte[most];
      const is_below = negative && most < 128;
      const striped = is_below && (y + i) % STRIPES < STRIPES / 2;
      target.data[start + j] = striped
        ? colours.ground
        : (is_below ? negative : colours.ramp)[step];
    }
  }
}

/**
 * Paint sums along a margin as bars from the matrix outwards, on the square-root scale of the cells;
 * a pixel shows the largest it covers.
 *
 * @param {Pixels} target
 * @param {ArrayLike<number>} sums  One per token from `held[0]` on.
 * @param {{held: [number, number], shown: [number, number], most: number, gap: number,
 *   side: "right" | "below", colour: number}} how  `most`: what fills the strip.
 */
export function paint_bars(target, sums, { held, shown, most, gap, side, colour }) {
  const { data, width, height } = target;
  const along = side === "below" ? width : height;
  const depth = side === "below" ? height : width;
  const map = axis_map(along, shown, held, 1, gap);
  const tokens_per_pixel = (shown[1] - shown[0]) / along;
  for (let i = 0; i < along; i++) {
    if (map[i] < 0) continue;
    let largest = sums[map[i]];
    for (let k = 1; k < tokens_per_pixel && map[i] + k < sums.length; k++) {
      largest = Math.max(largest, sums[map[i] + k]);
    }
    const length = most > 0 ? Math.round(depth * Math.sqrt(Math.min(1, largest / most))) : 0;
    for (let j = 0; j < length; j++) {
      data[side === "below" ? j * width + i : i * width + j] = colour;
    }
  }
}
