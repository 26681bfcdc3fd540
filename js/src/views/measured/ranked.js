/** Heads in the order of a measure, and on what it was measured, in words. Pure functions. */

/** @typedef {{layer: number, head: number, value: number}} RankedHead */

/**
 * From the largest down; heads without a value are left out.
 *
 * @param {import("./numbers.js").Measured} measured
 * @returns {RankedHead[]}
 */
export function ranked({ picture, value: value_of }) {
  const [, , heads] = picture.shape;
  return picture.layers
    .flatMap((layer) =>
      Array.from({ length: heads }, (_, head) => ({ layer, head, value: value_of(layer, head) })),
    )
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => b.value - a.value || a.layer - b.layer || a.head - b.head);
}

/** @param {import("../messages.js").HeadsPicture} picture */
export function said_of({ said_twice, why_not, sampled }) {
  if (said_twice) {
    const { length, texts, are_words } = said_twice;
    const what = `${length} random ${are_words ? "words" : "tokens"} said twice`;
    return `Measured on ${what}, in ${texts} such texts, not on this one.`;
  }
  const where = why_not ? `Measured on this text alone: ${why_not}` : "";
  return sampled ? `${where} From a sample of rows.`.trim() : where;
}
