/** What views that are drawn from a picture of their own ask for. Pure functions. */

import { context_of } from "../place.js";

/** @typedef {import("../messages.js").Want} Want */

/** Keys, as tokens, that were asked for of one row. @typedef {{row: string, span: [number, number]}} KeysAsked */

/**
 * @typedef {object} Asking  What a view may ask with.
 * @property {import("../place.js").Place} place
 * @property {number | null} token  The selected query as the model has it, not as an item.
 * @property {KeysAsked | null} keys  Of the steps.
 * @property {import("../state.js").Selection["remove"]} remove
 * @property {import("../state.js").Selection["joined"]} joined
 * @property {number | null} output  Position of the output word that was shown there last.
 */

/**
 * By view: the picture it shows; null where the selection has none.
 *
 * @type {Partial<Record<import("./names.js").ViewName, (asking: Asking) => Want | null>>}
 */
const WANTS = {
  block: ({ place: { context } }) => {
    const { name, stack, batch, reading } = context;
    return { key: `block|${name}`, kind: "block", stack, batch, reading };
  },
  roll: ({ place: { context } }) => {
    const { name, stack, batch, reading } = context;
    return { key: `roll|${name}`, kind: "roll", stack, batch, reading };
  },
  image: ({ place: { context } }) => {
    const { name, stack, batch, reading } = context;
    return { key: `image|${name}`, kind: "image", stack, batch, reading };
  },
  generation: ({ place }) => of_head("generation", place, plain_context(place)),
  order: ({ place }) => of_head("order", place, plain_context(place)),
  shapes: ({ place }) => shapes_want(place),
  positions: ({ place }) => {
    const { name, stack, batch, reading } = plain_context(place);
    return { key: `positions|${name}`, kind: "positions", stack, batch, reading };
  },
  joined: joined_want,
  distances: ({ place }) => of_tokens("distances", place),
  filters: ({ place }) => of_tokens("filters", place),
  scaling: ({ place }) => of_head("scaling", place),
  steps: steps_want,
  without: without_want,
};

/** Views whose picture is quickly made: those that a key press leads to are fetched ahead. */
const QUICK = new Set(["joined", "order", "steps"]);

/** @param {import("./names.js").ViewName} view */
export const is_fetched_ahead = (view) => QUICK.has(view);

/**
 * What is shown of the selected head alone.
 *
 * @template {import("./messages.js").OfOneHead["kind"]} Kind
 * @param {Kind} kind
 * @param {import("../place.js").Place} place
 * @param {import("../place.js").Context} [context]
 */
function of_head(kind, { layer, head, ...place }, context = place.context) {
  const { name, stack, batch, reading } = context;
  const heads = /** @type {import("../messages.js").LayerHead[]} */ ([[layer.layer, head]]);
  return { key: `${kind}|${name}|${layer.layer}.${head}`, kind, stack, batch, reading, heads };
}

/**
 * What is shown of a whole stack, its tokens as the model has them.
 *
 * @template {"distances" | "filters"} Kind
 * @param {Kind} kind
 * @param {import("../place.js").Place} place
 */
function of_tokens(kind, place) {
  const { name, stack, batch, reading } = plain_context(place);
  return { key: `${kind}|${name}`, kind, stack, batch, reading };
}

/** What is shown of a whole layer. @param {import("../place.js").Place} place @returns {Want} */
function shapes_want({ context: { name, ...of }, layer: { layer } }) {
  return { key: `shapes|${name}|${layer}`, kind: "shapes", ...of, layer };
}

/** @param {import("./names.js").ViewName} view */
export const has_own_picture = (view) => Object.hasOwn(WANTS, view);

/** @param {import("./names.js").ViewName} view @param {Asking} asking @returns {Want | null} */
export const own_want = (view, asking) => WANTS[view]?.(asking) ?? null;

const PLAIN = { words: false, hide: [], renormalise: false, pair: null };

/** Tokens as the model has them, whatever the reading. @param {import("../place.js").Place} place */
export const plain_context = ({ context }) =>
  context_of({ batch: context.batch, ...PLAIN }, context.stack);

/** What heads add to a logit directly is listed in the grid. @param {import("../place.js").Place} place */
export const asks_direct = ({ context }) => context.reading.weigh === "gradient";

/** @param {import("../place.js").Place} place @returns {Want} */
export function direct_want({ context: { name, ...of } }) {
  return { key: `direct|${name}`, kind: "direct", ...of };
}

/** Names the row that `KeysAsked` belongs to. @param {number} layer @param {number} head @param {number} query */
export const row_name = (layer, head, query) => `${layer}.${head} ${query}`;

/** @param {Asking} asking @returns {Want | null} */
function steps_want({ place, token, keys }) {
  const { hide, pair } = place.context.reading;
  const may_be_hidden = hide.length > 0 || pair !== null;
  // For a moment the traits may be ahead of the text.
  if (token === null || (place.query === null && !may_be_hidden)) return null;
  const { name, stack, batch, reading } = plain_context(place);
  const { layer } = place.layer;
  const row = row_name(layer, place.head, token);
  const span = keys?.row === row ? keys.span : null;
  return {
    key: `steps|${name}|${row}${span ? ` ${span.join("-")}` : ""}`,
    kind: "steps",
    ...{ stack, batch, reading },
    heads: [[layer, place.head]],
    query: token,
    keys: span,
  };
}

/**
 * The selected stack says its heads, and its token; the others stay as they were last.
 *
 * @param {Asking} asking
 * @returns {Want}
 */
function joined_want({ place, token, joined, output }) {
  const { batch } = place.context;
  const { name } = place.stack;
  const heads = { ...joined, [name]: place.set };
  const of = (/** @type {string} */ stack) => heads[stack] ?? null;
  const reads = name === "encoder";
  const at = reads ? output : token;
  const source = reads ? token : null;
  const [encoder, cross, decoder] = ["encoder", "cross", "decoder"].map(of);
  const named = [encoder, cross, decoder].map(
    (set) => set?.map((h) => h.join(".")).join("+") ?? "",
  );
  return {
    key: `joined|${place.context.name}|${named.join(" ")} ${at ?? ""} ${source ?? ""}`,
    kind: "joined",
    ...{ batch, at, source, encoder, cross, decoder },
  };
}

/** @param {Asking} asking @returns {Want | null} */
function without_want({ place, token, remove }) {
  if (token === null) return null;
  const { name, stack, batch, reading } = plain_context(place);
  const { layer } = place.layer;
  // Without positions it is the same whichever head is selected.
  const of_layer = remove === "residual" ? `residual ${layer}` : remove;
  const what = remove === "head" ? `${layer}.${place.head}` : of_layer;
  return {
    key: `without|${name}|${what} ${token}`,
    kind: "without",
    ...{ stack, batch, reading },
    heads: [[layer, place.head]],
    at: token,
    what: remove,
  };
}
