import { computed } from "@preact/signals";
import { column_of_tile, row_facts, row_of_tile } from "./attention.js";
import { in_place, make_drawn } from "./drawn.js";
import { LATER_WANT } from "./later.js";
import {
  as_tokens,
  context_in_key,
  context_of,
  looker,
  place_in,
  sides_of,
  whole_region,
} from "./place.js";
import { items_of, occurrences } from "./search.js";
import { make_strung } from "./strung.js";
import { comes_later } from "./views/names.js";
import { is_fetched_ahead, own_want, plain_context } from "./views/wants.js";
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
    direction: state.direction.value,
    words: state.words.value,
    hide: state.hide.value,
    renormalise: state.renormalise.value,
    pair: state.pair.value,
    scale: state.scale.value,
    mass: state.mass.value,
  }));

  const context = computed(() => {
    // The first stack is asked for as that, not by its name: so the lists stay the same from before
    // the first pass on, and a kernel that has been busy ever since can guess them.
    const first = source.model.value?.stacks[0]?.name;
    const { stack } = wished.value;
    return context_of(wished.value, first === undefined || stack === first ? "" : stack);
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
      joined: ui.joined.value,
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
      const joined = ui.joined.value;
      return own_want(state.view.value, { place: next, token, keys: null, remove, joined });
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
    const is_missing = comes_later(state.view.value) && later.views.value === null;
    const of_view = [...(is_missing ? [LATER_WANT] : []), ...(own ? [own] : [])];
    const shown = [model_want(context.value), ...of_view, ...of_place];
    // Some pictures are about tokens whatever the reading: theirs are the facts of the plain one.
    const plain = plain_context(at);
    if (own && context_in_key(own.key) === plain.name) shown.push(model_want(plain));
    for (const next of own ? own_ahead(at) : []) if (next) shown.push({ ...next, prefetch: true });
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
      if (found) return { ...found, at, direction, facts: row_facts(found) };
    }
    const entry = source.find(row_want(now.place, direction, at).key);
    if (entry?.picture.kind !== "row" || entry.model !== now.model) return null;
    const { weights, flags } = entry.picture;
    return { weights, flags, at, direction, facts: row_facts({ weights, flags }) };
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

  /** What the model says comes at the selected token; null while unknown or not to be had. */
  const predictions = computed(() => {
    const at = place.value;
    const token = predicting.value;
    if (!at || token === null) return null;
    const entry = source.find(predictions_want(at, token).key);
    if (entry?.picture.kind !== "predictions" || entry.model !== model.value) return null;
    const { what, candidates, of, note, at: span } = entry.picture;
    const list = what === "classes" ? candidates[0] : candidates[token - span[0]];
    return list ? { what, of, note, token, candidates: list } : null;
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
    return {
      whole: source.trouble(null) ?? source.trouble(model_want(context.value).key),
      main: found ?? null,
      overview: grid && source.trouble(grid),
      predictions: at && token !== null && source.trouble(predictions_want(at, token).key),
    };
  });

  return {
    model,
    place,
    wants,
    overview,
    drawn,
    strung,
    own,
    shown,
    row,
    check,
    predictions,
    found,
    trouble,

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
