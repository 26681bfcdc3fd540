/** The views, by the names that the trait `view` has. */

/** Those always offered, in this order. */
export const VIEWS = /** @type {const} */ ([
  ["lines", "Lines"],
  ["matrix", "Matrix"],
  ["text", "Text"],
  ["steps", "Steps"],
  ["block", "Block"],
  ["grid", "Grid"],
]);

/** Those of which some passes have a picture: the kernel says which. */
const OF_SOME = /** @type {const} */ ([
  ["image", "Image"],
  ["roll", "Piano roll"],
  ["generation", "Generation"],
  ["joined", "Joined"],
]);

/** Those made for a lesson: offered while they are shown. */
const TAUGHT = /** @type {const} */ ([
  ["shapes", "Shapes"],
  ["scaling", "Scaling"],
  ["order", "Order"],
  ["positions", "Positions"],
  ["without", "Without"],
  ["distances", "Distances"],
  ["filters", "Filters"],
  ["chart", "Chart"],
]);

/** @typedef {(typeof VIEWS)[number][0] | (typeof OF_SOME)[number][0] | (typeof TAUGHT)[number][0]} ViewName */

/** Whether a view is sent when it is first opened: see later.js. @param {ViewName} view */
export const comes_later = (view) =>
  view === "block" || view === "steps" || [...OF_SOME, ...TAUGHT].some(([name]) => name === view);

/**
 * @param {ViewName} shown
 * @param {readonly string[]} offers  Which of some passes this one has.
 * @returns {readonly (readonly [ViewName, string])[]}
 */
export function views_offered(shown, offers) {
  return [
    ...OF_SOME.filter(([name]) => name === shown || offers.includes(name)),
    ...VIEWS,
    ...TAUGHT.filter(([name]) => name === shown),
  ];
}
