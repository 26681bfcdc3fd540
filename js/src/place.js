/** Where the reader is within one pass: the selection, made to fit, in items. Pure functions. */

/** @typedef {import("./messages.js").StackFacts} StackFacts */
/** @typedef {import("./messages.js").ModelPicture} ModelPicture */
/** @typedef {import("./messages.js").Side} Side */
/** @typedef {import("./messages.js").LayerHead} LayerHead */
/** @typedef {import("./messages.js").Reading} Reading */
/** @typedef {import("./state.js").Selection} Selection */
/** Rows and columns on screen, half-open. @typedef {{rows: [number, number], cols: [number, number]}} Region */

/**
 * Stack, batch item and reading: what the items of a picture are. Named in the key of every picture.
 *
 * @typedef {{name: string, stack: string, batch: number, reading: Reading}} Context
 */

/**
 * A selection that exists in the model of one pass.
 *
 * @typedef {object} Place
 * @property {Context} context
 * @property {StackFacts} stack  With lengths in items.
 * @property {import("./messages.js").LayerFacts} layer
 * @property {number} head
 * @property {LayerHead[]} heads  All that are drawn; the selected one is among them.
 * @property {LayerHead[]} set  What a single picture shows: the selected head, or all for their mean.
 * @property {number | null} query  An item.
 * @property {number | null} key  An item.
 * @property {import("./messages.js").Direction} direction
 * @property {number} batch
 */

/** @param {Reading} reading */
export function reading_in_words({ words, hide, renormalise, pair, weigh, target }) {
  const parts = [
    ...[words && "words", ...hide, renormalise && "renormalised", pair?.join("-")],
    ...[weigh, target?.join()],
  ];
  return parts.filter(Boolean).join(" ");
}

/**
 * The context that is wished for.
 *
 * @param {Pick<Selection, "batch" | "words" | "hide" | "renormalise" | "pair"> &
 *   Partial<Pick<Selection, "weigh" | "target">>} wished
 * @param {string} stack  "" for the first one.
 * @returns {Context}
 */
export function context_of({ batch, words, hide, renormalise, pair, weigh, target }, stack) {
  /** @type {Reading} */
  const reading = { words, hide: [...hide].sort(), renormalise, pair };
  // The pattern goes without saying.
  if (weigh && weigh !== "pattern") reading.weigh = weigh;
  if (weigh === "gradient") reading.target = target ?? null;
  return { name: `${stack} ${batch} ${reading_in_words(reading)}`, stack, batch, reading };
}

/**
 * The nearest thing to the wished selection that exists in this model.
 *
 * Traits and pictures travel apart: for a moment one may be ahead of the other.
 *
 * @param {ModelPicture} model
 * @param {Selection} wished
 * @returns {Place | null}
 */
export function place_in(model, wished) {
  const { tokens } = model;
  const facts = model.stacks.find((s) => s.name === tokens.stack);
  if (!facts || facts.layers.length === 0) return null;
  const { queries, keys } = sides_of(model);
  const stack = { ...facts, query_len: queries.texts.length, key_len: keys.texts.length };
  const layer = facts.layers.reduce((best, l) =>
    Math.abs(l.layer - wished.layer) < Math.abs(best.layer - wished.layer) ? l : best,
  );
  const head = Math.max(0, Math.min(wished.head, layer.heads - 1));
  const heads = shown_heads(facts, wished.heads, [layer.layer, head]);
  return {
    context: context_named(model),
    stack,
    layer,
    head,
    heads,
    set: wished.mean ? heads : [[layer.layer, head]],
    query: item_of(queries, wished.query),
    key: item_of(keys, wished.key),
    direction: wished.direction,
    batch: tokens.batch,
  };
}

/** Keys are "kind|context|...": see wants.js. @param {string} key */
export const context_in_key = (key) => key.split("|")[1] ?? "";

/** @param {ModelPicture} model @returns {Context} */
function context_named(model) {
  const { stack, batch, reading } = model.tokens;
  const name = context_in_key(model.key);
  // Asked for as the first stack, it stays that: a busy kernel hears no new list.
  return { name, stack: name.startsWith(" ") ? "" : stack, batch, reading };
}

/**
 * The set of heads counts as long as the selected one belongs to it; else that one stands alone.
 *
 * @param {StackFacts} stack
 * @param {LayerHead[]} heads
 * @param {LayerHead} selected
 * @returns {LayerHead[]}
 */
function shown_heads({ layers }, heads, selected) {
  const exists = (/** @type {LayerHead} */ [layer, head]) =>
    layers.some((facts) => facts.layer === layer && head < facts.heads);
  const known = heads.filter(exists);
  return known.some((one) => is_head(one, selected)) ? known : [selected];
}

/** @param {LayerHead} one @param {LayerHead} other */
export const is_head = (one, other) => one[0] === other[0] && one[1] === other[1];

/** @param {ModelPicture} model @returns {{queries: Side, keys: Side}} */
export function sides_of({ tokens }) {
  return { queries: tokens.queries, keys: tokens.keys ?? tokens.queries };
}

/**
 * The item that a token is in; null where there is none or it is hidden.
 *
 * @param {Side} side
 * @param {number | null} token
 */
export function item_of({ spans }, token) {
  if (token === null) return null;
  let [low, high] = [0, spans.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [start, stop] = spans[middle];
    if (token < start) high = middle - 1;
    else if (token >= stop) low = middle + 1;
    else return middle;
  }
  return null;
}

/**
 * A choice of items as a choice of tokens, which is what the traits hold.
 *
 * @param {ModelPicture} model
 * @param {{query?: number | null, key?: number | null}} items
 */
export function as_tokens(model, items) {
  const sides = sides_of(model);
  /** @param {Side} side @param {number | null} item */
  const token = (side, item) => (item === null ? null : (side.spans[item]?.[0] ?? null));
  return {
    ...(items.query !== undefined && { query: token(sides.queries, items.query) }),
    ...(items.key !== undefined && { key: token(sides.keys, items.key) }),
  };
}

/** Whether what is shown are attention weights themselves. @param {Place} place */
export const is_pattern = ({ context }) => !context.reading.weigh;

/** Whether numbers say more as shares of their row. @param {Reading} reading */
export const are_shares = ({ weigh }) => Boolean(weigh) && weigh !== "rollout";

/** The token that looks, or (in the other direction) the one looked at. @param {Place} place */
export const looker = (place) => (place.direction === "from" ? place.query : place.key);

/** @param {Place} place @returns {Region} */
export function whole_region({ stack }) {
  return { rows: [0, stack.query_len], cols: [0, stack.key_len] };
}
