/** Where the circles of the layers stand, and which are filled. Pure: CSS pixels. */

/** @typedef {import("./steps.js").Written} Written */

/** @typedef {{left: number, first: number, count: number, texts: string[]}} Columns */

/**
 * @typedef {object} CirclesLayout
 * @property {number} pitch  Between columns.
 * @property {number} step  Between rows.
 * @property {number} radius
 * @property {number} bottom  Height of the embeddings' row.
 * @property {number} width
 * @property {Columns | null} source
 * @property {Columns} target
 */

const [LEAST_PITCH, MOST_PITCH] = [15, 44];
const [LEAST_STEP, MOST_STEP] = [7, 52];
const MOST_RADIUS = 8;
const LABELS = 64;
const LARGER = 1.6;
/** Between source and target, in columns. */
const APART = 1;

/**
 * @param {{width: number, height: number, left: number, large: boolean, source: string[] | null,
 *   target: string[], newest: number, layers: number, source_layers: number}} given
 *   `left`: room for the names of rows. `newest`: the last column with something to see.
 * @returns {CirclesLayout}
 */
export function circles_layout(given) {
  const { width, height, left, large, source, target, newest, layers, source_layers } = given;
  const larger = large ? LARGER : 1;
  const room = width - left - larger * 14;
  const most = Math.max(4, Math.floor(room / (LEAST_PITCH * larger)));
  const apart = source ? APART : 0;
  // Of a long source half the room, of a long text the columns up to the newest.
  const of_source = source
    ? Math.min(source.length, Math.max(2, Math.floor((most - apart) / 2)))
    : 0;
  const of_target = Math.min(target.length, most - apart - of_source);
  const first = Math.max(0, Math.min(newest - of_target + 1, target.length - of_target));
  const columns = of_source + apart + of_target;
  const pitch = Math.max(
    LEAST_PITCH * larger,
    Math.min(MOST_PITCH * larger, room / Math.max(1, columns)),
  );
  // Layers, the embeddings below them and the words above.
  const rows = Math.max(layers, source_layers) + 1;
  const labels = LABELS * larger;
  const step = Math.max(LEAST_STEP, Math.min(MOST_STEP * larger, (height - labels - 20) / rows));
  const radius = Math.max(2, Math.min(MOST_RADIUS * larger, 0.34 * step, 0.36 * pitch));
  const begin = left + pitch / 2;
  return {
    ...{ pitch, step, radius, width },
    bottom: 12 + radius + rows * step,
    source: source && {
      ...{ left: begin, first: 0, count: of_source, texts: source.slice(0, of_source) },
    },
    target: {
      left: begin + (of_source + apart) * pitch,
      ...{ first, count: of_target, texts: target.slice(first, first + of_target) },
    },
  };
}

/** Centre of a circle; row 0 is the embeddings'. @param {CirclesLayout} layout @param {Columns} columns @param {number} at @param {number} row */
export function centre({ pitch, step, bottom }, columns, at, row) {
  return { x: columns.left + (at - columns.first) * pitch, y: bottom - row * step };
}

/**
 * How many rows of a column are filled, as a number that may be in between.
 *
 * @param {object} given
 * @param {number} given.count  Tokens on screen.
 * @param {number} given.start  Tokens of the prompt.
 * @param {number} given.layers  The row of words is one above.
 * @param {number} given.progress  0 … 1 of the step that is being played.
 * @param {boolean} given.has_source  Then the first half of the first step is the encoder's.
 * @param {number} column
 */
export function filled({ count, start, layers, progress, has_source }, column) {
  const top = layers + 1;
  // Columns of the prompt fill together, and those of the output one after the other.
  const turn = Math.max(0, column - start + 1);
  if (turn < count) return top;
  // What was just written stands there as an embedding.
  if (turn > count) return -1;
  const share = has_source && count === 0 ? Math.max(0, 2 * progress - 1) : progress;
  return share * top;
}

/**
 * How many rows of the source's columns are filled.
 *
 * @param {{count: number, progress: number}} given
 * @param {number} layers
 */
export function source_filled({ count, progress }, layers) {
  return count > 0 ? layers : Math.min(1, 2 * progress) * layers;
}
