/** Where the two columns of tokens stand. Pure: sizes in CSS pixels in, boxes out. */

const PADDING = 12;
/** Beside the tokens, for a percentage. */
const SHARES = 44;
const GAP = 8;
/** Heights of a row: as high as fits between the first two, else scrolled at the third. */
const ROWS = { least: 18, most: 26, scrolled: 24 };
/** In lecture mode everything is larger by this. */
const LARGER = 1.6;
const [LEAST_BETWEEN, MOST_BETWEEN] = [72, 480];
const SHARE_BETWEEN = 0.5;

/**
 * @typedef {object} LinesLayout
 * @property {number} row  Height of a token.
 * @property {number} height  Of what is seen of a column.
 * @property {{left: number, width: number}} queries
 * @property {{left: number, width: number}} between  Where the lines are drawn.
 * @property {{left: number, width: number}} keys
 * @property {number} most_shares  How many percentages there is room for.
 * @property {number} shares  Width of the percentages outside of either column.
 */

/**
 * @param {object} given
 * @param {number} given.width
 * @param {number} given.height  Left for the columns.
 * @param {number} given.items  In the longer column.
 * @param {number} given.query_label  Width of the widest label.
 * @param {number} given.key_label
 * @param {boolean} given.large  For a lecture.
 * @param {number} given.shares  How many percentages stand beside a key at most.
 * @returns {LinesLayout}
 */
export function lines_layout({ width, height, items, query_label, key_label, large, shares }) {
  const larger = large ? LARGER : 1;
  const needed = query_label + key_label + 4 * GAP + LEAST_BETWEEN + 2 * PADDING;
  const fitting_shares = Math.floor((width - needed) / (2 * SHARES * larger));
  const fitting = Math.floor(height / Math.max(1, items));
  const row =
    fitting >= larger * ROWS.least
      ? Math.min(Math.round(larger * ROWS.most), fitting)
      : Math.round(larger * ROWS.scrolled);
  const left = query_label + 2 * GAP;
  const right = key_label + 2 * GAP;
  const most_shares = Math.max(0, Math.min(shares, fitting_shares));
  const beside = Math.round(most_shares * SHARES * larger);
  // Room for the percentages on both sides: hovering over a key must not move the columns.
  const free = width - 2 * PADDING - left - right - 2 * beside;
  const between = Math.max(
    LEAST_BETWEEN,
    Math.min(MOST_BETWEEN, free, Math.max(160, SHARE_BETWEEN * width)),
  );
  const start = Math.max(beside, Math.floor((width - left - right - between) / 2));
  return {
    row,
    height: Math.min(height, row * items),
    queries: { left: start, width: left },
    between: { left: start + left, width: Math.floor(between) },
    keys: { left: start + left + Math.floor(between), width: right },
    shares: beside,
    most_shares,
  };
}

/**
 * The items on screen, half-open, with those that are cut.
 *
 * @param {number} scrolled
 * @param {number} height
 * @param {number} row
 * @param {number} length
 * @returns {[number, number]}
 */
export function items_in_sight(scrolled, height, row, length) {
  const first = Math.max(0, Math.floor(scrolled / row));
  return [first, Math.min(length, Math.ceil((scrolled + height) / row))];
}

/**
 * Where to scroll so that an item is seen with its neighbours; as little as needed.
 *
 * @param {number} scrolled
 * @param {number} height
 * @param {number} row
 * @param {number} item
 * @param {number} length
 */
export function scrolled_to(scrolled, height, row, item, length) {
  const margin = Math.min(2 * row, Math.max(0, (height - row) / 2));
  const [top, bottom] = [item * row - margin, (item + 1) * row + margin];
  const most = Math.max(0, length * row - height);
  const wished = top < scrolled ? top : bottom > scrolled + height ? bottom - height : scrolled;
  return Math.max(0, Math.min(most, wished));
}
