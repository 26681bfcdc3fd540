import { describe, expect, test } from "vitest";
import { links_of_row } from "../src/links.js";
import { items_in_sight, lines_layout, scrolled_to } from "../src/views/lines/layout.js";
import { mean_of, shares_beside, unseen, washes_of } from "../src/views/lines/shares.js";
import { row_of, sequence } from "./pictures.js";

/** @param {Partial<Parameters<typeof lines_layout>[0]>} given */
const layout_of = (given) =>
  lines_layout({
    ...{ width: 700, height: 400, items: 15, query_label: 60, key_label: 60 },
    ...{ large: false, shares: 1 },
    ...given,
  });

describe("the columns", () => {
  const widths = Array.from({ length: 131 }, (_, i) => 300 + 10 * i);

  test("never overlap, and leave room for the lines, at any width", () => {
    for (const width of widths) {
      for (const large of [false, true]) {
        for (const [query_label, key_label] of [
          [12, 12],
          [40, 200],
          [200, 12],
          [200, 200],
        ]) {
          const { queries, between, keys } = layout_of({ width, query_label, key_label, large });
          expect(queries.left + queries.width).toBeLessThanOrEqual(between.left);
          expect(between.left + between.width).toBeLessThanOrEqual(keys.left);
          expect(between.width).toBeGreaterThanOrEqual(72);
          expect(queries.width).toBeGreaterThanOrEqual(query_label + 16);
          expect(keys.width).toBeGreaterThanOrEqual(key_label + 16);
        }
      }
    }
  });

  test("with their percentages stay inside the width", () => {
    for (const width of widths) {
      for (const label of [12, 26, 40, Math.max(56, Math.floor(width / 4.5))]) {
        // As the view has it: three heads have their numbers side by side only where it is wide.
        for (const shares of width < 460 ? [1] : [1, 2, 3]) {
          const at = layout_of({ width, query_label: label, key_label: label, shares });
          expect(at.queries.left - at.shares).toBeGreaterThanOrEqual(0);
          expect(at.keys.left + at.keys.width + at.shares).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  test("stand in the middle where there is more room than lines need", () => {
    const { queries, keys, between } = layout_of({ width: 1600 });
    expect(between.width).toBe(480);
    const right = 1600 - keys.left - keys.width;
    expect(Math.abs(queries.left - right)).toBeLessThanOrEqual(1);
  });

  test("do not move with the number of a token: percentages have room on both sides", () => {
    const [one, three] = [1, 3].map((shares) => layout_of({ width: 900, shares }));
    expect(three.shares).toBe(3 * one.shares);
    expect(three.queries.left).toBeGreaterThanOrEqual(three.shares);
  });
});

describe("rows", () => {
  test("fit, as high as there is room, or scroll", () => {
    const rows = (/** @type {number} */ items, large = false) => layout_of({ items, large });
    expect([1, 15, 16, 20, 22].map((items) => rows(items).row)).toEqual([26, 26, 25, 20, 18]);
    for (let items = 1; items <= 22; items++) {
      expect(rows(items).height).toBe(items * rows(items).row);
      expect(rows(items).height).toBeLessThanOrEqual(400);
    }
    for (const items of [23, 100, 4096]) {
      expect(rows(items)).toMatchObject({ row: 24, height: 400 });
    }
    expect(rows(3, true).row).toBe(42);
    expect(rows(14, true)).toMatchObject({ row: 38, height: 400 });
  });

  test("in sight are those that are at least partly seen", () => {
    expect(items_in_sight(0, 100, 20, 50)).toEqual([0, 5]);
    expect(items_in_sight(30, 100, 20, 50)).toEqual([1, 7]);
    expect(items_in_sight(40, 100, 20, 50)).toEqual([2, 7]);
    expect(items_in_sight(-5, 100, 20, 50)).toEqual([0, 5]);
    expect(items_in_sight(940, 100, 20, 50)).toEqual([47, 50]);
    expect(items_in_sight(0, 100, 20, 2)).toEqual([0, 2]);
    expect(items_in_sight(0, 0, 20, 0)).toEqual([0, 0]);
  });

  test("scrolling to an item moves as little as needed to see it with its neighbours", () => {
    // 50 rows of 20 pixels, five of them in sight.
    expect(scrolled_to(200, 100, 20, 12, 50)).toBe(200);
    expect(scrolled_to(200, 100, 20, 11, 50)).toBe(180);
    expect(scrolled_to(200, 100, 20, 13, 50)).toBe(220);
    expect(scrolled_to(200, 100, 20, 40, 50)).toBe(760);
    expect(scrolled_to(200, 100, 20, 0, 50)).toBe(0);
    expect(scrolled_to(200, 100, 20, 49, 50)).toBe(900);
    expect(scrolled_to(0, 100, 20, 1, 3)).toBe(0);
  });

  test("hold for any column: the item is in sight afterwards, and stays where it is", () => {
    const random = sequence(17);
    for (let round = 0; round < 300; round++) {
      const row = 18 + Math.floor(20 * random());
      const length = 1 + Math.floor(200 * random());
      const height = Math.min(row * length, row + Math.floor(400 * random()));
      const most = length * row - height;
      const item = Math.floor(length * random());
      const to = scrolled_to(Math.floor(most * random()), height, row, item, length);
      expect(to).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(most);
      expect(item * row).toBeGreaterThanOrEqual(to);
      expect((item + 1) * row).toBeLessThanOrEqual(to + height);
      expect(scrolled_to(to, height, row, item, length)).toBe(to);
    }
  });
});

describe("what ends out of sight", () => {
  /** Five rows of 20 pixels, of 20 items. @param {number} scrolled */
  const columns = (scrolled) => ({
    ...{ width: 100, height: 100, row: 20, queries: scrolled, keys: scrolled },
    seen: /** @type {[number, number]} */ ([0, 5]),
  });
  const lengths = { query: 20, key: 20 };
  const weights = Array(20).fill(0);
  Object.assign(weights, { 2: 0.5, 8: 0.3, 15: 0.195, 16: 0.005 });
  const one = links_of_row(row_of(weights));

  test("is added up, above and below, with the largest to go to", () => {
    const at = (/** @type {number} */ scrolled) =>
      unseen([one], columns(scrolled), "from", lengths, 1);
    expect(at(0).above).toBeNull();
    expect(at(0).below?.share).toBeCloseTo(0.5, 6);
    expect(at(0).below?.item).toBe(8);
    expect(at(150).above).toMatchObject({ share: 0.5, item: 2 });
    expect(at(150).below?.item).toBe(15);
    // A half of a percent is not worth a button.
    expect(at(220).below).toBeNull();
  });

  test("counts only what is drawn, and the mean of several heads", () => {
    const few = unseen([one], columns(0), "from", lengths, 0.7);
    expect(few.below?.share).toBeCloseTo(0.3, 6);
    const both = unseen([one, links_of_row(row_of([1]))], columns(0), "from", lengths, 1);
    expect(both.below?.share).toBeCloseTo(0.25, 6);
  });

  test("is a share of all that the key gets, the other way", () => {
    const much = links_of_row(row_of(weights.map((w) => 4 * w)));
    const to = unseen([much], columns(0), "to", lengths, 1);
    expect(to.below?.share).toBeCloseTo(0.5, 6);
  });
});

describe("beside and behind the tokens", () => {
  const [first, second] = [
    links_of_row(row_of([0.5, 0.25, 0.04, 0.21])),
    links_of_row(row_of([0, 0.75, 0.25, 0])),
  ];

  test("percentages of what is worth one, each in its head's colour, the largest first", () => {
    const alone = shares_beside([first], ["blue"], false);
    expect(Object.fromEntries(alone)).toEqual({
      0: [{ share: 0.5, colour: "" }],
      1: [{ share: 0.25, colour: "" }],
      3: [{ share: Math.fround(0.21), colour: "" }],
    });
    const both = shares_beside([first, second], ["blue", "red"], true);
    expect(both.get(1)).toEqual([
      { share: 0.75, colour: "red" },
      { share: 0.25, colour: "blue" },
    ]);
    expect(both.get(2)).toEqual([{ share: 0.25, colour: "red" }]);
  });

  test("several heads are washed as their mean", () => {
    const mean = mean_of([first, second]);
    expect([...mean.keys()].sort()).toEqual([0, 1, 2, 3]);
    expect(mean.get(0)).toBe(0.25);
    expect(mean.get(1)).toBe(0.5);
    expect(mean.get(2)).toBeCloseTo(0.145, 6);
    expect(mean_of([])).toEqual(new Map());
  });

  test("washes grow with the weight; the largest is full, next to nothing is none", () => {
    const how = { can_sink: false };
    const links = [links_of_row(row_of([0, 0.6, 0.3, 0.0001]))];
    const linear = washes_of(links, "linear", how);
    expect(linear.get(1)).toBeCloseTo(0.42, 9);
    expect(linear.get(2)).toBeCloseTo(0.21, 6);
    expect(linear.has(3)).toBe(false);
    const root = washes_of(links, "sqrt", how);
    expect(root.get(1)).toBeCloseTo(0.42, 9);
    expect(root.get(2)).toBeCloseTo(0.42 * 0.5 ** 0.75, 6);
    expect(washes_of([], "sqrt", how).size).toBe(0);
  });

  test("a first token that takes it all leaves room for the rest, but only where it can be a sink", () => {
    const links = [links_of_row(row_of([0.875, 0.125]))];
    const keys = washes_of(links, "linear", { can_sink: true });
    expect([keys.get(0), keys.get(1)]).toEqual([0.42, 0.42]);
    const queries = washes_of(links, "linear", { can_sink: false });
    expect(queries.get(0)).toBe(0.42);
    expect(queries.get(1)).toBeCloseTo(0.06, 9);
  });
});
