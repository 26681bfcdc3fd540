/** Numbers and tokens as a reader would write them. */

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {number} n  A whole number. */
function superscript(n) {
  const digits = String(Math.abs(n)).replace(/\d/g, (d) => SUPERSCRIPTS[Number(d)]);
  return n < 0 ? `⁻${digits}` : digits;
}

/**
 * A small number as 4·10⁻⁷.
 *
 * @param {number} value
 * @param {number} [digits]  Significant digits.
 */
export function in_powers(value, digits = 1) {
  if (value === 0) return "0";
  const [factor, power] = value.toExponential(digits - 1).split("e");
  return `${factor}·10${superscript(Number(power))}`;
}

/**
 * A weight with three significant digits: 0.647, 0.0123, 4.50·10⁻⁵, 12.3.
 *
 * @param {number} value
 * @returns {string}
 */
export function weight_in_words(value) {
  if (Number.isNaN(value)) return "NaN";
  if (value === 0) return "0";
  if (value < 0) return `−${weight_in_words(-value)}`;
  if (value < 0.001) return in_powers(value, 3);
  if (value >= 10) return value.toFixed(value < 100 ? 1 : 0);
  return value >= 0.9995 ? value.toFixed(2) : value.toFixed(value < 0.01 ? 5 : value < 0.1 ? 4 : 3);
}

/**
 * A share as a percentage without decimals, never a bare 0 for something that is there.
 *
 * @param {number} share
 * @returns {string}
 */
export function percent(share) {
  if (Number.isNaN(share)) return "NaN";
  if (share < 0) return share > -0.005 ? "> −1 %" : `−${percent(-share)}`;
  if (share > 0 && share < 0.005) return "<1 %";
  return `${Math.round(100 * share)} %`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/** What is drawn for tokens that would be invisible. @type {Record<string, string>} */
const MARKS = { " ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥" };

/**
 * A token's text to draw; `marked` where nothing but white space is in it.
 *
 * @param {string} token
 * @returns {{text: string, marked: boolean}}
 */
export function shown_token(token) {
  if (token === "") return { text: "∅", marked: true };
  if (token.trim() !== "") return { text: token.trim(), marked: false };
  return { text: [...token].map((c) => MARKS[c] ?? "␣").join(""), marked: true };
}

/**
 * Within a sentence, where a comma would be read as one of its own: ‘,’.
 *
 * @param {string} text  As `shown_token` has it.
 */
export function quoted_if_mark(text) {
  if (!/^[\p{P}\p{Sm}\p{Sc}\p{Sk}]+$/u.test(text)) return text;
  return /['‘’]/.test(text) ? `“${text}”` : `‘${text}’`;
}

/**
 * Cut in the middle: both ends of a long token tell more than its beginning alone.
 *
 * @param {string} text
 * @param {number} most  Characters to keep, with the dots.
 */
export function cut_middle(text, most) {
  const letters = [...new Intl.Segmenter().segment(text)].map((part) => part.segment);
  if (letters.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  const tail = Math.floor((most - 1) / 2);
  return `${letters.slice(0, head).join("")}…${tail > 0 ? letters.slice(-tail).join("") : ""}`;
}

/**
 * A stack in words: "encoder · 6 layers × 12 heads", with key/value heads where there are fewer.
 *
 * @param {import("./messages.js").StackFacts} stack
 * @param {{named: boolean}} [how]  Whether its name stands in front.
 */
export function stack_in_words({ name, layers }, { named } = { named: true }) {
  /** @param {"heads" | "kv_heads"} of @param {string} one */
  const count = (of, one) => {
    const values = layers.map((layer) => layer[of]);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return least === most ? plural(least, one) : `${least} to ${most} ${one}s`;
  };
  const words = [`${plural(layers.length, "layer")} × ${count("heads", "head")}`];
  if (layers.some((layer) => layer.kv_heads !== layer.heads)) {
    words.push(count("kv_heads", "key/value head"));
  }
  return `${named ? `${name} · ` : ""}${words.join(", ")}`;
}

/**
 * Which head a picture shows: "layer 5, head 11", or "the mean of 3 heads".
 *
 * @param {import("./place.js").Place} place
 */
export function heads_in_words({ set, layer, head }) {
  return set.length > 1 ? `the mean of ${set.length} heads` : `layer ${layer.layer}, head ${head}`;
}

/** @param {string} text */
export const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);
