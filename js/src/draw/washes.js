/** Colour behind the words of a passage. */

import { scale_of, share_of_ramp } from "./scale.js";

/** In CSS pixels, on the whole paper. @typedef {{left: number, top: number, width: number, height: number}} Box */

const FULL = 0.5;
const ROUND = 3;

/**
 * Opacity of each item's wash, for one head.
 *
 * @param {import("../links.js").Links} links
 * @param {import("./scale.js").ScaleName} name
 * @param {boolean} can_sink  Whether the first of the items may be a sink.
 * @returns {[number, number][]}  Items with their opacity, which has the sign of the weight.
 */
export function opacities({ items, weights, count }, name, can_sink) {
  let first = 0;
  const rest = [];
  for (let i = 0; i < count; i++) {
    if (items[i] === 0) first = Math.abs(weights[i]);
    else rest.push(Math.abs(weights[i]));
  }
  const { top } = scale_of(name, [first, ...rest], [1, rest.length + 1], { has_first: can_sink });
  return Array.from({ length: count }, (_, i) => [
    items[i],
    // Below 0 where the weight is: its sign is drawn as well.
    Math.sign(weights[i]) * FULL * share_of_ramp(name, Math.abs(weights[i]), top),
  ]);
}

/**
 * Wash every word in sight; several heads lie in stripes one under the other.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} ratio
 * @param {object} what
 * @param {Box[][]} what.boxes  Of each item.
 * @param {{links: import("../links.js").Links[], colours: string[],
 *   signs?: {above: string, below: string} | null, scale: import("./scale.js").ScaleName,
 *   can_sink: boolean} | null} what.washes
 * @param {number | null} what.near  The token whose attention it is.
 * @param {number | null} what.far
 * @param {Set<number>} what.found
 * @param {number} what.scrolled
 * @param {number} what.height
 * @param {{near: string, far: string, found: string}} what.colours
 */
export function draw_washes(context, ratio, what) {
  const { boxes, washes, near, far, found, scrolled, height, colours } = what;
  context.setTransform(ratio, 0, 0, ratio, 0, -scrolled * ratio);
  const in_sight = (/** @type {Box} */ box) =>
    box.top + box.height > scrolled && box.top < scrolled + height;

  washes?.links.forEach((links, s) => {
    for (const [item, opacity] of opacities(links, washes.scale, washes.can_sink)) {
      if (Math.abs(opacity) < 0.01) continue;
      const below = opacity < 0;
      context.fillStyle = washes.signs?.[below ? "below" : "above"] ?? washes.colours[s];
      context.globalAlpha = Math.abs(opacity);
      for (const box of boxes[item] ?? []) {
        if (!in_sight(box)) continue;
        const stripe = box.height / washes.links.length;
        const top = box.top + s * stripe;
        context.fillRect(box.left, top, box.width, stripe);
        // Dashed below, so that the colour does not stand alone.
        for (let x = 0; below && x < box.width; x += 6)
          context.fillRect(box.left + x, top + stripe - 3, Math.min(4, box.width - x), 3);
      }
    }
  });
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  for (const item of found) frame(item, colours.found, 2.5);
  if (far !== null) frame(far, colours.far, 0.5);
  if (near !== null) frame(near, colours.near, 0.5);

  /** @param {number} item @param {string} colour @param {number} around */
  function frame(item, colour, around) {
    context.strokeStyle = colour;
    for (const { left, top, width, height: h } of boxes[item] ?? []) {
      context.beginPath();
      context.roundRect(
        ...[left - around, top - around, width + 2 * around, h + 2 * around],
        ROUND,
      );
      context.stroke();
    }
  }
}
