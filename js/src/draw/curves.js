/** Links between two columns of tokens, drawn as curves. */

import { count_for_mass } from "../links.js";

/** @typedef {import("../links.js").Strand} Strand */
/** @typedef {import("../messages.js").Direction} Direction */

/**
 * @typedef {object} Columns  In CSS pixels.
 * @property {number} width  Between the columns.
 * @property {number} height
 * @property {number} row
 * @property {number} queries  How far the column of the queries is scrolled.
 * @property {number} keys
 * @property {[number, number]} seen  Items on screen at the side the links start from.
 */

/** Weights below this are no ink in the background: less than one step of the screen. */
const FAINTEST = 0.02;
/** Curves of one look are stroked together; weights are sorted into so many looks. */
const LOOKS = 16;
/** How far beyond the edge a curve to an unseen token goes. */
const BEYOND = 14;

/**
 * @param {Columns} columns
 * @param {Direction} direction
 * @param {number} near  Item at the start.
 * @param {number} far
 * @returns {[number, number]}  Heights at the left and at the right.
 */
export function ends_of({ row, height, queries, keys }, direction, near, far) {
  const [query, key] = direction === "from" ? [near, far] : [far, near];
  const within = (/** @type {number} */ y) => Math.max(-BEYOND, Math.min(height + BEYOND, y));
  return [within((query + 0.5) * row - queries), within((key + 0.5) * row - keys)];
}

/**
 * Links below 0 are dashed, wide ones in longer dashes.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {boolean} below
 */
function stroke(context, path, below) {
  if (!below) {
    context.stroke(path);
    return;
  }
  const { lineCap, lineWidth } = context;
  context.setLineDash([4 + lineWidth, 3 + 0.6 * lineWidth]);
  context.lineCap = "butt";
  context.stroke(path);
  context.setLineDash([]);
  context.lineCap = lineCap;
}

/** @param {Path2D} path @param {number} width @param {[number, number]} ends */
function add_curve(path, width, [left, right]) {
  path.moveTo(0, left);
  path.bezierCurveTo(0.45 * width, left, 0.55 * width, right, width, right);
}

/**
 * Every link on screen, faint, so that the pattern of the heads is seen.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} ratio
 * @param {Columns} columns
 * @param {Strand[]} strands
 * @param {{direction: Direction, mass: number, colours: string[], strength: number,
 *   signs?: {above: string, below: string} | null}} look  `signs`: colours of numbers with a sign.
 */
export function draw_pattern(context, ratio, columns, strands, look) {
  const { direction, mass, colours, strength, signs: signs_of } = look;
  const { width, seen } = columns;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  strands.forEach((strand, s) => {
    /** @type {(Path2D | undefined)[]} */
    const paths = [];
    const signs = signs_of ?? { above: colours[s], below: colours[s] };
    for (let near = seen[0]; near < seen[1]; near++) {
      const links = strand.links(direction, near);
      const count = count_for_mass(links, mass);
      const part = links.part ?? 1;
      for (let i = 0; i < count && Math.abs(links.weights[i]) * part >= FAINTEST; i++) {
        const size = Math.abs(links.weights[i]) * part;
        // Those below 0 come after all others.
        const below = links.weights[i] < 0 ? LOOKS : 0;
        const look_of = below + Math.min(LOOKS - 1, Math.floor(size * LOOKS));
        paths[look_of] ??= new Path2D();
        add_curve(
          /** @type {Path2D} */ (paths[look_of]),
          width,
          ends_of(columns, direction, near, links.items[i]),
        );
      }
    }
    paths.forEach((path, look_of) => {
      if (!path) return;
      const below = look_of >= LOOKS;
      context.strokeStyle = below ? signs.below : signs.above;
      const weight = ((look_of % LOOKS) + 0.5) / LOOKS;
      context.globalAlpha = strength * (0.06 + 0.3 * Math.sqrt(weight));
      context.lineWidth = 0.6 + 2.4 * weight;
      stroke(context, path, below);
    });
  });
  context.globalAlpha = 1;
}

/**
 * The links of one token, strong: as wide as their weight.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} ratio
 * @param {Columns} columns
 * @param {Strand[]} strands
 * @param {{direction: Direction, at: number, mass: number, colours: string[], widest: number,
 *   signs?: {above: string, below: string} | null}} look
 */
export function draw_links(context, ratio, columns, strands, look) {
  const { direction, at, mass, colours, widest, signs } = look;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineCap = "round";
  strands.forEach((strand, s) => {
    const links = strand.links(direction, at);
    const count = count_for_mass(links, mass);
    // The strongest last, on top.
    for (let i = count - 1; i >= 0; i--) {
      const weight = Math.abs(links.weights[i]);
      const below = links.weights[i] < 0;
      context.strokeStyle = signs ? signs[below ? "below" : "above"] : colours[s];
      const path = new Path2D();
      add_curve(path, columns.width, ends_of(columns, direction, at, links.items[i]));
      context.globalAlpha = 0.08 + 0.7 * Math.sqrt(weight);
      context.lineWidth = Math.max(0.75, widest * weight);
      stroke(context, path, below);
    }
  });
  context.globalAlpha = 1;
}
