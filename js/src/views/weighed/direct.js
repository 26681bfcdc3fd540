/** Heads in the order of what they add to a logit. Pure functions. */

/** @typedef {{layer: number, head: number, adds: number}} Part */

/** So many are listed on each side. */
const LISTED = 5;
/** Less than so much of the largest is not worth a line. */
const LEAST = 0.02;

/**
 * The heads that add most to a logit, and those that take most from it.
 *
 * @param {import("../messages.js").DirectPicture} picture
 * @returns {{pro: Part[], contra: Part[]}}
 */
export function heads_for_and_against({ heads, layers, shape }) {
  const [, count] = shape;
  const parts = Array.from(heads, (adds, i) => ({
    layer: layers[Math.floor(i / count)],
    head: i % count,
    adds,
  }));
  const most = Math.max(...parts.map(({ adds }) => Math.abs(adds)));
  parts.sort((a, b) => b.adds - a.adds);
  const worth = parts.filter(({ adds }) => Math.abs(adds) >= LEAST * most && adds !== 0);
  return {
    pro: worth.filter(({ adds }) => adds > 0).slice(0, LISTED),
    contra: worth
      .filter(({ adds }) => adds < 0)
      .reverse()
      .slice(0, LISTED),
  };
}
