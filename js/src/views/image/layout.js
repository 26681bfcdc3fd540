/** Where the items of a pass lie in its image. Pure functions. */

/** @typedef {import("../../messages.js").Side} Side */
/** @typedef {import("../messages.js").ImagePicture} ImagePicture */
/** @typedef {import("../messages.js").WindowFacts} WindowFacts */

/**
 * One side's items over the image: its grid is that of the layer.
 *
 * @typedef {object} Cells
 * @property {[number, number]} grid  Rows and columns.
 * @property {Int32Array} items  The item of every cell, row by row; -1 where there is none.
 * @property {Int32Array} cells  The cell of every item; -1 where it is no patch.
 */

/** @param {Side} side @returns {Cells | null}  null where no item is a patch. */
function cells_of_side({ patches }) {
  const placed = patches?.filter((patch) => patch !== null) ?? [];
  if (!patches || placed.length === 0) return null;
  const [rows, cols] = [0, 1].map((axis) => 1 + Math.max(...placed.map((patch) => patch[axis])));
  return cells_of(
    [rows, cols],
    patches.map((patch) => (patch ? patch[0] * cols + patch[1] : -1)),
  );
}

/** @param {[number, number]} grid @param {ArrayLike<number>} places  A cell for each item. @returns {Cells} */
function cells_of([rows, cols], places) {
  const items = new Int32Array(rows * cols).fill(-1);
  const cells = Int32Array.from(places);
  cells.forEach((cell, item) => {
    if (cell >= 0) items[cell] = item;
  });
  return { grid: [rows, cols], items, cells };
}

/** How the selected layer is cut into windows; null where it is not. @param {ImagePicture} picture @param {number} layer */
export const windows_of = ({ layers }, layer) =>
  layers.find((facts) => facts.layer === layer) ?? null;

/**
 * @param {ImagePicture} picture
 * @param {{queries: Side, keys: Side}} sides
 * @param {number} layer
 * @returns {{queries: Cells | null, keys: Cells | null}}
 */
export function cells_in(picture, sides, layer) {
  const facts = windows_of(picture, layer);
  if (!facts) {
    const queries = cells_of_side(sides.queries);
    return { queries, keys: sides.keys === sides.queries ? queries : cells_of_side(sides.keys) };
  }
  const start = facts.first + facts.item * facts.tokens;
  const places = picture.cells?.subarray(start, start + facts.tokens) ?? [];
  const of = (/** @type {Side} */ { spans }) =>
    cells_of(
      facts.grid,
      spans.map(([token]) => places[token] ?? -1),
    );
  return { queries: of(sides.queries), keys: of(sides.keys) };
}

/**
 * The batch item and token of a cell of a layer with windows: another window is another batch item.
 *
 * @param {ImagePicture} picture
 * @param {WindowFacts} facts
 * @param {number} cell
 */
export function token_at({ cells, items: [first, count] }, facts, cell) {
  const start = facts.first;
  const end = start + facts.windows * facts.tokens;
  const at = cells?.subarray(start, end).indexOf(cell) ?? -1;
  if (at < 0) return null;
  const window = Math.floor(at / facts.tokens);
  return { batch: first + (window * count) / facts.windows, token: at % facts.tokens };
}

/**
 * The cell that an arrow key leads to, from one cell or from beside the image.
 *
 * @param {[number, number]} grid
 * @param {number} cell  -1 beside the image.
 * @param {string} key
 */
export function moved([rows, cols], cell, key) {
  if (cell < 0) return 0;
  const [row, col] = [Math.floor(cell / cols), cell % cols];
  const [down, right] = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  }[key] ?? [0, 0];
  const within = (/** @type {number} */ n, /** @type {number} */ of) =>
    Math.min(of - 1, Math.max(0, n));
  return within(row + down, rows) * cols + within(col + right, cols);
}

/**
 * Weights over the cells of the image, and what the other items have; those that are no numbers
 * count as none.
 *
 * @param {Float32Array} weights  Of every item.
 * @param {Cells | null} far
 */
export function spread(weights, far) {
  const over = new Float32Array(far ? far.items.length : 0);
  let [top, inside, outside] = [0, 0, 0];
  weights.forEach((weight, item) => {
    const cell = far?.cells[item] ?? -1;
    const known = Number.isNaN(weight) ? 0 : weight;
    if (cell < 0) outside += known;
    else {
      over[cell] = known;
      inside += known;
      top = Math.max(top, known);
    }
  });
  return { over, top, inside, outside };
}

/** Rank of a number among others, from 1. @param {ArrayLike<number>} numbers @param {number} of */
export function rank_of(numbers, of) {
  let rank = 1;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] > of) rank += 1;
  return rank;
}

/** A place as a reader counts it. @param {[number, number]} grid @param {number} cell */
export const place_in_words = ([, cols], cell) =>
  `row ${Math.floor(cell / cols) + 1}, column ${(cell % cols) + 1}`;

/**
 * The items in reading order, runs of patches as one.
 *
 * @param {Side} side
 * @param {Cells | null} cells
 * @returns {({item: number} | {from: number, to: number})[]}
 */
export function chips_of({ texts }, cells) {
  /** @type {({item: number} | {from: number, to: number})[]} */
  const chips = [];
  texts.forEach((_, item) => {
    const last = chips.at(-1);
    if ((cells?.cells[item] ?? -1) < 0) chips.push({ item });
    else if (last && "to" in last && last.to === item) last.to = item + 1;
    else chips.push({ from: item, to: item + 1 });
  });
  return chips;
}
