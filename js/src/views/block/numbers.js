/** Numbers of a block at one token, and words for its parts. Pure functions. */

import { in_powers } from "../../words.js";
import { exact } from "../steps/numbers.js";

/** @typedef {import("../messages.js").BlockPicture} BlockPicture */
/** @typedef {import("../messages.js").BlockFacts} BlockFacts */
/** @typedef {import("../messages.js").BlockBranch} BlockBranch */
/** @typedef {import("../messages.js").BlockSum} BlockSum */
/** @typedef {import("../messages.js").BlockNorm} BlockNorm */

/** Reads one row of a layer at the token. @typedef {(row: number) => number} At */

/** @param {BlockPicture} picture @param {BlockFacts} facts @param {number} token @returns {At} */
export function reader(picture, facts, token) {
  return (row) => picture.rows[(facts.first + row) * picture.tokens + token];
}

/** How long what is added is, in lengths of the stream it is added to. @param {At} at @param {BlockSum} sum @param {BlockBranch} branch */
export const ratio_of = (at, sum, branch) => at(branch.added) / at(sum.stream);

/**
 * All branches of a block, each with the sum it is part of, in order.
 *
 * @param {BlockFacts} facts
 */
export const branches_of = ({ sums }) =>
  sums.flatMap((sum) => sum.branches.map((branch) => ({ sum, branch })));

/** @type {Record<BlockBranch["role"], string>} */
const NAMES = {
  attention: "attention",
  "cross-attention": "cross-attention",
  "feed-forward": "feed-forward",
  convolution: "convolution",
  "sub-layer": "sub-layer",
};

/** Roles that the blocks of a stack have, in order of their first. @param {BlockPicture} picture */
export function roles_of({ layers }) {
  /** @type {Set<BlockBranch["role"]>} */
  const roles = new Set();
  for (const facts of layers) for (const { branch } of branches_of(facts)) roles.add(branch.role);
  return [...roles];
}

/**
 * What all branches of one role add to the stream at a token, in lengths of the stream; null where
 * the block has none.
 *
 * @param {At} at
 * @param {BlockFacts} facts
 * @param {BlockBranch["role"]} role
 */
export function ratio_of_role(at, facts, role) {
  const own = branches_of(facts).filter(({ branch }) => branch.role === role);
  return own.length === 0 ? null : own.reduce((sum, b) => sum + ratio_of(at, b.sum, b.branch), 0);
}

/**
 * The most that a part of any block adds at a token, in lengths of the stream.
 *
 * @param {BlockPicture} picture
 * @param {number} token
 */
export function most_added(picture, token) {
  const ratios = picture.layers.flatMap((facts) => {
    const at = reader(picture, facts, token);
    return branches_of(facts).map(({ sum, branch }) => ratio_of(at, sum, branch));
  });
  return Math.max(Number.MIN_VALUE, ...ratios.filter(Number.isFinite));
}

/** @param {BlockBranch["role"]} role */
export const name_of_role = (role) => NAMES[role];

/** The class of what does a branch's work. @param {BlockBranch} branch @param {BlockFacts} facts */
export function class_of(branch, facts) {
  const names = branch.parts.map(({ class_name }) => class_name);
  if (branch.more > 0) names.splice(-1, 0, "…");
  if (names.length > 0) return names.join(", ");
  return branch.caller === facts.path || branch.caller === null
    ? `in ${facts.class_name}`
    : (branch.caller.split(".").at(-1) ?? "");
}

/** Sizes of what flows through a branch: "128 → 512 → 128". @param {BlockBranch} branch @param {BlockFacts} facts @param {"self" | "cross"} kind  Of the stack. */
export function sizes_of(branch, facts, kind) {
  const { size, heads, head_size } = facts;
  if (branch.role === (kind === "cross" ? "cross-attention" : "attention") && head_size) {
    return `${heads} ${heads === 1 ? "head" : "heads"} × ${head_size}`;
  }
  if (branch.role === "feed-forward" && branch.width > 0) {
    return `${size} → ${branch.width} → ${size}`;
  }
  return "";
}

/** Paths of what does a branch's work. @param {BlockBranch} branch @param {BlockFacts} facts */
export function paths_of({ parts, caller, more }, facts) {
  const paths = parts.map(({ path }) => path);
  if (more > 0) paths.splice(-1, 0, `… ${more} more …`);
  if (paths.length > 0) return paths.join(", ");
  return (caller ?? facts.path) || "the model itself";
}

/** A factor as it stands before what it multiplies; "" for 1. @param {number | [number, number]} factor */
export function factor_in_words(factor) {
  if (typeof factor === "number") return factor === 1 ? "" : exact(factor, 4);
  return `${exact(factor[0], 3)} … ${exact(factor[1], 3)}`;
}

/** How exactly the parts add up. @param {number | null} error */
export function error_in_words(error) {
  if (error === null) return "";
  return error === 0 ? "adds up exactly" : `adds up to within ${in_powers(error)}`;
}

/** @type {Record<BlockFacts["kind"], string>} */
const KINDS = {
  "pre-norm":
    "Pre-norm: each part reads the stream through a norm and adds what it makes of it. The stream itself is never normalised.",
  "post-norm": "Post-norm: each sum is normalised, and that is the stream from then on.",
  "output-norm": "What each part makes is normalised before it is added.",
  sandwich:
    "A norm before and a norm after each part: the stream itself is never normalised, and what is added has a learned size.",
  parallel: "Parallel: both parts read the same stream, and are added to it at once.",
  "no norm": "Without norms: each part reads the stream as it is.",
  mixed: "Norms stand both on the stream and within what is added to it.",
  unknown: "",
};

/** @param {BlockFacts["kind"]} kind */
export const kind_in_words = (kind) => KINDS[kind];
