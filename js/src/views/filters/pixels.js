/** Signed filters as pixels. Pure functions. */

/** Grey stands for 0. */
const MIDDLE = 128;

/**
 * One filter: its largest number is full colour or white, minus that is black, 0 is grey.
 *
 * @param {Float32Array} filter  (h, w, C)
 * @param {number} channels
 * @returns {Uint8ClampedArray}
 */
export function pixels_of(filter, channels) {
  const top = filter.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const pixels = new Uint8ClampedArray((filter.length / channels) * 4);
  for (let i = 0, to = 0; i < filter.length; i += channels, to += 4) {
    for (let c = 0; c < 3; c++) {
      const value = filter[i + (channels < 3 ? 0 : c)];
      pixels[to + c] = MIDDLE + (127 * value) / top;
    }
    pixels[to + 3] = 255;
  }
  return pixels;
}

/** @param {Float32Array} all @param {number} i @param {number} count */
export function nth(all, i, count) {
  const each = all.length / count;
  return all.subarray(i * each, (i + 1) * each);
}
