import { computed, signal } from "@preact/signals";

/** What one view keeps to itself and never syncs: its size, its scheme, zoom, what is open. */

/** @typedef {import("./place.js").Region} Region */
/** An item on one side. @typedef {{direction: import("./messages.js").Direction, at: number}} Peek */
/** @typedef {[number, number]} Span */
/** @typedef {ReturnType<typeof make_ui>} Ui */

const FEWEST_CELLS = 4;
const NARROW = 640;
const TINY = 420;

export function make_ui() {
  const width = signal(0);
  return {
    /** Of the whole widget, in CSS pixels; 0 while it is hidden. */
    width,
    /** "wide": heads beside the view. "narrow": above it. "tiny": only one layer's heads. */
    layout: computed(() => {
      if (width.value === 0 || width.value >= NARROW) return "wide";
      return width.value >= TINY ? "narrow" : "tiny";
    }),
    /** Of the matrix on screen, in device pixels: no more cells than that are asked for. */
    pixels: signal({ width: 384, height: 384 }),
    scheme: signal(/** @type {"light" | "dark"} */ ("light")),
    help: signal(false),
    /** What is searched for; null while the search is closed. */
    search: signal(/** @type {string | null} */ (null)),
    /** How often it was called for: each time its field wants the focus. */
    searches: signal(0),
    /** Large type, the heads folded away. */
    lecture: signal(false),
    /** A token under the pointer, shown in place of the selected one. */
    peek: signal(/** @type {Peek | null} */ (null)),
    /** Keys that the steps of one row were asked to show; null for those around the heaviest. */
    keys: signal(/** @type {import("./views/wants.js").KeysAsked | null} */ (null)),
    /** Position of the output word that the view "joined" showed last. */
    output: signal(/** @type {number | null} */ (null)),
    /** Whether a generation, or a melody, is being played. */
    playing: signal(false),
    /** How often the tokens of the view "order" were shuffled; 0 for as they are in the text. */
    shuffles: signal(0),
    /** Whether they attend there through the model's causal mask. */
    order_masked: signal(false),
    /** The zoomed part of the matrix; null shows all of it. */
    zoom: signal(/** @type {Region | null} */ (null)),
  };
}

/** @param {number} first @param {number} span @param {number} length @returns {Span} */
function span_within(first, span, length) {
  const size = Math.min(Math.max(1, span), length);
  const start = Math.min(Math.max(0, Math.round(first)), length - size);
  return [start, start + size];
}

/**
 * Zoom by `factor` (above 1: closer), keeping the cell `at` where it is on screen.
 *
 * @param {Region} region
 * @param {{query_len: number, key_len: number}} lengths
 * @param {number} factor
 * @param {{query: number, key: number}} at
 * @returns {Region | null}  null when all is shown again.
 */
export function zoomed(region, { query_len, key_len }, factor, at) {
  /** @param {Span} span @param {number} length @param {number} centre @returns {Span} */
  const along = ([first, last], length, centre) => {
    const least = Math.min(FEWEST_CELLS, length);
    const wished = (last - first) / factor;
    const size = Math.max(least, factor > 1 ? Math.floor(wished) : Math.ceil(wished));
    const share = (centre + 0.5 - first) / (last - first);
    return span_within(centre + 0.5 - share * size, size, length);
  };
  const rows = along(region.rows, query_len, at.query);
  const cols = along(region.cols, key_len, at.key);
  const is_all = rows[1] - rows[0] >= query_len && cols[1] - cols[0] >= key_len;
  return is_all ? null : { rows, cols };
}

/**
 * @param {Region} region
 * @param {{query_len: number, key_len: number}} lengths
 * @param {{queries: number, keys: number}} by  Whole tokens.
 * @returns {Region}
 */
export function moved({ rows, cols }, { query_len, key_len }, by) {
  return {
    rows: span_within(rows[0] + by.queries, rows[1] - rows[0], query_len),
    cols: span_within(cols[0] + by.keys, cols[1] - cols[0], key_len),
  };
}

/**
 * The region, moved as little as needed to hold the selected query and key.
 *
 * @param {Region} region
 * @param {number | null} query
 * @param {number | null} key
 * @returns {Region}
 */
export function revealing(region, query, key) {
  /** @param {Span} span @param {number | null} index @returns {Span} */
  const along = ([first, last], index) => {
    if (index === null || (index >= first && index < last)) return [first, last];
    const shift = index < first ? index - first : index - last + 1;
    return [first + shift, last + shift];
  };
  return { rows: along(region.rows, query), cols: along(region.cols, key) };
}
