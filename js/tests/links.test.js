import { describe, expect, test } from "vitest";
import {
  between,
  count_for_mass,
  links_of_lines,
  links_of_row,
  links_of_tile,
  NO_LINKS,
  strand_of,
  weight_at,
  with_row,
} from "../src/links.js";
import { lines_of, row_of, sequence, tile_of } from "./pictures.js";

/** @typedef {import("../src/links.js").Links} Links */
/** @typedef {import("../src/links.js").Strand} Strand */
/** @typedef {import("../src/messages.js").Direction} Direction */

const { fround } = Math;

/** @param {Links} links @returns {[number, number][]} */
const pairs = ({ items, weights, count }) =>
  Array.from({ length: count }, (_, i) => [items[i], weights[i]]);

/** A head with some masked and some NaN cells. @param {() => number} random @param {number} broken  Share of NaN. */
function random_rows(random, broken = 0) {
  const [rows, cols] = [1 + Math.floor(12 * random()), 1 + Math.floor(12 * random())];
  return Array.from({ length: rows }, () =>
    Array.from({ length: cols }, () => {
      const kind = random();
      if (kind < 0.2) return null;
      if (kind < 0.2 + broken) return Number.NaN;
      // Equal weights and zeros as well.
      return kind < 0.5 ? fround(Math.floor(3 * random()) / 8) : fround(random());
    }),
  );
}

/** The same by brute force. @param {(number | null)[]} weights */
function naive(weights) {
  const seen = [...weights.entries()].filter(([, w]) => w !== null && Number(w) > 0);
  const sorted = /** @type {[number, number][]} */ (
    seen.toSorted(([i, a], [j, b]) => Number(b) - Number(a) || i - j)
  );
  const sum = weights.some((w) => Number.isNaN(w))
    ? Number.NaN
    : sorted.reduce((total, [, w]) => total + w, 0);
  return { sorted, sum };
}

describe("links of a tile", () => {
  test("are all weights above 0 of a row or a column, largest first", () => {
    const random = sequence(21);
    for (let round = 0; round < 200; round++) {
      const rows = random_rows(random, round % 2 ? 0.1 : 0);
      const tile = tile_of(rows);
      for (const direction of /** @type {Direction[]} */ (["from", "to"])) {
        const from = direction === "from";
        for (let at = 0; at < (from ? rows.length : rows[0].length); at++) {
          const links = links_of_tile(tile, direction, at);
          const { sorted, sum } = naive(from ? rows[at] : rows.map((row) => row[at]));
          expect(pairs(links)).toEqual(sorted);
          expect(links.complete).toBe(true);
          if (Number.isNaN(sum)) expect(links.sum).toBeNaN();
          else expect(links.sum).toBeCloseTo(sum, 9);
        }
      }
    }
  });

  test("leave out masked cells and NaN, which makes the sum unknown", () => {
    const tile = tile_of([
      [0.25, null, 0.75],
      [Number.NaN, 0.5, 0.25],
    ]);
    expect(pairs(links_of_tile(tile, "from", 0))).toEqual([
      [2, 0.75],
      [0, 0.25],
    ]);
    expect(links_of_tile(tile, "from", 0).sum).toBe(1);
    expect(pairs(links_of_tile(tile, "from", 1))).toEqual([
      [1, 0.5],
      [2, 0.25],
    ]);
    expect(links_of_tile(tile, "from", 1).sum).toBeNaN();
    expect(pairs(links_of_tile(tile, "to", 1))).toEqual([[1, 0.5]]);
    // Whatever number stands in their place.
    const flags = Uint8Array.of(0, 1, 2);
    const other = links_of_tile(tile_of([[0.5, 0.25, 0.25]], { flags }), "from", 0);
    expect(pairs(other)).toEqual([[0, 0.5]]);
  });
});

describe("links of lists", () => {
  const lines = lines_of(
    [
      [0.5, 0.125, 0.25, 0.125],
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ],
    2,
  );

  test("are as many as came, and know whether any are missing", () => {
    expect(pairs(links_of_lines(lines, 0))).toEqual([
      [0, 0.5],
      [2, 0.25],
    ]);
    expect(links_of_lines(lines, 0)).toMatchObject({ count: 2, sum: 1, complete: false });
    expect(pairs(links_of_lines(lines, 1))).toEqual([[2, 1]]);
    expect(links_of_lines(lines, 1)).toMatchObject({ count: 1, sum: 1, complete: true });
    expect(links_of_lines(lines, 2)).toMatchObject({ count: 0, sum: 0, complete: true });
  });

  test("are complete where the list holds every candidate", () => {
    expect(links_of_lines(lines_of([[0.5, 0.5]], 64), 0)).toMatchObject({
      count: 2,
      complete: true,
    });
  });

  test("of a row are all of it", () => {
    const links = links_of_row(row_of([0.25, null, 0.5, 0, 0.25]));
    expect(pairs(links)).toEqual([
      [2, 0.5],
      [0, 0.25],
      [4, 0.25],
    ]);
    expect(links).toMatchObject({ sum: 1, complete: true });
    expect(links_of_row(row_of([Number.NaN, 1])).sum).toBeNaN();
  });

  test("a weight is found by its item", () => {
    const links = links_of_lines(lines, 0);
    expect([0, 1, 2].map((item) => weight_at(links, item))).toEqual([0.5, 0, 0.25]);
    expect(weight_at(NO_LINKS, 0)).toBe(0);
  });
});

describe("strands", () => {
  const rows = [
    [0.5, 0.5],
    [0.25, 0.75],
  ];

  test("put each token's links in order once", () => {
    const strand = /** @type {Strand} */ (strand_of([[0, 1]], tile_of(rows)));
    expect(strand.set).toEqual([[0, 1]]);
    expect(strand.links("from", 1)).toBe(strand.links("from", 1));
    expect(strand.links("to", 1)).not.toBe(strand.links("from", 1));
    expect(pairs(strand.links("to", 1))).toEqual([
      [1, 0.75],
      [0, 0.5],
    ]);
  });

  test("are made of the whole exact head only", () => {
    const tile = tile_of(rows);
    expect(strand_of([[0, 1]], { ...tile, block: [1, 2] })).toBeNull();
    expect(strand_of([[0, 1]], { ...tile, encoding: "sqrt" })).toBeNull();
    expect(strand_of([[0, 1]], { ...tile, query_len: 3 })).toBeNull();
    expect(strand_of([[0, 1]], { ...tile, cols: [1, 3], key_len: 3 })).toBeNull();
  });

  test("of lists have the way that has come, and nothing for the other", () => {
    const from = lines_of(rows, 1);
    const strand = /** @type {Strand} */ (strand_of([[0, 0]], { from, to: null }));
    expect(pairs(strand.links("from", 1))).toEqual([[1, 0.75]]);
    expect(strand.links("to", 1)).toBe(NO_LINKS);
  });

  test("with a row have that token's links complete, all others as before", () => {
    const to = lines_of(rows, 1, "to");
    const strand = /** @type {Strand} */ (strand_of([[0, 0]], { from: lines_of(rows, 1), to }));
    const whole = with_row(strand, row_of(rows[1], { at: 1 }));
    expect(whole.set).toBe(strand.set);
    expect(pairs(whole.links("from", 1))).toEqual([
      [1, 0.75],
      [0, 0.25],
    ]);
    expect(whole.links("from", 0)).toBe(strand.links("from", 0));
    expect(whole.links("to", 1)).toBe(strand.links("to", 1));
  });
});

describe("between two heads", () => {
  const before = links_of_row(row_of([0.5, 0, 0.25, 0.25]));
  const after = links_of_row(row_of([0, 1, 0, 0]));

  test("each weight goes its way, in order of size", () => {
    expect(pairs(between(before, after, 0.5))).toEqual([
      [1, 0.5],
      [0, 0.25],
      [2, 0.125],
      [3, 0.125],
    ]);
    expect(between(before, after, 0.5)).toMatchObject({ sum: 1, complete: true });
    expect(between(before, NO_LINKS, 0.25).sum).toBe(0.75);
  });

  test("it begins as the one and ends as the other", () => {
    const seen = (/** @type {number} */ share) =>
      pairs(between(before, after, share)).filter(([, w]) => w > 0);
    expect(seen(0)).toEqual(pairs(before));
    expect(seen(1)).toEqual(pairs(after));
    expect(between(links_of_lines(lines_of([[0.6, 0.4]], 1), 0), after, 0.5).complete).toBe(false);
  });
});

describe("count_for_mass", () => {
  /** @param {number[]} weights @param {number} [sum] @returns {Links} */
  const links = (weights, sum = weights.reduce((a, b) => a + b, 0)) => ({
    items: weights.map((_, i) => i),
    ...{ weights, count: weights.length, sum, complete: true },
  });

  test("takes as few of the largest as hold the share", () => {
    const four = links([0.5, 0.25, 0.125, 0.125]);
    expect(
      [0, 0.25, 0.5, 0.51, 0.75, 0.76, 0.875, 0.9, 1].map((m) => count_for_mass(four, m)),
    ).toEqual([0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test("is a share of the token's own sum, whatever that is", () => {
    expect(count_for_mass(links([3, 2, 1]), 0.5)).toBe(1);
    expect(count_for_mass(links([3, 2, 1]), 0.6)).toBe(2);
    // What is not listed counts as well: all that there is does not hold the share.
    expect(count_for_mass(links([0.3, 0.2], 1), 0.9)).toBe(2);
    expect(count_for_mass(links([0.3, 0.2], 1), 0.5)).toBe(2);
    expect(count_for_mass(links([0.3, 0.2], 1), 0.3)).toBe(1);
  });

  test("at 1, and where the sum is not known, it is all that are listed", () => {
    expect(count_for_mass(links([0.75, 0.25]), 1)).toBe(2);
    expect(count_for_mass(links([0.75, 0.25], 0.5), 1)).toBe(2);
    expect(count_for_mass(links([0.75, 0.25], Number.NaN), 0.1)).toBe(2);
    expect(count_for_mass(NO_LINKS, 0.9)).toBe(0);
    expect(count_for_mass(NO_LINKS, 1)).toBe(0);
  });

  test("holds for any row and any share", () => {
    const random = sequence(33);
    for (let round = 0; round < 300; round++) {
      const found = links_of_tile(tile_of(random_rows(random)), "from", 0);
      const mass = random();
      const count = count_for_mass(found, mass);
      const held = (/** @type {number} */ n) =>
        pairs(found)
          .slice(0, n)
          .reduce((total, [, w]) => total + w, 0);
      expect(held(count)).toBeGreaterThanOrEqual(mass * found.sum - 1e-12);
      if (count > 0) expect(held(count - 1)).toBeLessThan(mass * found.sum);
    }
  });
});
