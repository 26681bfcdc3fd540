/** Where everything in the diagram of a block stands. Pure functions, in pixels. */

/** @typedef {import("../messages.js").BlockFacts} BlockFacts */
/** @typedef {import("../messages.js").BlockBranch} BlockBranch */
/** @typedef {import("../messages.js").BlockSum} BlockSum */
/** @typedef {import("../messages.js").BlockNorm} BlockNorm */

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Rect
 * @typedef {Rect & {as: "norm", norm: BlockNorm}} NormBox
 * @typedef {Rect & {as: "work", branch: BlockBranch | null}} WorkBox  Null for an attention that is
 *   added to nothing.
 * @typedef {object} BranchRow
 * @property {(NormBox | WorkBox)[]} boxes
 * @property {number} leaves  Where it leaves the stream.
 * @property {number} right
 * @property {number} joins  Where it comes back.
 * @property {boolean} ends  Whether the way back is drawn with it: the last of a sum.
 * @typedef {object} SumRow
 * @property {BlockSum} sum
 * @property {number} y
 * @property {number} line  Height of one line of its numbers.
 * @property {number} x  Where its numbers stand.
 * @typedef {{row: number, y: number, as: "in" | "sum" | "norm" | "out"}} Length  Of the stream.
 * @typedef {{from: number, to: number, row: number}} Piece  Of the stream's line, as thick as a row says.
 * @typedef {object} Layout
 * @property {number} stream  Where the stream runs.
 * @property {BranchRow[]} branches
 * @property {SumRow[]} sums
 * @property {NormBox[]} norms  On the stream itself.
 * @property {Length[]} lengths
 * @property {Piece[]} pieces
 * @property {number} height
 */

const [GUTTER, LANE, EDGE] = [50, 30, 16];
const [BOX, TALL_BOX, GAP, LINE, FLAT] = [38, 54, 14, 20, 24];
const WIDEST_NORM = 126;
/** Of the room of a branch, where it has none, one or two norms. */
const NORM_SHARE = [0, 0.27, 0.22];
/** Where a branch has none, one or two norms they are at least as wide as this. */
const LEAST_NORM = [0, 84, 56];
/** A box of this width has room for class and sizes in one line. */
export const WIDE_BOX = 210;
const WIDEST_WORK = 250;

/** How wide the diagram of a block may become. @param {BlockFacts} facts @param {number} unit */
export function widest_of(facts, unit) {
  const norms = most_norms(facts) * (WIDEST_NORM + GAP);
  return unit * (GUTTER + 12 + LANE + norms + WIDEST_WORK + EDGE);
}

/** Norms of the branch that has most. @param {BlockFacts} facts */
function most_norms({ sums }) {
  const counts = sums.flatMap(({ branches }) =>
    branches.map(({ norm_before, norm_after }) => Number(!!norm_before) + Number(!!norm_after)),
  );
  return Math.max(0, ...counts);
}

/**
 * @param {BlockFacts} facts
 * @param {number} width
 * @param {number} unit  1, or more for larger type.
 * @returns {Layout}
 */
export function layout_of(facts, width, unit) {
  const [gutter, gap, line, lane] = [GUTTER, GAP, LINE, LANE].map((n) => n * unit);
  const stream = gutter + 12 * unit;
  const first = stream + lane;
  /** @type {Layout} */
  const made = {
    ...{ stream, height: 0, branches: [], sums: [], norms: [], lengths: [], pieces: [] },
  };
  let y = 26 * unit;
  let since = 0;
  /** The row that the stream is as long as here. @type {number | null} */
  let row = facts.before;

  /** @param {number} to @param {number | null} next */
  const go_on = (to, next) => {
    if (row !== null) made.pieces.push({ from: since, to, row });
    since = to;
    row = next;
  };
  /** @param {BlockNorm} norm */
  const normalise = (norm) => {
    const height = FLAT * unit;
    const wide = Math.min((WIDEST_NORM + 50) * unit, width - gutter);
    const rect = { x: stream - 20 * unit, y, width: wide, height };
    made.norms.push({ ...rect, as: "norm", norm });
    go_on(y + height / 2, norm.out);
    y += height;
    made.lengths.push({ row: norm.out, y: y + 11 * unit, as: "norm" });
    y += 14 * unit;
  };

  if (row !== null) made.lengths.push({ row, y, as: "in" });
  y += 12 * unit;
  if (facts.first_norm) normalise(facts.first_norm);
  const room = width - first - EDGE * unit;
  const norms = most_norms(facts);
  const norm_width = Math.min(
    WIDEST_NORM * unit,
    Math.max(LEAST_NORM[norms] * unit, room * NORM_SHARE[norms]),
  );
  const work = Math.min(WIDEST_WORK * unit, room - norms * (norm_width + gap));
  const box = (work < WIDE_BOX * unit ? TALL_BOX : BOX) * unit;
  /** @param {BlockBranch | null} branch @param {boolean} ends @param {number} joins */
  const branch_row = (branch, ends, joins) => {
    let x = first;
    /** @type {(NormBox | WorkBox)[]} */
    const boxes = [];
    /** @param {BlockNorm | null | undefined} norm */
    const add_norm = (norm) => {
      if (!norm) return;
      boxes.push({ x, y, width: norm_width, height: box, as: "norm", norm });
      x += norm_width + gap;
    };
    add_norm(branch?.norm_before);
    boxes.push({ x, y, width: work, height: box, as: "work", branch });
    x += work + gap;
    add_norm(branch?.norm_after);
    const right = x - gap + 10 * unit;
    made.branches.push({ boxes, leaves: y + box / 2, right, joins, ends });
  };

  for (const sum of facts.sums) {
    const half = (line * sum.branches.length) / 2;
    const joins = y + sum.branches.length * (box + 6 * unit) + half;
    sum.branches.forEach((branch, i) => {
      branch_row(branch, i === sum.branches.length - 1, joins);
      y += box + 6 * unit;
    });
    made.sums.push({ sum, y: joins, line, x: first });
    go_on(joins, sum.total);
    made.lengths.push({ row: sum.total, y: joins + 16 * unit, as: "sum" });
    y = joins + Math.max(half, 10 * unit) + (sum.norm ? 16 : 6) * unit;
    if (sum.norm) normalise(sum.norm);
  }
  if (facts.sums.length === 0) {
    branch_row(null, true, y + box + 14 * unit);
    y += box + 14 * unit;
    if (facts.after !== null) {
      go_on(y, facts.after);
      made.lengths.push({ row: facts.after, y: y + 14 * unit, as: "out" });
    }
    y += 20 * unit;
  }
  go_on(y + 6 * unit, null);
  made.height = y + 16 * unit;
  return made;
}
