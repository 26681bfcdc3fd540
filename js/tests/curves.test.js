import { describe, expect, test } from "vitest";
import { draw_links, draw_pattern, ends_of } from "../src/draw/curves.js";
import { strand_of } from "../src/links.js";
import { tile_of } from "./pictures.js";
import { make_recorder } from "./recorder.js";

/** @typedef {import("../src/links.js").Strand} Strand */
/** @typedef {import("./recorder.js").Call} Call */

const COLUMNS = {
  ...{ width: 100, height: 80, row: 20, queries: 0, keys: 0 },
  seen: /** @type {[number, number]} */ ([0, 4]),
};

const HEAD = [
  [1, 0, 0, 0],
  [0.5, 0.5, 0, 0],
  [0.75, 0.125, 0.125, 0],
  [0.25, 0, 0.01, 0.74],
];

/** @param {(number | null)[][]} rows @param {number} [head] */
const strand = (rows, head = 0) => /** @type {Strand} */ (strand_of([[0, head]], tile_of(rows)));

/** @param {{calls: Call[]}} context */
const strokes = ({ calls }) => calls.filter(({ what }) => what === "stroke");

/** Where the curves of a stroke begin and end. @param {Call} stroke @returns {[number, number][]} */
function curves({ path = [] }) {
  const starts = path.filter(([what]) => what === "moveTo");
  const ends = path.filter(([what]) => what === "bezierCurveTo");
  expect(starts.map(([, x]) => x)).toEqual(starts.map(() => 0));
  expect(ends.map((curve) => curve[5])).toEqual(ends.map(() => 100));
  return starts.map(([, , y], i) => [y, ends[i][6]]);
}

describe("ends_of", () => {
  test("is the middle of both rows, each as far as its column is scrolled", () => {
    expect(ends_of(COLUMNS, "from", 1, 3)).toEqual([30, 70]);
    expect(ends_of(COLUMNS, "to", 1, 3)).toEqual([70, 30]);
    const scrolled = { ...COLUMNS, queries: 20, keys: 45 };
    expect(ends_of(scrolled, "from", 1, 3)).toEqual([10, 25]);
    expect(ends_of(scrolled, "to", 3, 1)).toEqual([10, 25]);
  });

  test("is just beyond the edge for what is out of sight", () => {
    expect(ends_of(COLUMNS, "from", 0, 500)).toEqual([10, 94]);
    expect(ends_of({ ...COLUMNS, keys: 4000 }, "from", 0, 3)).toEqual([10, -14]);
    expect(ends_of({ ...COLUMNS, queries: 4000 }, "to", 3, 0)).toEqual([-14, 70]);
  });
});

describe("draw_links", () => {
  /** @param {Strand[]} strands @param {object} [look] @param {object} [columns] */
  function drawn(strands, look, columns) {
    const context = make_recorder();
    draw_links(context, 2, { ...COLUMNS, ...columns }, strands, {
      ...{ direction: "from", at: 2, mass: 1, colours: ["blue", "red"], widest: 10 },
      ...look,
    });
    return context;
  }

  test("is one curve for each link of the token, the strongest on top", () => {
    const context = drawn([strand(HEAD)]);
    expect(strokes(context).map((stroke) => curves(stroke))).toEqual([
      [[50, 50]],
      [[50, 30]],
      [[50, 10]],
    ]);
    expect(context.calls[0]).toMatchObject({ what: "setTransform", args: [2, 0, 0, 2, 0, 0] });
  });

  test("widths grow with the weight, and ink with its root; never too thin to see", () => {
    const looks = strokes(drawn([strand(HEAD)], { at: 3 })).map((stroke) => stroke);
    expect(looks.map(({ lineWidth }) => lineWidth)).toEqual([0.75, 2.5, 10 * Math.fround(0.74)]);
    const alphas = looks.map(({ globalAlpha }) => globalAlpha);
    expect(alphas[1]).toBeCloseTo(0.08 + 0.7 * 0.5, 9);
    expect(alphas.toSorted((a, b) => a - b)).toEqual(alphas);
    expect(Math.max(...alphas)).toBeLessThanOrEqual(1);
  });

  test("stops where the share is reached", () => {
    const count = (/** @type {number} */ mass) => strokes(drawn([strand(HEAD)], { mass })).length;
    expect([0.5, 0.75, 0.8, 0.9, 1].map(count)).toEqual([1, 1, 2, 3, 3]);
  });

  test("goes the other way from a key, and gives each head its colour", () => {
    const other = strand([...HEAD].reverse(), 1);
    const found = strokes(drawn([strand(HEAD), other], { direction: "to", at: 1 }));
    expect(found.map((s) => [s.strokeStyle, ...curves(s)])).toEqual([
      ["blue", [50, 30]],
      ["blue", [30, 30]],
      ["red", [30, 30]],
      ["red", [50, 30]],
    ]);
  });

  test("leaves the context as it found its opacity, and draws nothing for nothing", () => {
    expect(drawn([strand(HEAD)]).globalAlpha).toBe(1);
    expect(strokes(drawn([strand(HEAD)], { direction: "to", at: 3, mass: 0 }))).toEqual([]);
    expect(strokes(drawn([strand([[null, null]])], { at: 0 }))).toEqual([]);
  });
});

describe("draw_pattern", () => {
  /** @param {Strand[]} strands @param {object} [look] @param {object} [columns] */
  function drawn(strands, look, columns) {
    const context = make_recorder();
    draw_pattern(context, 1, { ...COLUMNS, ...columns }, strands, {
      ...{ direction: "from", mass: 1, colours: ["grey", "red"], strength: 1 },
      ...look,
    });
    return strokes(context);
  }
  /** @param {Call[]} found */
  const all = (found) => found.flatMap((s) => curves(s)).sort(([a, b], [c, d]) => a - c || b - d);

  test("is every link above next to nothing, those of one look stroked at once", () => {
    const found = drawn([strand(HEAD)]);
    expect(all(found)).toEqual([
      [10, 10],
      ...[
        [30, 10],
        [30, 30],
      ],
      ...[
        [50, 10],
        [50, 30],
        [50, 50],
      ],
      // 0.01 is no ink.
      ...[
        [70, 10],
        [70, 70],
      ],
    ]);
    // 1, 0.75, 0.74, 0.5, 0.25 and 0.125 are six looks; 0.5 is there twice, and 0.125.
    expect(found).toHaveLength(6);
  });

  test("heavier links are wider and darker", () => {
    const found = drawn([strand(HEAD)]);
    for (const name of /** @type {const} */ (["lineWidth", "globalAlpha"])) {
      const values = found.map((stroke) => stroke[name]);
      expect(values.toSorted((a, b) => a - b)).toEqual(values);
      expect(new Set(values).size).toBe(found.length);
    }
    const half = drawn([strand(HEAD)], { strength: 0.5 });
    expect(half[0].globalAlpha).toBeCloseTo(found[0].globalAlpha / 2, 12);
    expect(half[0].lineWidth).toBe(found[0].lineWidth);
  });

  test("holds only the share of each row, and of each column the other way", () => {
    expect(all(drawn([strand(HEAD)], { mass: 0.5 }))).toEqual([
      [10, 10],
      [30, 10],
      [50, 10],
      [70, 70],
    ]);
    const to = drawn([strand(HEAD)], { mass: 0.5, direction: "to" });
    // Of the sum 2.5 of the first key, 1 + 0.75 hold more than half.
    expect(all(to)).toEqual([
      [10, 10],
      [30, 30],
      [50, 10],
      [50, 50],
      [70, 70],
    ]);
  });

  test("starts only from tokens in sight", () => {
    const found = drawn([strand(HEAD)], {}, { seen: [2, 3], queries: 30 });
    expect(all(found)).toEqual([
      [20, 10],
      [20, 30],
      [20, 50],
    ]);
  });

  test("gives each head its colour, and keeps to it", () => {
    const found = drawn([strand([[1]]), strand([[1]], 1)]);
    expect(found.map(({ strokeStyle }) => strokeStyle)).toEqual(["grey", "red"]);
  });
});
