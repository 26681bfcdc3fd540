/** What views that are drawn from a picture of their own ask for. Pure functions. */

/** @typedef {import("../messages.js").Want} Want */

/**
 * @typedef {object} Asking  What a view may ask with.
 * @property {import("../place.js").Place} place
 * @property {number | null} token  The selected query as the model has it, not as an item.
 */

/**
 * By view: the picture it shows; null where the selection has none.
 *
 * @type {Partial<Record<import("./names.js").ViewName, (asking: Asking) => Want | null>>}
 */
const WANTS = {};

/** @param {import("./names.js").ViewName} view */
export const has_own_picture = (view) => Object.hasOwn(WANTS, view);

/** @param {import("./names.js").ViewName} view @param {Asking} asking @returns {Want | null} */
export const own_want = (view, asking) => WANTS[view]?.(asking) ?? null;
