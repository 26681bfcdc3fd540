/**
 * Links: where one token's attention goes, or comes from, largest first. Pure functions over the
 * pictures that hold it: an exact tile, a row, or lists of the largest weights.
 */

import { is_exact } from "./attention.js";
import { NOT_A_NUMBER, VISIBLE } from "./messages.js";

/** @typedef {import("./messages.js").TilePicture} TilePicture */
/** @typedef {import("./messages.js").LinesPicture} LinesPicture */
/** @typedef {import("./messages.js").Direction} Direction */

/**
 * @typedef {object} Links
 * @property {ArrayLike<number>} items  At the other end, largest weight first.
 * @property {ArrayLike<number>} weights
 * @property {number} count  How many of both are filled.
 * @property {number} sum  Of all weights of the token, also of those that are not listed.
 * @property {boolean} complete  All weights above 0 are listed.
 * @property {number} [part]  Of shares: how much the whole is beside the largest of any token.
 */

/** Nothing to draw. @type {Links} */
export const NO_LINKS = { items: [], weights: [], count: 0, sum: 0, complete: true };

/**
 * A strand is one head (or the mean of several) with a way to ask for the links of any token.
 *
 * @typedef {object} Strand
 * @property {import("./messages.js").LayerHead[]} set
 * @property {(direction: Direction, at: number) => Links} links
 * @property {number} [top]  Where weights are told as shares of a token's sum: the largest sum.
 */

/** Weights as shares of their sum. @param {Links} links @param {number} top @returns {Links} */
function as_shares({ weights, count, sum, ...links }, top) {
  const shares = Float32Array.from({ length: count }, (_, i) => weights[i] / sum);
  return { ...links, count, weights: shares, sum: sum > 0 ? 1 : sum, part: sum / top };
}

/**
 * @param {TilePicture} tile  Exact, and whole along the axis that is asked for.
 * @param {Direction} direction
 * @param {number} at  An item.
 * @returns {Links}
 */
export function links_of_tile(tile, direction, at) {
  const [rows, cols] = tile.shape;
  const [length, start, step] = direction === "from" ? [cols, at * cols, 1] : [rows, at, cols];
  const items = [];
  const size = tile.signed ? Math.abs : Number;
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const cell = start + i * step;
    const weight = size(tile.cells[cell]);
    if (tile.flags[cell] === NOT_A_NUMBER) sum = Number.NaN;
    if (tile.flags[cell] !== VISIBLE || !(weight > 0)) continue;
    sum += weight;
    items.push(i);
  }
  const weight_of = (/** @type {number} */ i) => tile.cells[start + i * step];
  items.sort((a, b) => size(weight_of(b)) - size(weight_of(a)) || a - b);
  return { items, weights: items.map(weight_of), count: items.length, sum, complete: true };
}

/**
 * @param {LinesPicture} picture
 * @param {number} at
 * @returns {Links}
 */
export function links_of_lines(picture, at) {
  const [, n] = picture.shape;
  const items = picture.tokens.subarray(at * n, (at + 1) * n);
  let count = n;
  while (count > 0 && items[count - 1] < 0) count--;
  const weights = picture.weights.subarray(at * n, (at + 1) * n);
  return { items, weights, count, sum: picture.sums[at], complete: count < n || n >= picture.of };
}

/**
 * @param {import("./messages.js").RowPicture} picture
 * @returns {Links}
 */
export function links_of_row({ weights, flags, sum, signed }) {
  const size = (/** @type {number} */ i) => (signed ? Math.abs(weights[i]) : weights[i]);
  const items = [...weights.keys()].filter((i) => flags[i] === VISIBLE && size(i) > 0);
  items.sort((a, b) => size(b) - size(a) || a - b);
  const total = flags.includes(NOT_A_NUMBER) ? Number.NaN : sum;
  const sorted = items.map((i) => weights[i]);
  return { items, weights: sorted, count: items.length, sum: total, complete: true };
}

/**
 * The strand, with one token's links complete.
 *
 * @param {Strand} strand
 * @param {import("./messages.js").RowPicture} row
 * @returns {Strand}
 */
export function with_row({ set, links, top }, row) {
  const whole = top ? as_shares(links_of_row(row), top) : links_of_row(row);
  return {
    set,
    top,
    links: (direction, at) =>
      direction === row.direction && at === row.at ? whole : links(direction, at),
  };
}

/**
 * A strand over the pictures of one head; remembers what it has put in order.
 *
 * @param {import("./messages.js").LayerHead[]} set
 * @param {TilePicture | {from: LinesPicture | null, to: LinesPicture | null}} pictures
 * @param {boolean} [in_shares]
 * @returns {Strand | null}  null where the tile is not the whole exact head.
 */
export function strand_of(set, pictures, in_shares = false) {
  const is_tile = "cells" in pictures;
  if (is_tile) {
    const { rows, cols, query_len, key_len } = pictures;
    if (!is_exact(pictures) || rows[1] - rows[0] < query_len || cols[1] - cols[0] < key_len) {
      return null;
    }
  }
  /** @type {Map<string, Links>} */
  const known = new Map();
  const sums = is_tile ? pictures.row_sums : (pictures.from ?? pictures.to)?.sums;
  const top = in_shares && sums ? sums.reduce((a, b) => Math.max(a, b || 0), 0) || 1 : undefined;
  return {
    set,
    top,
    links(direction, at) {
      const name = `${direction} ${at}`;
      let found = known.get(name);
      if (!found) {
        if (is_tile) found = links_of_tile(pictures, direction, at);
        else {
          const picture = pictures[direction];
          found = picture ? links_of_lines(picture, at) : NO_LINKS;
        }
        if (top) found = as_shares(found, top);
        known.set(name, found);
      }
      return found;
    },
  };
}

/**
 * How many of the largest links hold `mass` of the token's sum together.
 *
 * @param {Links} links
 * @param {number} mass  0 … 1; at 1 all that are listed.
 */
export function count_for_mass({ weights, count, sum }, mass) {
  if (mass >= 1) return count;
  // Numbers of 32 bits: a share that is meant to be reached exactly may fall short by a hair.
  const wished = (mass - 1e-6) * sum;
  let held = 0;
  for (let i = 0; i < count; i++) {
    if (held >= wished) return i;
    held += Math.abs(weights[i]);
  }
  return count;
}

/**
 * Weight of one item among the links; 0 where it is not listed.
 *
 * @param {Links} links
 * @param {number} item
 */
export function weight_at({ items, weights, count }, item) {
  for (let i = 0; i < count; i++) if (items[i] === item) return weights[i];
  return 0;
}

/**
 * On the way from one head's links to another's.
 *
 * @param {Links} before
 * @param {Links} after
 * @param {number} share  0: as before, 1: as after.
 * @returns {Links}
 */
export function between(before, after, share) {
  /** @type {Map<number, number>} */
  const weights = new Map();
  /** @param {Links} links @param {number} part */
  const add = (links, part) => {
    for (let i = 0; i < links.count; i++) {
      const item = links.items[i];
      weights.set(item, (weights.get(item) ?? 0) + part * links.weights[i]);
    }
  };
  add(before, 1 - share);
  add(after, share);
  const sorted = [...weights].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]) || a[0] - b[0]);
  return {
    items: sorted.map(([item]) => item),
    weights: sorted.map(([, weight]) => weight),
    count: sorted.length,
    sum: (1 - share) * before.sum + share * after.sum,
    complete: before.complete && after.complete,
  };
}
