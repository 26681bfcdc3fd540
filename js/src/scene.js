import { computed } from "@preact/signals";
import { column_of_tile, row_facts, row_of_tile } from "./attention.js";
import { in_place, make_drawn } from "./drawn.js";
import { LATER_WANT } from "./later.js";
import { heads_wants } from "./measured.js";
import {
  are_shares,
  as_tokens,
  context_in_key,
  context_of,
  is_pattern,
  looker,
  place_in,
  sides_of,
  whole_region,
} from "./place.js";
import { items_of, occurrences } from "./search.js";
import { make_strung } from "./strung.js";
import { patch_rows_want, rows_nearby } from "./views/image/wants.js";
import { comes_later } from "./views/names.js";
import {
  asks_direct,
  direct_want,
  is_fetched_ahead,
  own_want,
  plain_context,
} from "./views/wants.js";
import {
  check_want,
  LARGE,
  model_want,
  next_places,
  overview_want,
  predictions_want,
  row_want,
  SMALL,
  tile_want,
  wants_before_any_pass,
  wants_of,
} from "./wants.js";

/**
 * What is drawn now: the best pictures at hand for the selection, each with the model facts of its
 * own pass. Nothing here writes; every part is a computed signal.
 */

/** @typedef {import("./messages.js").ModelPicture} ModelPicture */
/** @typedef {import("./messages.js").Picture} Picture */
/** @typedef {import("./place.js").Place} Place */
/** @typedef {import("./place.js").Region} Region */
/** @typedef {import("./source/live.js").Entry} Entry */

/**
 * @typedef {object} Parts  What the main pictures are found with.
 * @property {import("./source/live.js").Source} source
 * @property {import("./ui.js").Ui} ui
 * @property {import("@preact/signals").ReadonlySignal<import("./state.js").Selection>} wished
 * @property {import("@preact/signals").ReadonlySignal<ModelPicture | null>} model
 * @property {import("@preact/signals").ReadonlySignal<Place | null>} place
 * @property {(at: Place) => Region} region_of
 * @property {(entry: Entry | null) =>
 *   {picture: import("./messages.js").Picture, model: ModelPicture, place: Place} | null} with_place
 */

/** @typedef {ReturnType<typeof make_scene>} Scene */

/** @type {Set<number>} */
const NONE = new Set();

/**
 * @param {import("./source/live.js").Source} source
 * @param {import("./state.js").State} state
 * @param {import("./ui.js").Ui} ui
 * @param {Pick<import("./later.js").Later, "views">} later
 */
export function make_scene(source, state, ui, later) {
  const wished = computed(() => ({
    stack: state.stack.value,
    layer: state.layer.value,
    head: state.head.value,
    heads: state.heads.value,
    mean: state.mean.value,
    query: state.query.value,
    key: state.key.value,
    batch: state.batch.value,
    step: state.step.value,
    view: state.view.value,
    stage: state.stage.value,
    remove: state.remove.value,
    encoding: state.encoding.value,
    joined: state.joined.value,
    direction: state.direction.value,
    words: state.words.value,
    hide: state.hide.value,
    renormalise: state.renormalise.value,
    pair: state.pair.value,
    weigh: state.weigh.value,
    target: state.target.value,
    scale: state.scale.value,
    mass: state.mass.value,
    written: state.written.value,
    measure: state.measure.value,
    sort: state.sort.value,
  }));

  const context = computed(() => {
    // The first stack is asked for as that, not by its name: so the lists stay the same from before
    // the first pass on, and a kernel that has been busy ever since can guess them.
    const first = source.model.value?.stacks[0]?.name;
    const { stack, weigh, target, query } = wished.value;
    const facts = source.model.value?.tokens.target;
    // What is guessed in the place of a token is asked about where the reader is.
    const here = weigh === "gradient" && facts?.what === "masked" && query !== null;
    const asked = { ...wished.value, target: target ?? (here ? [query, null] : null) };
    return context_of(
      /** @type {import("./state.js").Selection} */ (asked),
      first === undefined || stack === first ? "" : stack,
    );
  });

  /** @type {ModelPicture | null} */
  let last_model = null;

  /** Facts of the newest pass in the wished reading; until they come, in the one before. */
  const model = computed(() => {
    const newest = source.model.value;
    const found = source.find(model_want(context.value).key)?.picture;
    if (found?.kind === "model" && found.pass === newest?.pass) last_model = found;
    else if (last_model?.pass !== newest?.pass) last_model = newest;
    return last_model;
  });

  /** The selection within the newest pass. */
  const place = computed(() => model.value && place_in(model.value, wished.value));

  /** @param {Place} at @returns {Region} */
  const region_of = (at) => {
    const zoom = ui.zoom.value;
    const fits = zoom && zoom.rows[1] <= at.stack.query_len && zoom.cols[1] <= at.stack.key_len;
    return fits ? zoom : whole_region(at);
  };

  /** The token whose predictions are shown: the last one of the selected word. */
  const predicting = computed(() => {
    const at = place.value;
    const now = model.value;
    if (!at || !now || at.query === null || at.stack.kind === "cross") return null;
    const [, stop] = sides_of(now).queries.spans[at.query];
    return stop - 1;
  });

  /** What the view asks for that is drawn from a picture of its own. @param {Place} at */
  const own_of = (at) =>
    own_want(state.view.value, {
      ...{ place: at, token: state.query.value, keys: ui.keys.value, remove: state.remove.value },
      joined: state.joined.value,
      output: ui.output.value,
    });

  /** The same after one key press. @param {Place} at */
  const own_ahead = (at) => {
    const now = model.value;
    if (!now || !is_fetched_ahead(state.view.value)) return [];
    const { spans } = sides_of(now).queries;
    return next_places(at, true).map((next) => {
      const { query } = next;
      const is_here = query === null || query === at.query;
      const token = is_here ? state.query.value : spans[query][0];
      const remove = state.remove.value;
      const rest = { keys: null, remove, joined: state.joined.value, output: ui.output.value };
      return own_want(state.view.value, { place: next, token, ...rest });
    });
  };

  const wants = computed(() => {
    const at = place.value;
    if (!at) return wants_before_any_pass(wished.value, ui.pixels.value);
    const of_place = wants_of(
      at,
      state.view.value,
      region_of(at),
      ui.pixels.value,
      predicting.value,
    );
    const own = own_of(at);
    const measured = heads_wants(at, state.measure.value);
    const waits = comes_later(state.view.value) || measured.length > 0 || !is_pattern(at);
    const is_missing = waits && later.views.value === null;
    const of_view = [...(is_missing ? [LATER_WANT] : []), ...(own ? [own] : []), ...measured];
    if (state.view.value === "grid" && asks_direct(at)) of_view.push(direct_want(at));
    const shown = [model_want(context.value), ...of_view, ...of_place];
    // Some pictures are about tokens whatever the reading: theirs are the facts of the plain one.
    const plain = plain_context(at);
    if (own && context_in_key(own.key) === plain.name) shown.push(model_want(plain));
    for (const next of own ? own_ahead(at) : []) if (next) shown.push({ ...next, prefetch: true });
    if (state.view.value === "image") {
      const rows = patch_rows_want(at);
      if (rows) shown.push(rows);
      if (model.value) shown.push(...rows_nearby(at, model.value, ui.peek.value));
    }
    return shown.filter((want, i) => shown.findIndex(({ key }) => key === want.key) === i);
  });

  /**
   * A picture with a selection that exists in its own pass; null where they do not go together.
   *
   * @param {Entry | null} entry
   */
  const with_place = (entry) => {
    if (!entry?.model) return null;
    const at = place_in(entry.model, wished.value);
    return at && { picture: entry.picture, model: entry.model, place: at };
  };

  const overview = computed(() => {
    const at = place.value;
    if (!at) return null;
    const found = [LARGE, SMALL]
      .filter((size) => size === SMALL || state.view.value === "grid")
      .map((size) => source.find(overview_want(at, size).key))
      .find((entry) => entry !== null);
    const known = with_place(found ?? null);
    if (known?.picture.kind !== "overview") return null;
    return { ...known, picture: known.picture };
  });

  /** What heads are coloured by; null where by what they look at, or while it is not known. */
  const measured = computed(() => {
    const name = state.measure.value;
    const at = place.value;
    if (!at || !name) return null;
    const [picture, text] = heads_wants(at, name).map(({ key }) => source.find(key)?.picture);
    if (picture?.kind !== "heads") return null;
    const found = later.views.value?.measured_of?.(picture, name);
    // Of random tokens, there are fewer measures.
    return found ? { ...found, text: text?.kind === "heads" ? text : picture } : null;
  });

  const parts = { source, ui, wished, model, place, region_of, with_place };
  const drawn = make_drawn({ ...parts, overview });
  const strung = make_strung(parts);

  /** @type {(import("./drawn.js").InPlace & {picture: Picture, view: string}) | null} */
  let last_own = null;

  /** The picture of a view that has its own; until it comes the last one of that view, stale. */
  const own = computed(() => {
    const at = place.value;
    const view = state.view.value;
    const want = at && own_of(at);
    const found = want && with_place(source.find(want.key));
    if (found) {
      last_own = { ...in_place(found.model, found.place), picture: found.picture, view };
      return last_own;
    }
    return last_own?.view === view ? { ...last_own, stale: true } : null;
  });

  /** @type {(import("./drawn.js").InPlace & {picture: Picture}) | null} */
  let last_rows = null;

  /** Of the image view: the selected token in every head of the layer; stale until it comes. */
  const patch_rows = computed(() => {
    const at = place.value;
    const want = at && state.view.value === "image" ? patch_rows_want(at) : null;
    const found = want && with_place(source.find(want.key));
    if (found) last_rows = { ...in_place(found.model, found.place), picture: found.picture };
    else if (last_rows) last_rows = { ...last_rows, stale: true };
    return want ? last_rows : null;
  });

  /** What the main view is drawn from, whichever it is. */
  const shown = computed(() => {
    const view = state.view.value;
    return view === "lines" || view === "text" ? strung.value : drawn.value;
  });

  /**
   * An item's exact row, or its column where it is looked at; null while unknown.
   *
   * @param {import("./messages.js").Direction} direction
   * @param {number} at
   */
  const row_of = (direction, at) => {
    const now = shown.value;
    if (!now || now.stale) return null;
    const tile = source.find(tile_want(now.place, whole_region(now.place), ui.pixels.value).key);
    const whole = tile && tile.model === now.model ? [tile.picture] : [];
    for (const picture of "tiles" in now ? now.tiles : whole) {
      if (picture.kind !== "tile") continue;
      const found = direction === "from" ? row_of_tile(picture, at) : column_of_tile(picture, at);
      if (found) return with_facts(found);
    }
    const entry = source.find(row_want(now.place, direction, at).key);
    if (entry?.picture.kind !== "row" || entry.model !== now.model) return null;
    const { weights, flags, signed } = entry.picture;
    return with_facts({ weights, flags, signed });

    /** @param {import("./attention.js").Row} row */
    function with_facts(row) {
      const facts = row_facts(row);
      const shares = are_shares(/** @type {NonNullable<typeof now>} */ (now).place.context.reading);
      return { ...row, at, direction, facts, whole: shares ? facts.sum : 1 };
    }
  };

  /** The row of the token under the pointer, where it is at hand; else of the selected one. */
  const row = computed(() => {
    const peek = ui.peek.value;
    const peeked = peek && row_of(peek.direction, peek.at);
    if (peeked) return peeked;
    const at = shown.value && looker(shown.value.place);
    return shown.value && at !== null ? row_of(shown.value.place.direction, at) : null;
  });

  const check = computed(() => {
    const at = place.value;
    const entry = at && source.find(check_want(at).key);
    return entry?.picture.kind === "check" ? entry.picture : null;
  });

  /** What each head adds to the chosen logit directly; null while unknown or not asked for. */
  const direct = computed(() => {
    const at = place.value;
    const found = at && asks_direct(at) ? source.find(direct_want(at).key)?.picture : null;
    return found?.kind === "direct" ? found : null;
  });

  /** Words for what is more than the pattern, once they are here. */
  const weighed = computed(() => later.views.value?.weighed ?? null);

  /** @type {{pass: number, token: number, batch: number, stack: string,
   *   made: {what: import("./messages.js").PredictionsPicture["what"], of: number, note: string,
   *     token: number, candidates: import("./messages.js").Candidate[]} | null} | null} */
  let last_predicted = null;

  /** What the model says comes at the selected token; null while unknown or not to be had. */
  const predictions = computed(() => {
    const at = place.value;
    const token = predicting.value;
    if (!at || token === null) return null;
    const pass = model.value?.pass ?? 0;
    const entry = source.find(predictions_want(at, token).key);
    const name = { pass, token, batch: at.batch, stack: at.stack.name };
    // Of another reading they are the same: the line stays while they come anew.
    if (entry?.picture.kind !== "predictions" || entry.model !== model.value) {
      const { made = null, ...last } = last_predicted ?? {};
      return JSON.stringify(last) === JSON.stringify(name) ? made : null;
    }
    const { what, candidates, of, note, at: span } = entry.picture;
    const list = what === "classes" ? candidates[0] : candidates[token - span[0]];
    const made = list ? { what, of, note, token, candidates: list } : null;
    last_predicted = { ...name, made };
    return made;
  });

  /** What the search has found: among the queries or, looked at, the keys; marked on both sides. */
  const found = computed(() => {
    const now = shown.value;
    const wanted = ui.search.value ?? "";
    if (!now || wanted.trim() === "") return { list: [], queries: NONE, keys: NONE };
    const queries = occurrences(now.sides.queries, wanted);
    const same = now.sides.keys === now.sides.queries;
    const keys = same ? queries : occurrences(now.sides.keys, wanted);
    const list = now.place.direction === "from" ? queries : keys;
    return { list, queries: items_of(queries), keys: items_of(keys) };
  });

  /** Trouble over the whole main area, or in the place of one picture. */
  const trouble = computed(() => {
    const at = place.value;
    const in_view = at ? wants_of(at, state.view.value, region_of(at), ui.pixels.value, null) : [];
    const main = in_view.filter(
      ({ kind, prefetch }) => !prefetch && ["tile", "row", "lines"].includes(kind),
    );
    const own = at && own_of(at);
    const keys = own ? [own.key] : main.map(({ key }) => key);
    const found = keys.map((key) => source.trouble(key)).find((t) => t !== null);
    const grid = at && overview_want(at, SMALL).key;
    const token = predicting.value;
    const [heads] = at ? heads_wants(at, state.measure.value) : [];
    return {
      whole: source.trouble(null) ?? source.trouble(model_want(context.value).key),
      main: found ?? null,
      overview: grid && source.trouble(grid),
      measured: heads ? source.trouble(heads.key) : null,
      predictions: at && token !== null && source.trouble(predictions_want(at, token).key),
    };
  });

  return {
    model,
    place,
    wants,
    overview,
    measured,
    drawn,
    strung,
    own,
    patch_rows,
    shown,
    row,
    check,
    predictions,
    direct,
    weighed,
    found,
    trouble,
    /** How far the model has come that writes; null while none does. */
    writing: source.writing,
    generate: source.generate,
    stop_writing: source.stop_writing,

    /** Ask about another logit. @param {number} at  A token. @param {number} id */
    ask(at, id) {
      state.choose({ target: [at, id] });
    },

    /**
     * Choose items on screen; the traits get the tokens they stand for.
     *
     * @param {{query?: number | null, key?: number | null}} items
     * @param {Partial<import("./state.js").Selection>} [also]
     */
    select(items, also = {}) {
      const now = model.peek();
      if (now) state.choose({ ...also, ...as_tokens(now, items) });
    },
  };
}
