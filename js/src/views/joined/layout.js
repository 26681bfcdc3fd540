/** Where the words of both sides stand, and the curves between them. Pure: CSS pixels. */

/** All words are on screen at once: where they are too many for labels of this height, some go without. */
const ROWS = { least: 18, most: 30 };
const LARGER = 1.6;
const PADDING = 12;
/** Beside a word, for its percentage. */
const SHARE = 44;
const GAP = 8;
const [LEAST_ARCS, MOST_ARCS] = [28, 120];
const [LEAST_BETWEEN, MOST_BETWEEN] = [56, 360];
/** Links lighter than this are no ink. */
export const FAINTEST = 0.01;
const WIDEST = 11;

/**
 * @typedef {object} JoinedLayout
 * @property {{source: number, target: number}} rows  Height of a word.
 * @property {{source: number, target: number}} tops  Of the first word of each side.
 * @property {number} label  Least height of a word that has its label.
 * @property {{left: number, width: number}} encoder  Where arcs among the source are drawn.
 * @property {{left: number, width: number}} source
 * @property {{left: number, width: number}} cross
 * @property {{left: number, width: number}} target
 * @property {{left: number, width: number}} decoder
 */

/**
 * @param {{width: number, height: number, source: number, target: number, source_label: number,
 *   target_label: number, large: boolean}} given  Counts of words, widths of the widest.
 * @returns {JoinedLayout}
 */
export function joined_layout({
  width,
  height,
  source,
  target,
  source_label,
  target_label,
  large,
}) {
  const larger = large ? LARGER : 1;
  const least = larger * ROWS.least;
  const most = larger * ROWS.most;
  /** @param {number} count */
  const row_of = (count) => {
    const fitting = height / Math.max(1, count);
    return fitting < least ? fitting : Math.min(most, Math.floor(fitting));
  };
  const rows = { source: row_of(source), target: row_of(target) };
  const share = Math.round(larger * SHARE);
  const words = [source_label, target_label].map((label) => label + 2 * GAP + share);
  const free = Math.max(0, width - 2 * PADDING - words[0] - words[1]);
  const arcs = Math.round(Math.max(LEAST_ARCS, Math.min(MOST_ARCS, 0.22 * free)));
  const between = Math.max(LEAST_BETWEEN, Math.min(MOST_BETWEEN, free - 2 * arcs));
  const widths = [arcs, words[0], between, words[1], arcs];
  const total = widths.reduce((sum, one) => sum + one, 0);
  let left = Math.max(PADDING, Math.floor((width - total) / 2));
  const [encoder, source_box, cross, target_box, decoder] = widths.map((one) => {
    const box = { left, width: one };
    left += one;
    return box;
  });
  const heights = { source: source * rows.source, target: target * rows.target };
  const longest = Math.max(heights.source, heights.target);
  return {
    rows,
    tops: {
      source: (longest - heights.source) / 2,
      target: (longest - heights.target) / 2,
    },
    label: least,
    ...{ encoder, source: source_box, cross, target: target_box, decoder },
  };
}

/** Middle of a word's row. @param {JoinedLayout} layout @param {"source" | "target"} side @param {number} at */
export const middle = ({ tops, rows }, side, at) => tops[side] + (at + 0.5) * rows[side];

/** @param {number} width @param {number} from @param {number} to  Heights at the left and the right. */
export function curve(width, from, to) {
  return `M0 ${from}C${0.45 * width} ${from} ${0.55 * width} ${to} ${width} ${to}`;
}

/**
 * From one word to another of the same side, around the outside.
 *
 * @param {number} width  Room for arcs.
 * @param {number} from
 * @param {number} to
 * @param {number} furthest  The largest distance of any arc.
 * @param {"left" | "right"} side
 */
export function arc(width, from, to, furthest, side) {
  const reach = (0.25 + 0.75 * (Math.abs(to - from) / Math.max(furthest, 1))) * 1.28 * (width - 6);
  const [start, x] = side === "left" ? [width, width - reach] : [0, reach];
  return `M${start} ${from}C${x} ${from} ${x} ${to} ${start} ${to}`;
}

/**
 * How a link of this weight is drawn.
 *
 * @param {number} weight
 */
export const ink = (weight) => ({
  "stroke-width": Math.max(0.75, WIDEST * weight),
  "stroke-opacity": 0.15 + 0.65 * Math.sqrt(Math.min(1, weight)),
});

/**
 * Links of a row that are drawn, strongest last, on top.
 *
 * @param {ArrayLike<number>} weights
 * @returns {{at: number, weight: number}[]}
 */
export function links_of(weights) {
  return Array.from(weights, (weight, at) => ({ at, weight }))
    .filter(({ weight }) => weight >= FAINTEST)
    .sort((a, b) => a.weight - b.weight);
}

/**
 * The words that have their labels: those that matter, and of the others as many as there is room for.
 *
 * @param {number} count
 * @param {number} row  Height of a word.
 * @param {number} label  Height of a label.
 * @param {number[]} telling  Those that matter, most first.
 * @returns {Set<number>}
 */
export function labelled(count, row, label, telling) {
  const apart = Math.max(1, Math.ceil(label / row));
  /** @type {number[]} */
  const chosen = [];
  const every = Array.from({ length: Math.ceil(count / apart) }, (_, i) => i * apart);
  for (const at of [...telling, ...every]) {
    if (at < count && chosen.every((other) => Math.abs(other - at) >= apart)) chosen.push(at);
  }
  return new Set(chosen);
}
