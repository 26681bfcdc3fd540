/** What a view wants to see of the selection, and what it may want next. Pure functions. */

import { context_of, looker, whole_region } from "./place.js";
import { has_own_picture } from "./views/wants.js";

/** @typedef {import("./messages.js").Want} Want */
/** @typedef {import("./messages.js").TileWant} TileWant */
/** @typedef {import("./messages.js").LayerHead} LayerHead */
/** @typedef {import("./messages.js").Direction} Direction */
/** @typedef {import("./place.js").Context} Context */
/** @typedef {import("./place.js").Place} Place */
/** @typedef {import("./place.js").Region} Region */
/** @typedef {[number, number]} Span */

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
/** Numbers in one picture of lines; each token has at least, and at most, so many. */
const NUMBERS_OF_LINES = 16_384;
const [FEWEST_LINES, MOST_LINES] = [8, 64];
/** Predictions come for a run of tokens, so that stepping along it asks for nothing. */
const TOKENS_AT_ONCE = 16;
const CANDIDATES = 5;

/*
 * A key is "kind|context|the rest". The context (see place.js) tells which pictures go together.
 */

/** @param {Context} context @returns {Want} */
export function model_want({ name, stack, batch, reading }) {
  return { key: `model|${name}`, kind: "model", stack, batch, reading };
}

/** @param {Place} place @returns {Want} */
export function check_want({ context, layer }) {
  const { name, stack } = context;
  return { key: `check|${name}|${layer.layer}`, kind: "check", stack, layer: layer.layer };
}

/** @param {Place} place @param {number} wished  Side in cells. @returns {Want} */
export function overview_want({ context, stack }, wished) {
  const heads = stack.layers.reduce((sum, layer) => sum + layer.heads, 0);
  const size = heads * wished ** 2 <= MOST_OVERVIEW_BYTES ? wished : SMALL;
  return { key: `overview|${context.name}|${size}`, kind: "overview", ...asked(context), size };
}

/** @param {Context} context */
const asked = ({ stack, batch, reading }) => ({ stack, batch, reading });

/** @param {LayerHead[]} heads */
const named = (heads) => heads.map((head) => head.join(".")).join("+");

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
 * @param {LayerHead[]} [heads]
 * @returns {TileWant}
 */
export function tile_want(place, region, pixels, heads = place.set) {
  const { context, stack } = place;
  const wished = {
    rows: rounded_out(region.rows, stack.query_len),
    cols: rounded_out(region.cols, stack.key_len),
  };
  const size = size_for(wished, pixels);
  /** @param {Span} span @param {number} length */
  const part = (span, length) => (span[0] === 0 && span[1] === length ? null : span);
  const rows = part(wished.rows, stack.query_len);
  const cols = part(wished.cols, stack.key_len);
  const where = `${rows?.join("-") ?? "all"},${cols?.join("-") ?? "all"}`;
  return {
    key: `tile|${context.name}|${named(heads)} ${where} ${size.join("x")}`,
    kind: "tile",
    ...asked(context),
    heads,
    rows,
    cols,
    size,
  };
}

/**
 * @param {Place} place
 * @param {Direction} direction
 * @param {number} at  An item.
 * @param {LayerHead[]} [heads]
 * @returns {Want}
 */
export function row_want({ context, set }, direction, at, heads = set) {
  const key = `row|${context.name}|${named(heads)} ${direction} ${at}`;
  return { key, kind: "row", ...asked(context), heads, direction, at };
}

/**
 * The largest weights of every token, so many that hovering needs no kernel.
 *
 * @param {Place} place
 * @param {Direction} direction
 * @param {LayerHead[]} [heads]
 * @returns {Want}
 */
export function lines_want({ context, stack, set }, direction, heads = set) {
  const lists = direction === "from" ? stack.query_len : stack.key_len;
  const fitting = Math.floor(NUMBERS_OF_LINES / Math.max(1, lists));
  const count = Math.max(FEWEST_LINES, Math.min(MOST_LINES, fitting));
  const key = `lines|${context.name}|${named(heads)} ${direction} ${count}`;
  return { key, kind: "lines", ...asked(context), heads, direction, count };
}

/**
 * @param {Place} place
 * @param {number} token  Not an item: a prediction belongs to a position of the model.
 * @returns {Want}
 */
export function predictions_want({ context }, token) {
  const start = token - (token % TOKENS_AT_ONCE);
  const at = /** @type {Span} */ ([start, start + TOKENS_AT_ONCE]);
  const { name, stack, batch } = context;
  const key = `predictions|${name}|${at.join("-")}`;
  return { key, kind: "predictions", stack, batch, at, count: CANDIDATES };
}

/** The whole tile holds the exact number of every cell: rows need not be asked for. @param {Place} place */
export function is_small({ stack }) {
  return is_exact(stack.query_len, stack.key_len);
}

/** Sets of heads that are drawn side by side: each alone, or all as their mean. @param {Place} place @returns {LayerHead[][]} */
export function sets_of({ heads, set }) {
  return set.length === heads.length ? [set] : heads.map((head) => [head]);
}

/**
 * All that a view shows, most important first, then what a single key press would show.
 *
 * @param {Place} place
 * @param {import("./state.js").Selection["view"]} view
 * @param {Region} region
 * @param {{width: number, height: number}} pixels
 * @param {number | null} token  Whose predictions are shown.
 * @returns {Want[]}
 */
export function wants_of(place, view, region, pixels, token) {
  const whole = whole_region(place);
  const small = is_small(place);

  /** @param {Place} at @param {LayerHead[][]} [sets] @returns {Want[]} */
  const rows_of = (at, sets = [at.set]) => {
    const item = looker(at);
    return item === null || small ? [] : sets.map((set) => row_want(at, at.direction, item, set));
  };
  /** @param {Place} at @returns {Want[]} */
  const matrix_of = (at) => {
    const full = tile_want(at, whole, pixels);
    const part = tile_want(at, region, pixels);
    // The whole head stays beside a zoomed part: it is the coarse picture while dragging. A small
    // head is exact as a whole, so its part is cut out here.
    return [...rows_of(at), ...(small || part.key === full.key ? [full] : [part, full])];
  };
  /** @param {Place} at @returns {Want[]} */
  const lines_of = (at) => {
    if (small) return sets_of(at).map((heads) => tile_want(at, whole, pixels, heads));
    const other = at.direction === "from" ? "to" : "from";
    const near = sets_of(at).map((heads) => lines_want(at, at.direction, heads));
    const far = sets_of(at).map((heads) => lines_want(at, other, heads));
    return [...rows_of(at, sets_of(at)), ...near, ...far];
  };
  const is_drawn_from_lines = view === "lines" || view === "text";
  /** For the sentence, where the view has a picture of its own. @param {Place} at */
  const sentence_of = (at) => (small ? [tile_want(at, whole, pixels)] : rows_of(at));
  const of_head = has_own_picture(view) ? sentence_of : is_drawn_from_lines ? lines_of : matrix_of;

  const head = of_head(place);
  const overview = [overview_want(place, SMALL)];
  if (view === "grid") overview.unshift(overview_want(place, LARGE));
  const wants = view === "grid" ? [...overview, ...head] : [...head, ...overview];
  wants.push(check_want(place));
  if (token !== null) wants.push(predictions_want(place, token));

  const known = new Set(wants.map((want) => want.key));
  for (const want of next_places(place).flatMap(of_head)) {
    if (!known.has(want.key)) wants.push({ ...want, prefetch: true });
    known.add(want.key);
  }
  return wants.filter((want, i) => wants.findIndex((other) => other.key === want.key) === i);
}

/**
 * Before the first pass: what will be shown if it is a small one. A kernel that is busy from then on
 * sends this without having to hear more.
 *
 * @param {import("./state.js").Selection} wished
 * @param {{width: number, height: number}} pixels
 * @returns {Want[]}
 */
export function wants_before_any_pass(wished, pixels) {
  const context = context_of(wished, "");
  const layer = { layer: wished.layer, heads: 1, kv_heads: 1, module: "", source: "", dtype: "" };
  /** @type {Place} */
  const place = {
    context,
    stack: {
      ...{ name: "", kind: "self", causal: false, batch_size: 1 },
      ...{ query_len: 1, key_len: 1, layers: [layer] },
    },
    layer,
    head: wished.head,
    heads: [[wished.layer, wished.head]],
    set: [[wished.layer, wished.head]],
    query: null,
    key: null,
    direction: wished.direction,
    batch: wished.batch,
  };
  return [
    model_want(context),
    tile_want(place, whole_region(place), pixels),
    overview_want(place, SMALL),
    check_want(place),
  ];
}

/**
 * Where one key press leads.
 *
 * @param {Place} place
 * @param {boolean} [with_tokens]  Else only to other heads: a small one is there with all its rows.
 * @returns {Place[]}
 */
export function next_places(place, with_tokens = !is_small(place)) {
  const { stack, layer, head } = place;
  if (stack.query_len * stack.key_len > MOST_CELLS_AHEAD) return [];
  const at = stack.layers.indexOf(layer);
  /** @type {Place[]} */
  const places = [];
  // Several heads at once are stepped together: too much to fetch on a guess.
  if (place.heads.length === 1) {
    /** @param {import("./messages.js").LayerFacts} to @param {number} h @returns {Place} */
    const alone = (to, h) => {
      const heads = /** @type {LayerHead[]} */ ([[to.layer, h]]);
      return { ...place, layer: to, head: h, heads, set: heads };
    };
    for (const h of [head + 1, head - 1])
      if (h >= 0 && h < layer.heads) places.push(alone(layer, h));
    for (const other of [stack.layers[at + 1], stack.layers[at - 1]]) {
      if (other) places.push(alone(other, Math.min(head, other.heads - 1)));
    }
  }
  const side = place.direction === "from" ? "query" : "key";
  const now = place[side];
  if (now !== null && with_tokens) {
    const length = side === "query" ? stack.query_len : stack.key_len;
    for (const q of [now + 1, now - 1])
      if (q >= 0 && q < length) places.push({ ...place, [side]: q });
  }
  return places;
}
