/** What stands beside and behind the tokens at the far end of the links. Pure functions. */

import { scale_of, share_of_ramp } from "../../draw/scale.js";
import { count_for_mass } from "../../links.js";
import { items_in_sight } from "./layout.js";

/** @typedef {import("../../links.js").Links} Links */
/** @typedef {Map<number, {share: number, colour: string}[]>} Shares  By item, largest first. */

/** Smaller shares are told by the lines alone. */
const WORTH_A_NUMBER = 0.05;
/** The largest that a wash may cover: the word on it stays legible. */
const FULL_WASH = 0.42;

/**
 * Weights of several heads added up, by item: the mean over heads.
 *
 * @param {Links[]} links
 * @returns {Map<number, number>}
 */
export function mean_of(links) {
  const mean = new Map();
  for (const { items, weights, count } of links) {
    for (let i = 0; i < count; i++) {
      mean.set(items[i], (mean.get(items[i]) ?? 0) + weights[i] / links.length);
    }
  }
  return mean;
}

/**
 * Opacity of the accent behind each item, below 0 where its weight is.
 *
 * @param {Links[]} links
 * @param {import("../../draw/scale.js").ScaleName} name
 * @param {{can_sink: boolean}} how  Whether the first of the items may be a sink.
 * @returns {Map<number, number>}
 */
export function washes_of(links, name, { can_sink }) {
  const mean = mean_of(links);
  const cells = [mean.get(0) ?? 0, ...[...mean].filter(([item]) => item !== 0).map(([, w]) => w)];
  const { top } = scale_of(name, cells, [1, cells.length], {
    has_first: can_sink,
    value: Math.abs,
  });
  const washes = new Map();
  for (const [item, weight] of mean) {
    const share = share_of_ramp(name, Math.abs(weight), top);
    // On the square root and the log scale next to nothing would still be seen.
    const wash = FULL_WASH * (name === "linear" ? share : share ** 1.5);
    if (share > 0.06) washes.set(item, weight < 0 ? -wash : wash);
  }
  return washes;
}

/**
 * The percentages beside the items, each in its head's colour where there are several.
 *
 * @param {Links[]} links
 * @param {string[]} colours
 * @param {boolean} several
 * @returns {Shares}
 */
export function shares_beside(links, colours, several) {
  /** @type {Shares} */
  const shares = new Map();
  links.forEach(({ items, weights, count }, s) => {
    for (let i = 0; i < count && Math.abs(weights[i]) >= WORTH_A_NUMBER; i++) {
      const list = shares.get(items[i]) ?? [];
      list.push({ share: weights[i], colour: several ? colours[s] : "" });
      shares.set(items[i], list);
    }
  });
  for (const list of shares.values()) list.sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
  return shares;
}

/**
 * What of the active token's links ends above and below the part in sight.
 *
 * @param {import("../../links.js").Links[]} links
 * @param {import("../../draw/curves.js").Columns} columns
 * @param {import("../../messages.js").Direction} direction
 * @param {{query: number, key: number}} lengths
 * @param {number} mass
 */
export function unseen(links, columns, direction, lengths, mass) {
  const from = direction === "from";
  const scrolled = from ? columns.keys : columns.queries;
  const length = from ? lengths.key : lengths.query;
  const [first, last] = items_in_sight(scrolled, columns.height, columns.row, length);
  const ends = { above: { share: 0, item: -1 }, below: { share: 0, item: -1 } };
  for (const one of links) {
    const count = count_for_mass(one, mass);
    for (let i = 0; i < count; i++) {
      const end = one.items[i] < first ? ends.above : one.items[i] >= last ? ends.below : null;
      if (!end) continue;
      if (end.item < 0) end.item = one.items[i];
      end.share += Math.abs(one.weights[i]) / (from ? links.length : one.sum * links.length);
    }
  }
  const worth = (/** @type {{share: number, item: number}} */ end) =>
    end.share >= 0.01 ? end : null;
  return { above: worth(ends.above), below: worth(ends.below) };
}
