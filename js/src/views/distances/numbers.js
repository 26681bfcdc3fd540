/** Mean attention distances as dots on a chart. Pure functions. */

/** @typedef {import("../messages.js").DistancesPicture} DistancesPicture */

/** @typedef {{layer: number, head: number, distance: number, x: number, y: number}} Dot  x, y: shares of the chart. */

/** How far heads of one layer stand apart, as a share of the room that a layer has. */
const SPREAD = 0.5;

/**
 * A dot for each head, and the line of even attention.
 *
 * @param {DistancesPicture} picture
 */
export function chart_of({ layers, distances, uniform, shape }) {
  const [count, heads] = shape;
  const known = Array.from(distances).filter((d) => !Number.isNaN(d));
  const top = nice(Math.max(...known, ...uniform, 1e-9));
  const x_of = (/** @type {number} */ layer) => (layer + 0.5) / count;
  /** @type {Dot[]} */
  const dots = [];
  for (let l = 0; l < count; l++) {
    for (let h = 0; h < heads; h++) {
      const distance = distances[l * heads + h];
      if (Number.isNaN(distance)) continue;
      const aside = heads > 1 ? (SPREAD * (h / (heads - 1) - 0.5)) / count : 0;
      dots.push({ layer: layers[l], head: h, distance, x: x_of(l) + aside, y: distance / top });
    }
  }
  const line = Array.from(uniform, (even, l) => ({ x: x_of(l), y: even / top, even }));
  return { top, dots, line, ticks: [0, top / 2, top] };
}

/** Round numbers whose half is round, too. */
const ROUND = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10];

/** The next round number. @param {number} value */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = ROUND.find((n) => n * power >= value * 0.9999) ?? 10;
  return step * power;
}

/** @param {number} value */
export const distance_in_words = (value) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/**
 * How many heads look how far, in words: near ones less than half as far as even attention would.
 *
 * @param {DistancesPicture} picture
 */
export function local_heads({ distances, uniform, shape }) {
  const [, heads] = shape;
  let [near, all] = [0, 0];
  distances.forEach((distance, i) => {
    if (Number.isNaN(distance)) return;
    all += 1;
    if (distance < uniform[Math.floor(i / heads)] / 2) near += 1;
  });
  return { near, all };
}
