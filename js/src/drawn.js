import { computed } from "@preact/signals";
import { tile_of_overview } from "./attention.js";
import { place_in, sides_of, whole_region } from "./place.js";
import { tile_want } from "./wants.js";

/** A head as a matrix: the best tiles at hand, under the tokens of their own pass. */

/** @typedef {import("./messages.js").TilePicture} TilePicture */
/** @typedef {import("./messages.js").ModelPicture} ModelPicture */
/** @typedef {import("./messages.js").Side} Side */
/** @typedef {import("./place.js").Place} Place */
/** @typedef {import("./place.js").Region} Region */

/**
 * @typedef {object} InPlace  What every main picture goes with.
 * @property {ModelPicture} model
 * @property {Place} place
 * @property {{queries: string[], keys: string[]}} tokens  Texts of the items.
 * @property {{queries: Side, keys: Side}} sides
 * @property {boolean} stale  Of another head or text than the one selected.
 */

/**
 * @typedef {InPlace & {tiles: TilePicture[], region: Region}} Drawn  A head as a matrix: tiles to be
 *   painted one over the other, the finest last.
 */

/** @typedef {{picture: import("./messages.js").OverviewPicture, model: ModelPicture, place: Place}} Overview */

/** @param {ModelPicture} model @param {Place} place @returns {InPlace} */
export function in_place(model, place) {
  const sides = sides_of(model);
  const tokens = { queries: sides.queries.texts, keys: sides.keys.texts };
  return { model, place, tokens, sides, stale: false };
}

/** @param {TilePicture} tile @param {Place} at */
const belongs = (tile, at) =>
  tile.query_len === at.stack.query_len && tile.key_len === at.stack.key_len;

/**
 * @param {import("./scene.js").Parts &
 *   {overview: import("@preact/signals").ReadonlySignal<Overview | null>}} parts
 */
export function make_drawn({ source, ui, wished, model, place, region_of, with_place, overview }) {
  /** @type {Drawn | null} */
  let last = null;

  return computed(() => {
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
        ...in_place(newest.model, newest.place),
        tiles: /** @type {TilePicture[]} */ (tiles),
        region: region_of(newest.place),
      };
      return last;
    }
    return same_head() ?? from_overview() ?? (last && { ...last, stale: true });

    /** Another size or an older text of the same head: better than nothing, until the tile is here. */
    function same_head() {
      const { stack, batch, set } = /** @type {Place} */ (at);
      const is_same =
        last?.place.stack.name === stack.name &&
        last.place.context.name === at?.context.name &&
        String(last.place.set) === String(set) &&
        last.place.batch === batch;
      if (!is_same || !last) return null;
      const own = place_in(last.model, wished.value);
      const still = own && belongs(last.tiles[0], own) ? own : last.place;
      return { ...last, place: still, region: region_of(still) };
    }

    function from_overview() {
      const seen = overview.value;
      if (!seen || seen.model.pass !== model.value?.pass || seen.place.set.length > 1) return null;
      const tile = tile_of_overview(
        seen.picture,
        seen.place.layer.layer,
        seen.place.head,
        seen.place.stack,
      );
      if (!tile) return null;
      return { ...in_place(seen.model, seen.place), tiles: [tile], region: region_of(seen.place) };
    }
  });
}
