/** What a change did to a prediction, in words and numbers. Pure functions. */

/** @typedef {import("../messages.js").WithoutPicture} WithoutPicture */
/** @typedef {import("../messages.js").MovedCandidate} MovedCandidate */

export const CHANGES = /** @type {const} */ ([
  ["head", "this head"],
  ["residual", "residuals"],
  ["positions", "positions"],
  ["order", "their order"],
]);

/** Larger ones stand for infinity: a candidate became impossible. */
const BEYOND = 1e30;

/**
 * A divergence in nats with as many digits as can be read.
 *
 * @param {number} kl
 * @param {boolean} [exact]
 */
export function nats(kl, exact = false) {
  if (kl < 0 || Number.isNaN(kl)) return "no number";
  if (kl > BEYOND) return "∞";
  if (exact) return `${Number(kl.toPrecision(4))}`;
  if (kl === 0) return "0";
  if (kl < 0.001) return "<0.001";
  return kl < 1 ? kl.toFixed(3) : kl.toFixed(2);
}

/** What tokenizers put in place of words that they do not know. */
const UNKNOWN = ["<unk>", "[UNK]", "<|unk|>"];

/** @param {string} token */
export const is_unknown = (token) => UNKNOWN.includes(token.trim());

/** The likeliest of all candidates. @param {MovedCandidate[]} candidates @param {"before" | "after"} when */
export const first_choice = (candidates, when) =>
  candidates.reduce((best, one) => (one[when] > best[when] ? one : best), candidates[0]);

/**
 * How far each moved, as a share of the one that moved most.
 *
 * @param {Float32Array} kl
 * @returns {number[]}
 */
export function shares_of_most(kl) {
  const most = Math.max(...Array.from(kl, (one) => (one > BEYOND ? 0 : one)), 0);
  return Array.from(kl, (one) => (most > 0 && one > 0 ? Math.min(1, one / most) : 0));
}

/**
 * A share to be set beside another one: as many digits as tell them apart.
 *
 * @param {number} share
 */
export function share_in_words(share) {
  if (share === 0) return "0 %";
  if (share < 0.0005) return "<0.1 %";
  const has_decimal = share < 0.095 || (share > 0.995 && share < 0.9995);
  return `${(100 * share).toFixed(has_decimal ? 1 : 0)} %`;
}
