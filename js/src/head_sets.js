/** Which heads are drawn together. */

import { is_head } from "./place.js";

/** @typedef {import("./messages.js").LayerHead} LayerHead */
/** @typedef {import("./place.js").Place} Place */

/**
 * Draw a head together with the others, or no longer.
 *
 * @param {import("./state.js").State} state
 * @param {Place} place
 * @param {LayerHead} head
 */
export function toggle_head(state, place, head) {
  const without = place.heads.filter((other) => !is_head(other, head));
  if (without.length === place.heads.length) {
    state.choose({ heads: [...place.heads, head].sort((a, b) => a[0] - b[0] || a[1] - b[1]) });
  } else if (without.length > 0) {
    // The selected head is always one of those on screen.
    const selected = /** @type {LayerHead} */ ([place.layer.layer, place.head]);
    const [layer, number] = is_head(head, selected) ? without[0] : selected;
    state.choose({ heads: without, layer, head: number });
  }
}

/** @param {import("./state.js").State} state @param {LayerHead} head */
export function solo_head(state, [layer, head]) {
  state.choose({ heads: [], layer, head, mean: false });
}
