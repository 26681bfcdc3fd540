/** What heads are like in numbers: attnwidget/measures has what each of them means. */

import { plain_context } from "./views/wants.js";

/** By the names that the trait `measure` has; the twin of `MEASURES` in attnwidget/measures. */
export const MEASURES = /** @type {const} */ ([
  ["entropy", "Entropy"],
  ["evenness", "Evenness"],
  ["largest", "Largest weight"],
  ["distance", "Mean distance"],
  ["previous", "Previous token"],
  ["first", "First token"],
  ["itself", "Itself"],
  ["window", "Nearby"],
  ["duplicate", "Duplicate token"],
  ["induction", "Induction"],
  ["value_norm", "Value-weighted norm"],
]);

/** @typedef {(typeof MEASURES)[number][0]} MeasureName */
/** @typedef {import("./views/measured/numbers.js").Measured} Measured */

/** @param {MeasureName} name */
const asks_for_repeats = (name) => name === "duplicate" || name === "induction";

/**
 * The measure that is shown, then what it was on the text itself.
 *
 * @param {import("./place.js").Place} place
 * @param {MeasureName | null} measure
 * @returns {import("./messages.js").Want[]}
 */
export function heads_wants(place, measure) {
  if (measure === null) return [];
  const { name, stack, batch } = plain_context(place);
  /** @param {boolean} repeated @returns {import("./messages.js").Want} */
  const want = (repeated) => {
    const key = `heads|${name}|${repeated ? "repeated" : "text"}`;
    return { key, kind: "heads", stack, batch, repeated };
  };
  return asks_for_repeats(measure) ? [want(true), want(false)] : [want(false)];
}
