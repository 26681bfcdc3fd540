/** A measure of all heads, and how thumbnails show it. Pure functions. */

import { ramp_colours } from "../../draw/colours.js";

/** @typedef {import("../messages.js").HeadsPicture} HeadsPicture */
/** @typedef {NonNullable<ReturnType<typeof measured_of>>} Measured */
/** `name`: what is added to that of the head.
 * @typedef {{name: string, classes: string, background: string | undefined, text: string}} Look */

/** A number fits into a thumbnail of this size; in larger type into one of the other. */
const [NUMBER_FITS, LARGE_NUMBER_FITS] = [30, 48];
/** From this step of the ramp on, the ground is legible on it and the ink no longer. */
const DEEP = 150;

/** @type {Map<string, string[]>} */
const ramps = new Map();

/** The ramp as CSS colours. @param {import("../../draw/colours.js").Scheme} scheme */
export function ramp_of(scheme) {
  const known = ramps.get(scheme) ?? ramp_colours(scheme).map((rgb) => `rgb(${rgb.join(" ")})`);
  ramps.set(scheme, known);
  return known;
}

/**
 * One measure of all heads.
 *
 * @param {HeadsPicture} picture
 * @param {string} name
 */
export function measured_of(picture, name) {
  const at = picture.measures.findIndex((one) => one.name === name);
  if (at < 0) return null;
  const [, layers, heads] = picture.shape;
  const values = picture.values.subarray(at * layers * heads, (at + 1) * layers * heads);
  const top = values.reduce((most, value) => (value > most ? value : most), 0);
  /** NaN where there is none. @param {number} layer @param {number} head */
  const value = (layer, head) => {
    const row = picture.layers.indexOf(layer);
    return row < 0 || head >= heads ? Number.NaN : values[row * heads + head];
  };
  return { picture, of: picture.measures[at], value, top, look };

  /**
   * How a thumbnail shows the number of its head.
   *
   * @param {number} layer
   * @param {number} head
   * @param {number} side  Of the thumbnail, in CSS pixels.
   * @param {import("../../draw/colours.js").Scheme} scheme
   * @returns {Look}
   */
  function look(layer, head, side, scheme) {
    const number = value(layer, head);
    const { title, unit } = picture.measures[at];
    const has_number = !Number.isNaN(number);
    const step = has_number && top > 0 ? Math.round((255 * Math.max(0, number)) / top) : 0;
    const classes = [
      "aw-shaded",
      !has_number && "aw-no-value",
      step >= DEEP && "aw-deep",
      side < LARGE_NUMBER_FITS && "aw-small",
    ];
    return {
      name: `: ${title.toLowerCase()} ${number_in_words(number, unit)}`,
      classes: classes.filter(Boolean).join(" "),
      background: has_number ? ramp_of(scheme)[step] : undefined,
      text: side >= NUMBER_FITS ? short_number(number) : "",
    };
  }
}

/**
 * So short that it fits into a thumbnail: 0.97, 4.7, 12.
 *
 * @param {number} value
 */
export function short_number(value) {
  if (Number.isNaN(value)) return "–";
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** With its unit: 0.970, 1.84 nats, 4.7 tokens. @param {number} value @param {string} unit */
export function number_in_words(value, unit) {
  if (Number.isNaN(value)) return "no value";
  if (unit === "share") return value.toFixed(3);
  return [short_number(value), unit].filter(Boolean).join(" ");
}
