/** Colours of weights. The grounds are those of styles.css: a weight of 0 is no ink at all. */

/** @typedef {"light" | "dark"} Scheme */
/** @typedef {[number, number, number]} Rgb */

/**
 * @typedef {object} Palette
 * @property {Uint32Array} ramp  256 steps from the ground to full ink, as pixels.
 * @property {Uint32Array} [negative]  The same for numbers below 0, where there may be some.
 * @property {number} ground
 * @property {number} hatch
 * @property {number} not_a_number
 * @property {number} bar  Sums at the margins.
 */

/** sRGB → OKLab (B. Ottosson, "A perceptual color space for image processing", 2020). @param {Rgb} rgb */
function to_oklab(rgb) {
  const [r, g, b] = rgb.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {number[]} lab @returns {Rgb} */
function from_oklab([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const [red, green, blue] = linear.map((c) => {
    const v = c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, v)));
  });
  return [red, green, blue];
}

/** A pixel as ImageData holds it on little-endian machines (all that run a browser). @param {Rgb} rgb */
export function as_pixel([r, g, b]) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** @param {Rgb[]} stops @returns {Rgb[]}  256 colours, even to the eye between each two stops. */
function ramp_through(stops) {
  const labs = stops.map(to_oklab);
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const k = Math.min(Math.floor(at), stops.length - 2);
    return from_oklab(labs[k].map((v, axis) => v + (at - k) * (labs[k + 1][axis] - v)));
  });
}

/** @type {Record<Scheme, {stops: Rgb[], hatch: Rgb, not_a_number: Rgb, bar: Rgb}>} */
const COLOURS = {
  light: {
    stops: [
      [255, 255, 255],
      [124, 154, 187],
      [8, 58, 105],
    ],
    hatch: [222, 226, 231],
    not_a_number: [204, 121, 167],
    bar: [184, 192, 200],
  },
  dark: {
    stops: [
      [20, 23, 27],
      [60, 104, 141],
      [166, 220, 255],
    ],
    hatch: [58, 66, 75],
    not_a_number: [204, 121, 167],
    bar: [74, 84, 94],
  },
};

/**
 * Numbers with a sign: purple above 0, ochre below, which stay apart where red and green do not
 * (their blue differs). Wherever they are drawn, those below 0 are striped or dashed as well.
 *
 * @type {Record<Scheme, {above: Rgb[], below: Rgb[]}>}
 */
const SIGNED = {
  light: {
    above: [
      [255, 255, 255],
      [163, 138, 194],
      [73, 24, 120],
    ],
    below: [
      [255, 255, 255],
      [201, 168, 96],
      [112, 74, 0],
    ],
  },
  dark: {
    above: [
      [20, 23, 27],
      [107, 84, 148],
      [215, 187, 255],
    ],
    below: [
      [20, 23, 27],
      [120, 95, 42],
      [247, 208, 117],
    ],
  },
};

/** Of strokes and washes. @type {Record<Scheme, {above: string, below: string}>} */
export const SIGN_COLOURS = {
  light: { above: "#6a3d9a", below: "#8a5f00" },
  dark: { above: "#c3a2f2", below: "#e3b552" },
};

/** @param {Scheme} scheme @param {"above" | "below"} [sign] @returns {Rgb[]} */
export function ramp_colours(scheme, sign) {
  return ramp_through(sign ? SIGNED[scheme][sign] : COLOURS[scheme].stops);
}

/** @param {Scheme} scheme @param {boolean} [signed] @returns {Palette} */
export function palette(scheme, signed = false) {
  const { stops, hatch, not_a_number, bar } = COLOURS[scheme];
  return {
    ramp: Uint32Array.from(ramp_colours(scheme, signed ? "above" : undefined), as_pixel),
    ...(signed && { negative: Uint32Array.from(ramp_colours(scheme, "below"), as_pixel) }),
    ground: as_pixel(stops[0]),
    hatch: as_pixel(hatch),
    not_a_number: as_pixel(not_a_number),
    bar: as_pixel(bar),
  };
}

/** The ramp as a CSS gradient, for the legend. @param {Scheme} scheme @param {"above" | "below"} [sign] */
export function ramp_gradient(scheme, sign) {
  const colours = ramp_colours(scheme, sign).filter((_, i) => i % 51 === 0);
  return `linear-gradient(to ${sign === "below" ? "left" : "right"}, ${colours.map((c) => `rgb(${c.join(" ")})`).join(", ")})`;
}

/**
 * Colours of several heads at once: the set of Okabe and Ito, which all eyes tell apart ("Color
 * Universal Design", 2008). Its black is the ink already; its yellow is darkened on white, and the
 * darker ones are lightened on a dark ground.
 *
 * @type {Record<Scheme, string[]>}
 */
const HEADS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00"],
  dark: ["#5cb3e6", "#f08a4b", "#3cc79c", "#e09bc3", "#e6b040", "#2f8fd0", "#f0e442"],
};

/**
 * A colour for each of several heads: the one of its number, if it is free.
 *
 * @param {import("../messages.js").LayerHead[]} heads
 * @param {Scheme} scheme
 * @returns {string[]}
 */
export function colours_of_heads(heads, scheme) {
  const all = HEADS[scheme];
  /** @type {number[]} */
  const taken = [];
  return heads.map(([, head]) => {
    // More heads than colours: they come round again.
    if (taken.length === all.length) taken.length = 0;
    let at = head % all.length;
    while (taken.includes(at)) at = (at + 1) % all.length;
    taken.push(at);
    return all[at];
  });
}

/** Of links that are there but not selected: the ink, made fainter by its opacity. @param {Scheme} scheme */
export function faint_colour(scheme) {
  return scheme === "dark" ? "#a0abb6" : "#59636e";
}
