/** What a view wants to see of the selection, and what it may want next. Pure functions. */

/** @typedef {import("./messages.js").Want} Want */
/** @typedef {import("./messages.js").TileWant} TileWant */
/** @typedef {import("./messages.js").StackFacts} StackFacts */
/** @typedef {import("./messages.js").ModelPicture} ModelPicture */
/** @typedef {[number, number]} Span */

/**
 * A selection that exists in the model of one pass.
 *
 * @typedef {object} Place
 * @property {StackFacts} stack
 * @property {import("./messages.js").LayerFacts} layer
 * @property {number} head
 * @property {number | null} query
 * @property {number | null} key
 * @property {number} batch
 */

/** Rows and columns on screen, half-open. @typedef {{rows: Span, cols: Span}} Region */

/** The first thing every view wants. @type {Want} */
export const MODEL_WANT = { key: "model", kind: "model" };

/** Above this many cells the kernel sends bytes instead of exact numbers. */
const MOST_EXACT_CELLS = 65_536;
/** Nor does it send more cells than this along one side. */
const LARGEST_SIDE = 2048;
/** Heads larger than this take the kernel too long to draw on a guess. */
const MOST_CELLS_AHEAD = 4_194_304;
const SIZE_STEP = 64;
/** Side of a thumbnail in cells: small ones beside the main view, larger ones in the grid view. */
export const SMALL = 24;
export const LARGE = 48;
const MOST_OVERVIEW_BYTES = 4 * 1024 * 1024;

/**
 * The nearest thing to the wished selection that exists in this model.
 *
 * Traits and pictures travel apart: for a moment one may be ahead of the other.
 *
 * @param {ModelPicture} model
 * @param {Pick<import("./state.js").Selection, "stack" | "layer" | "head" | "query" | "key" | "batch">} wished
 * @returns {Place | null}
 */
export function place_in(model, wished) {
  const stack = model.stacks.find((s) => s.name === wished.stack) ?? model.stacks[0];
  if (!stack || stack.layers.length === 0) return null;
  const layer = stack.layers.reduce((best, l) =>
    Math.abs(l.layer - wished.layer) < Math.abs(best.layer - wished.layer) ? l : best,
  );
  /** @param {number | null} index @param {number} length */
  const within = (index, length) => (index !== null && index >= 0 && index < length ? index : null);
  return {
    stack,
    layer,
    head: Math.max(0, Math.min(wished.head, layer.heads - 1)),
    query: within(wished.query, stack.query_len),
    key: within(wished.key, stack.key_len),
    batch: within(wished.batch, stack.batch_size) ?? 0,
  };
}

/**
 * @param {ModelPicture} model
 * @param {Place} place
 * @returns {{queries: string[], keys: string[]}}
 */
export function tokens_of(model, { stack, batch }) {
  /** @param {number} list @param {number} length */
  const texts = (list, length) => {
    const known = model.tokens[list]?.[batch] ?? model.tokens[list]?.[0] ?? [];
    return Array.from({ length }, (_, i) => known[i] ?? String(i));
  };
  return {
    queries: texts(stack.query_tokens, stack.query_len),
    keys: texts(stack.key_tokens, stack.key_len),
  };
}

/** @param {Place} place @returns {Want} */
export function check_want({ stack, layer }) {
  return {
    key: `check ${stack.name} ${layer.layer}`,
    kind: "check",
    stack: stack.name,
    layer: layer.layer,
  };
}

/** @param {Place} place @param {number} wished  Side in cells. @returns {Want} */
export function overview_want({ stack, batch }, wished) {
  const heads = stack.layers.reduce((sum, layer) => sum + layer.heads, 0);
  const size = heads * wished ** 2 <= MOST_OVERVIEW_BYTES ? wished : SMALL;
  return {
    key: `overview ${stack.name} ${batch} ${size}`,
    kind: "overview",
    stack: stack.name,
    batch,
    size,
  };
}

/**
 * How many cells to ask for at most: all where the exact numbers can be had; else as many as there
 * are pixels, in steps, so that dragging a window does not ask at every pixel.
 *
 * It does not depend on the number of tokens: while a cell runs, the kernel sends every new pass but
 * cannot hear, so the want must fit a text of another length as well.
 *
 * @param {Region} region
 * @param {{width: number, height: number}} pixels
 * @returns {[number, number]}
 */
function size_for({ rows, cols }, pixels) {
  if (is_exact(rows[1] - rows[0], cols[1] - cols[0])) return [LARGEST_SIDE, LARGEST_SIDE];
  /** @param {number} px */
  const fitting = (px) => Math.max(SIZE_STEP, Math.floor(px / SIZE_STEP) * SIZE_STEP);
  return [fitting(pixels.height), fitting(pixels.width)];
}

/** @param {number} rows @param {number} cols */
function is_exact(rows, cols) {
  return rows * cols <= MOST_EXACT_CELLS && Math.max(rows, cols) <= LARGEST_SIDE;
}

/**
 * The span with a margin, on a coarse raster: a small drag then needs no new picture.
 *
 * @param {Span} span
 * @param {number} length
 * @returns {Span}
 */
function rounded_out([first, last], length) {
  const step = 2 ** Math.max(0, Math.floor(Math.log2((last - first) / 4)));
  return [Math.floor(first / step) * step, Math.min(length, Math.ceil(last / step) * step)];
}

/**
 * @param {Place} place
 * @param {Region} region
 * @param {{width: number, height: number}} pixels
 * @returns {TileWant}
 */
export function tile_want(place, region, pixels) {
  const { stack, layer, head, batch } = place;
  const asked = {
    rows: rounded_out(region.rows, stack.query_len),
    cols: rounded_out(region.cols, stack.key_len),
  };
  const size = size_for(asked, pixels);
  /** @param {Span} span @param {number} length */
  const part = (span, length) => (span[0] === 0 && span[1] === length ? null : span);
  const rows = part(asked.rows, stack.query_len);
  const cols = part(asked.cols, stack.key_len);
  const where = `${rows?.join("-") ?? "all"},${cols?.join("-") ?? "all"}`;
  return {
    key: `tile ${stack.name} ${layer.layer} ${head} ${batch} ${where} ${size.join("x")}`,
    kind: "tile",
    stack: stack.name,
    layer: layer.layer,
    head,
    batch,
    rows,
    cols,
    size,
  };
}

/** @param {Place} place @param {number} query @returns {Want} */
export function row_want({ stack, layer, head, batch }, query) {
  return {
    key: `row ${stack.name} ${layer.layer} ${head} ${batch} ${query}`,
    kind: "row",
    stack: stack.name,
    layer: layer.layer,
    head,
    batch,
    query,
  };
}

/** @param {Place} place @returns {Region} */
export function whole_region({ stack }) {
  return { rows: [0, stack.query_len], cols: [0, stack.key_len] };
}

/** The whole tile holds the exact number of every cell: rows need not be asked for. @param {Place} place */
function is_small({ stack }) {
  return is_exact(stack.query_len, stack.key_len);
}

/**
 * All that a view shows, most important first, then what a single key press would show.
 *
 * @param {Place} place
 * @param {"matrix" | "grid"} view
 * @param {Region} region
 * @param {{width: number, height: number}} pixels
 * @returns {Want[]}
 */
export function wants_of(place, view, region, pixels) {
  /** @type {Want[]} */
  const wants = [MODEL_WANT];
  const whole = whole_region(place);

  /** @param {Place} at @returns {Want[]} */
  const of_head = (at) => {
    const full = tile_want(at, whole, pixels);
    const part = tile_want(at, region, pixels);
    // The whole head stays beside a zoomed part: it is the coarse picture while dragging. A small
    // head is exact as a whole, so its part is cut out here.
    const tiles = is_small(at) || part.key === full.key ? [full] : [part, full];
    const row = at.query !== null && !is_small(at) ? [row_want(at, at.query)] : [];
    return [...row, ...tiles];
  };

  const head = of_head(place);
  const overview = [overview_want(place, SMALL)];
  if (view === "grid") overview.unshift(overview_want(place, LARGE));
  wants.push(...(view === "grid" ? [...overview, ...head] : [...head, ...overview]));
  wants.push(check_want(place));

  const known = new Set(wants.map((want) => want.key));
  for (const want of next_places(place).flatMap(of_head)) {
    if (!known.has(want.key)) wants.push({ ...want, prefetch: true });
    known.add(want.key);
  }
  return wants.filter((want, i) => wants.findIndex((other) => other.key === want.key) === i);
}

/** Where one key press leads. @param {Place} place @returns {Place[]} */
function next_places(place) {
  const { stack, layer, head, query } = place;
  if (stack.query_len * stack.key_len > MOST_CELLS_AHEAD) return [];
  const at = stack.layers.indexOf(layer);
  const places = [head + 1, head - 1]
    .filter((h) => h >= 0 && h < layer.heads)
    .map((h) => ({ ...place, head: h }));
  for (const other of [stack.layers[at + 1], stack.layers[at - 1]]) {
    if (other) places.push({ ...place, layer: other, head: Math.min(head, other.heads - 1) });
  }
  if (query !== null && !is_small(place)) {
    for (const q of [query + 1, query - 1]) {
      if (q >= 0 && q < stack.query_len) places.push({ ...place, query: q });
    }
  }
  return places;
}
