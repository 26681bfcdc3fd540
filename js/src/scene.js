import { computed } from "@preact/signals";
import { row_facts, row_of_tile, tile_of_overview } from "./attention.js";
import {
  check_want,
  LARGE,
  MODEL_WANT,
  overview_want,
  place_in,
  row_want,
  SMALL,
  tile_want,
  tokens_of,
  wants_of,
  whole_region,
} from "./wants.js";

/**
 * What is drawn now: the best pictures at hand for the selection, each with the model facts of its
 * own pass. Nothing here writes; every part is a computed signal.
 */

/** @typedef {import("./messages.js").TilePicture} TilePicture */
/** @typedef {import("./messages.js").ModelPicture} ModelPicture */
/** @typedef {import("./messages.js").OverviewPicture} OverviewPicture */
/** @typedef {import("./wants.js").Place} Place */
/** @typedef {import("./wants.js").Region} Region */
/** @typedef {import("./source/live.js").Entry} Entry */

/**
 * @typedef {object} Drawn  The main picture.
 * @property {TilePicture[]} tiles  To be painted one over the other, the finest last.
 * @property {ModelPicture} model
 * @property {Place} place
 * @property {Region} region
 * @property {{queries: string[], keys: string[]}} tokens
 * @property {boolean} stale  Of another head or text than the one selected.
 */

/** @typedef {ReturnType<typeof make_scene>} Scene */

/**
 * @param {import("./source/live.js").Source} source
 * @param {import("./state.js").State} state
 * @param {import("./ui.js").Ui} ui
 */
export function make_scene(source, state, ui) {
  const wished = computed(() => ({
    stack: state.stack.value,
    layer: state.layer.value,
    head: state.head.value,
    query: state.query.value,
    key: state.key.value,
    batch: state.batch.value,
  }));

  /** The selection within the newest pass. */
  const place = computed(() => {
    const model = source.model.value;
    return model && place_in(model, wished.value);
  });

  /** @param {Place} at @returns {Region} */
  const region_of = (at) => {
    const zoom = ui.zoom.value;
    const fits = zoom && zoom.rows[1] <= at.stack.query_len && zoom.cols[1] <= at.stack.key_len;
    return fits ? zoom : whole_region(at);
  };

  const wants = computed(() => {
    const at = place.value;
    return at ? wants_of(at, state.view.value, region_of(at), ui.pixels.value) : [MODEL_WANT];
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

  /** @param {TilePicture} tile @param {Place} at */
  const belongs = (tile, at) =>
    tile.query_len === at.stack.query_len && tile.key_len === at.stack.key_len;

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

  /** @type {Drawn | null} */
  let last = null;

  const drawn = computed(() => {
    const at = place.value;
    if (!at) return last && { ...last, stale: true };
    const region = region_of(at);
    const pixels = ui.pixels.value;
    const keys = [tile_want(at, whole_region(at), pixels).key, tile_want(at, region, pixels).key];
    const found = [...new Set(keys)]
      .map((key) => with_place(source.find(key)))
      .filter((f) => f !== null && f.picture.kind === "tile" && belongs(f.picture, f.place));

    if (found.length > 0) {
      // A whole head of an older pass does not go under a part of a newer one.
      const newest = /** @type {NonNullable<typeof found[0]>} */ (found[found.length - 1]);
      const tiles = found.filter((f) => f?.model === newest.model).map((f) => f?.picture);
      last = {
        tiles: /** @type {TilePicture[]} */ (tiles),
        model: newest.model,
        place: newest.place,
        region: region_of(newest.place),
        tokens: tokens_of(newest.model, newest.place),
        stale: false,
      };
      return last;
    }
    return same_head() ?? from_overview() ?? (last && { ...last, stale: true });

    /** Another size or an older text of the same head: better than nothing, until the tile is here. */
    function same_head() {
      const { stack, layer, head, batch } = /** @type {Place} */ (at);
      const is_same =
        last?.place.stack.name === stack.name &&
        last.place.layer.layer === layer.layer &&
        last.place.head === head &&
        last.place.batch === batch;
      if (!is_same || !last) return null;
      const own = place_in(last.model, wished.value);
      const still = own && belongs(last.tiles[0], own) ? own : last.place;
      return { ...last, place: still, region: region_of(still) };
    }

    function from_overview() {
      const seen = overview.value;
      if (!seen || seen.model.pass !== source.model.value?.pass) return null;
      const tile = tile_of_overview(
        seen.picture,
        seen.place.layer.layer,
        seen.place.head,
        seen.place.stack,
      );
      if (!tile) return null;
      const tokens = tokens_of(seen.model, seen.place);
      const { model, place: there } = seen;
      return { tiles: [tile], model, place: there, region: region_of(there), tokens, stale: false };
    }
  });

  /** The selected query's exact row, once known. */
  const row = computed(() => {
    const picture = drawn.value;
    const query = picture?.place.query ?? null;
    if (!picture || picture.stale || query === null) return null;
    for (const tile of picture.tiles) {
      const row = row_of_tile(tile, query);
      if (row) return { ...row, query, facts: row_facts(row) };
    }
    const entry = source.find(row_want(picture.place, query).key);
    if (entry?.picture.kind !== "row" || entry.model !== picture.model) return null;
    const { weights, flags } = entry.picture;
    return { weights, flags, query, facts: row_facts({ weights, flags }) };
  });

  const check = computed(() => {
    const at = place.value;
    const entry = at && source.find(check_want(at).key);
    return entry?.picture.kind === "check" ? entry.picture : null;
  });

  /** Trouble over the whole main area, or in the place of one picture. */
  const trouble = computed(() => {
    const at = place.value;
    const main = at && tile_want(at, region_of(at), ui.pixels.value).key;
    const row_key = at && at.query !== null ? row_want(at, at.query).key : null;
    const grid = at && overview_want(at, SMALL).key;
    return {
      whole: source.trouble(null) ?? source.trouble("model"),
      main: main && (source.trouble(main) ?? (row_key && source.trouble(row_key)) ?? null),
      overview: grid && source.trouble(grid),
    };
  });

  return { place, wants, overview, drawn, row, check, trouble };
}
