/** What the image view asks for beside the image: rows of every head, and of patches nearby. Pure functions. */

import { looker, sides_of } from "../../place.js";
import { is_small, row_want } from "../../wants.js";

/** @typedef {import("../../place.js").Place} Place */
/** @typedef {import("../../messages.js").Want} Want */

/** The selected token's row (or column) of every head of the layer. @param {Place} place @returns {Want | null} */
export function patch_rows_want(place) {
  const at = looker(place);
  if (at === null) return null;
  const { context, direction } = place;
  const { name, stack, batch, reading } = context;
  const { layer } = place.layer;
  return {
    key: `patch_rows|${name}|${layer} ${direction} ${at}`,
    kind: "patch_rows",
    ...{ stack, batch, reading, layer, direction, at },
  };
}

/**
 * Rows that the whole head is too large to hold: of the patch under the pointer, and of those that
 * an arrow key leads to, up and down. Left and right every view asks for.
 *
 * @param {Place} place
 * @param {import("../../messages.js").ModelPicture} model
 * @param {import("../../ui.js").Peek | null} peek
 * @returns {Want[]}
 */
export function rows_nearby(place, model, peek) {
  if (is_small(place)) return [];
  const side = sides_of(model)[place.direction === "from" ? "queries" : "keys"];
  const at = looker(place);
  const here = at === null ? null : side.patches?.[at];
  const near = here
    ? [-1, 1].map((by) =>
        side.patches?.findIndex((patch) => patch?.[0] === here[0] + by && patch[1] === here[1]),
      )
    : [];
  const items = /** @type {number[]} */ (near.filter((item) => item !== undefined && item >= 0));
  return [
    ...(peek ? [row_want(place, peek.direction, peek.at)] : []),
    ...items.map((item) => row_want(place, place.direction, item)),
  ].map((want) => ({ ...want, prefetch: true }));
}
