/** Which columns of the steps stand side by side, and how wide they are. Pure functions. */

import { stage_words } from "./numbers.js";
import { STAGES } from "./stage_names.js";

/** @typedef {import("./stage_names.js").Stage} Stage */
/** @typedef {import("../messages.js").StepsPicture} StepsPicture */
/** @typedef {"token" | "k" | "products" | "dot" | "scaled" | "capped" | "added" | "score" | "minus" |
 *   "exp" | "softmax" | "weight" | "v" | "weighted"} ColumnName */

/**
 * @typedef {object} Column
 * @property {ColumnName} name
 * @property {Stage} stage  When it is first seen.
 * @property {string} words
 * @property {number} least  Width in pixels without which it cannot be read.
 * @property {number} most
 * @property {number} [own]  Least width at its own stage, where it is what is looked at.
 * @property {boolean} [passing]  Seen at its own stage; later only where there is room.
 */

const STRIP = { least: 88, most: 190 };
const NUMBER = { least: 58, most: 58 };
const SHARE = { least: 58, own: 112, most: 160 };
export const GAP = 12;

/**
 * All columns that a call's stages have.
 *
 * @param {StepsPicture} picture
 * @param {Stage[]} stages
 * @returns {Column[]}
 */
export function columns_of(picture, stages) {
  const { capped, added, scores, softmax, added_is, scale, has_products } = picture;
  const is_only_mask = added_is.every((name) => name === "mask");
  const scaled_words = stage_words({ ...picture, softcap: null }, "scale") || "× 1";
  /** @type {(Column | false | undefined)[]} */
  const all = [
    { name: "k", stage: "keys", words: "key", ...STRIP },
    { name: "products", stage: "products", words: "query × key", ...STRIP },
    { name: "dot", stage: "sum", words: "sum", ...NUMBER },
    scale !== 1 && { name: "scaled", stage: "scale", words: scaled_words, ...NUMBER },
    capped && { name: "capped", stage: "scale", words: "capped", ...NUMBER },
    added &&
      !is_only_mask && {
        ...{ name: "added", stage: "mask", words: stage_words(picture, "mask"), passing: true },
        ...{ least: 92, most: 92 },
      },
    scores && has_products
      ? { name: "score", stage: "mask", words: is_only_mask ? "mask" : "score", ...NUMBER }
      : scores && { name: "score", stage: "softmax", words: "score", ...NUMBER },
    scores && { name: "minus", stage: "softmax", words: "− max", ...NUMBER, passing: true },
    scores && { name: "exp", stage: "softmax", words: "exp", least: 76, most: 76, passing: true },
    softmax && { name: "softmax", stage: "softmax", words: "softmax", ...SHARE, passing: true },
    {
      ...{ name: "weight", stage: "softmax", words: softmax || !scores ? "weight" : "softmax" },
      ...SHARE,
    },
    { name: "v", stage: "values", words: "value", ...STRIP },
    { name: "weighted", stage: "values", words: "weight × value", ...STRIP, least: 108 },
  ];
  const found = /** @type {Column[]} */ (all.filter(Boolean));
  return found.filter(({ stage }) => stages.includes(stage));
}

/**
 * Columns that fit beside the token: those of the stage shown, and of the earlier ones as many as
 * there is room for, the nearest first.
 *
 * @param {Column[]} columns
 * @param {Stage} stage
 * @param {number} width  What is left beside the token.
 * @param {number} unit  1, or more where the type is larger.
 * @returns {(Column & {width: number})[]}
 */
export function fitting(columns, stage, width, unit) {
  const now = STAGES.indexOf(stage);
  const seen = columns.filter((column) => STAGES.indexOf(column.stage) <= now);
  // After the values no column is new: the products of weights and values are what is summed.
  const newest = Math.max(...seen.map((column) => STAGES.indexOf(column.stage)));
  /** @param {Column} column */
  const lag = (column) => {
    const steps = newest - STAGES.indexOf(column.stage);
    return steps > 0 && column.passing ? steps + STAGES.length : steps;
  };
  const order = seen.toSorted((a, b) => lag(a) - lag(b) || rank(b) - rank(a));
  const now_new = seen.filter((column) => column.stage === stage);
  const wished = now_new.reduce((sum, { own, least }) => sum + (own ?? least) * unit + GAP, 0);
  /** @param {Column} column */
  const least = (column) =>
    column.stage === stage && column.own && wished <= width ? column.own : column.least;
  let left = width;
  const chosen = new Set();
  for (const column of order) {
    const needed = least(column) * unit + GAP;
    // What comes last must be seen, however narrow.
    if (needed > left && chosen.size > 0) continue;
    chosen.add(column.name);
    left -= needed;
  }
  // What only passes through on the way to others is shown as a whole, or not.
  const passing = seen.filter((column) => lag(column) > STAGES.length);
  if (passing.some(({ name }) => !chosen.has(name))) {
    for (const { name } of passing) chosen.delete(name);
  }
  const shown = seen.filter(({ name }) => chosen.has(name));
  left = width - shown.reduce((sum, column) => sum + least(column) * unit + GAP, 0);
  const growing = shown.reduce((sum, column) => sum + (column.most - least(column)) * unit, 0);
  const share = growing > 0 ? Math.min(1, Math.max(0, left) / growing) : 0;
  return shown.map((column) => ({
    ...column,
    width: Math.floor((least(column) + share * (column.most - least(column))) * unit),
  }));
}

/** Of columns of one stage: which is most worth its place. @param {Column} column */
const rank = ({ name }) =>
  ["capped", "softmax", "minus", "v", "exp", "added", "score", "weighted", "weight"].indexOf(name);
