/** Where the words of both sides stand, and the curves between them. Pure: CSS pixels. */

/** Heights of a row: as high as fits between the first two, else scrolled at the third. */
const ROWS = { least: 20, most: 30, scrolled: 24 };
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
 * @property {number} row
 * @property {number} height  Of all rows.
 * @property {{source: number, target: number}} tops  Of the first word of each side.
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
  const longest = Math.max(source, target, 1);
  const fitting = Math.floor(height / longest);
  const row =
    fitting >= larger * ROWS.least
      ? Math.min(Math.round(larger * ROWS.most), fitting)
      : Math.round(larger * ROWS.scrolled);
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
  /** @param {number} count */
  const top = (count) => Math.floor(((longest - count) * row) / 2);
  return {
    row,
    height: longest * row,
    tops: { source: top(source), target: top(target) },
    ...{ encoder, source: source_box, cross, target: target_box, decoder },
  };
}

/** Middle of a word's row. @param {JoinedLayout} layout @param {"source" | "target"} side @param {number} at */
export const middle = ({ tops, row }, side, at) => tops[side] + (at + 0.5) * row;

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
