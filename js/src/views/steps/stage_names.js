/** How one number of attention comes about, stage by stage: the values of the trait `stage`. */

export const STAGES = /** @type {const} */ ([
  "query",
  "keys",
  "products",
  "sum",
  "scale",
  "mask",
  "softmax",
  "values",
  "output",
  "heads",
  "projection",
]);

/** @typedef {(typeof STAGES)[number]} Stage */
