import { describe, expect, test } from "vitest";
import { grid_rows, group_of, sizes_for } from "../src/parts/head_grid.jsx";
import { moved, revealing, zoomed } from "../src/ui.js";
import { labels_along, matrix_layout, SIDE_WIDTH } from "../src/views/matrix/layout.js";
import { layer_of, model_of, sequence } from "./pictures.js";

describe("matrix_layout", () => {
  test("nothing is cut off, at any size and length", () => {
    const random = sequence(11);
    for (let round = 0; round < 300; round++) {
      const beside = random() > 0.5;
      const given = {
        width: beside ? 640 + Math.floor(800 * random()) : 340 + Math.floor(300 * random()),
        height: 250 + Math.floor(250 * random()),
        rows: 1 + Math.floor(600 * random() ** 3),
        cols: 1 + Math.floor(600 * random() ** 3),
        row_label: Math.floor(104 * random()),
        col_label: Math.floor(104 * random()),
        beside,
        legend_lines: 1,
      };
      const { plot, side_left } = matrix_layout(given);
      expect(plot.left - 8 - given.row_label).toBeGreaterThanOrEqual(0);
      expect(plot.top - given.col_label * Math.SQRT1_2).toBeGreaterThanOrEqual(8);
      expect(plot.top + plot.height).toBeLessThanOrEqual(given.height - 8);
      expect(plot.left + plot.width).toBeLessThanOrEqual(given.width);
      if (beside) expect(side_left + SIDE_WIDTH).toBeLessThanOrEqual(given.width);
    }
  });

  test("cells of a square matrix are square, large ones whole pixels", () => {
    const given = { width: 1000, height: 430, row_label: 60, col_label: 60, beside: true };
    const { plot } = matrix_layout({ ...given, rows: 15, cols: 15, legend_lines: 1 });
    expect(plot.width).toBe(plot.height);
    expect(plot.width % 15).toBe(0);
  });
});

describe("labels_along", () => {
  test("do not touch, and always hold the chosen one", () => {
    for (const length of [1, 15, 60, 512]) {
      for (const chosen of [null, 0, Math.floor(length / 3), length - 1]) {
        const labels = labels_along([0, length], 400, 14, [chosen]);
        if (chosen !== null) expect(labels).toContain(chosen);
        for (let i = 1; i < labels.length; i++) {
          expect(((labels[i] - labels[i - 1]) * 400) / length).toBeGreaterThanOrEqual(14);
        }
      }
    }
  });
});

describe("zoom", () => {
  const lengths = { query_len: 100, key_len: 40 };
  const all = {
    rows: /** @type {[number, number]} */ ([0, 100]),
    cols: /** @type {[number, number]} */ ([0, 40]),
  };

  test("keeps the cell in sight, stays inside, and comes back to all", () => {
    /** @type {import("../src/wants.js").Region | null} */
    let region = all;
    for (let i = 0; i < 12; i++) {
      region = zoomed(region ?? all, lengths, 1.5, { query: 97, key: 3 });
      expect(region?.rows[0]).toBeLessThanOrEqual(97);
      expect(region?.rows[1]).toBeGreaterThan(97);
      expect(region?.rows[1]).toBeLessThanOrEqual(100);
      expect(region?.cols[0]).toBeLessThanOrEqual(3);
    }
    expect(Number(region?.rows[1]) - Number(region?.rows[0])).toBe(4);
    for (let i = 0; i < 12 && region; i++) {
      region = zoomed(region, lengths, 1 / 1.5, { query: 97, key: 3 });
    }
    expect(region).toBeNull();
  });

  test("moves within the text, and to what is selected", () => {
    const part = zoomed(all, lengths, 4, { query: 50, key: 20 }) ?? all;
    expect(moved(part, lengths, { queries: 999, keys: -999 })).toEqual({
      rows: [75, 100],
      cols: [0, 10],
    });
    const seen = revealing(part, 99, null);
    expect(seen.rows[1]).toBe(100);
    expect(seen.cols).toEqual(part.cols);
  });
});

describe("head grid", () => {
  test("groups heads only where all layers share alike", () => {
    const [stack] = model_of().stacks;
    const with_layers = (/** @type {ReturnType<typeof layer_of>[]} */ layers) => ({
      ...stack,
      layers,
    });
    expect(group_of(with_layers([layer_of(0, 9, 3), layer_of(1, 9, 3)]))).toBe(3);
    expect(group_of(with_layers([layer_of(0, 9, 3), layer_of(1, 9, 9)]))).toBe(1);
    expect(group_of(stack)).toBe(1);
  });

  test("draws layers without attention as one labelled gap", () => {
    const [stack] = model_of({ layers: [layer_of(2), layer_of(3), layer_of(9)] }).stacks;
    const sizes = sizes_for(stack, { width: 260, height: 300 }, 14, 24);
    const { rows } = grid_rows(stack, sizes, null);
    expect(rows.map(({ first, last, layer }) => [first, last, layer !== null])).toEqual([
      [0, 1, false],
      [2, 2, true],
      [3, 3, true],
      [4, 8, false],
      [9, 9, true],
    ]);
    expect(grid_rows(stack, sizes, 3).rows.map((row) => row.first)).toEqual([3]);
  });

  test("thumbnails shrink with their number down to the least size", () => {
    const side = (/** @type {number} */ heads, /** @type {number} */ layers) => {
      const all = Array.from({ length: layers }, (_, i) => layer_of(i, heads));
      const [stack] = model_of({ layers: all }).stacks;
      return sizes_for(stack, { width: 266, height: 260 }, 14, 24).side;
    };
    expect([side(4, 4), side(12, 6), side(12, 12), side(32, 32)]).toEqual([24, 18, 17, 14]);
  });
});
