import { describe, expect, test } from "vitest";
import { axis_map, paint_bars, paint_thumbnail, paint_tile } from "../src/draw/cells.js";
import {
  as_pixel,
  colours_of_heads,
  faint_colour,
  palette,
  ramp_colours,
  ramp_gradient,
} from "../src/draw/colours.js";
import { scale_of_tile, steps_of_tile } from "../src/draw/scale.js";
import { sequence, tile_of } from "./pictures.js";

/** @typedef {import("../src/messages.js").LayerHead} LayerHead */

const COLOURS = palette("light");

/** @param {number} width @param {number} height */
const pixels = (width, height) => ({ data: new Uint32Array(width * height), width, height });

/**
 * A tile as it is drawn on a scale without a sink.
 *
 * @param {import("../src/messages.js").TilePicture} tile
 * @param {import("../src/draw/scale.js").ScaleName} [name]
 */
const steps_of = (tile, name = "sqrt") => steps_of_tile(tile, scale_of_tile(name, tile));

/** Relative luminance, WCAG 2. @param {number[]} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe("ramp", () => {
  test("runs evenly from the ground to ink, in both schemes", () => {
    for (const [scheme, ground, sign] of /** @type {const} */ ([
      ["light", [255, 255, 255], -1],
      ["dark", [20, 23, 27], 1],
    ])) {
      const colours = ramp_colours(scheme);
      expect(colours).toHaveLength(256);
      expect(colours[0]).toEqual(ground);
      for (let i = 1; i < 256; i++) {
        expect(sign * (luminance(colours[i]) - luminance(colours[i - 1]))).toBeGreaterThan(-1e-3);
      }
      const [low, high] = [luminance(colours[0]), luminance(colours[255])].sort((a, b) => a - b);
      expect((high + 0.05) / (low + 0.05)).toBeGreaterThan(9);
    }
  });

  test("stands in the legend from end to end", () => {
    expect(ramp_gradient("light")).toMatch(
      /^linear-gradient\(to right, rgb\(255 255 255\), .*, rgb\(8 58 105\)\)$/,
    );
  });

  test("pixels are what ImageData holds", () => {
    const bytes = new Uint8ClampedArray(Uint32Array.of(as_pixel([1, 2, 3])).buffer);
    expect([...bytes]).toEqual([1, 2, 3, 255]);
  });
});

describe("axis_map", () => {
  test("gives each pixel its cell, a gap after each but the last", () => {
    expect([...axis_map(6, [0, 2], [0, 2], 1, 0)]).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...axis_map(6, [0, 2], [0, 2], 1, 1)]).toEqual([0, 0, -1, 1, 1, 1]);
    expect([...axis_map(4, [2, 6], [0, 4], 2, 0)]).toEqual([1, 1, -2, -2]);
  });
});

describe("paint_tile", () => {
  test("every pixel is the colour of its weight, whatever the sizes", () => {
    const random = sequence(3);
    for (let round = 0; round < 20; round++) {
      const [rows, cols] = [1 + Math.floor(9 * random()), 1 + Math.floor(9 * random())];
      const tile = tile_of(
        Array.from({ length: rows }, () => Array.from({ length: cols }, () => random())),
      );
      const name = /** @type {const} */ (["linear", "sqrt", "log", "row"])[round % 4];
      const steps = steps_of(tile, name);
      const unit = 1 + Math.floor(8 * random());
      const target = pixels(cols * unit, rows * unit);
      const region = { rows: tile.rows, cols: tile.cols };
      paint_tile(target, tile, region, COLOURS, { gap: 0, unit: 1, steps });
      for (let y = 0; y < target.height; y++) {
        for (let x = 0; x < target.width; x++) {
          const cell = Math.floor(y / unit) * cols + Math.floor(x / unit);
          expect(target.data[y * target.width + x]).toBe(COLOURS.ramp[steps[cell]]);
        }
      }
    }
  });

  test("masked cells are hatched, NaN has a colour of its own, gaps are ground", () => {
    const tile = tile_of([[0.5, null, Number.NaN]]);
    const target = pixels(30, 10);
    const style = { gap: 1, unit: 1, steps: steps_of(tile) };
    paint_tile(target, tile, { rows: [0, 1], cols: [0, 3] }, COLOURS, style);
    const at = (/** @type {number} */ from) => new Set(columns(target, from, from + 9));
    expect(at(0)).toEqual(new Set([COLOURS.ramp[255]]));
    expect(at(10)).toEqual(new Set([COLOURS.hatch, COLOURS.ground]));
    expect(at(20)).toEqual(new Set([COLOURS.not_a_number, COLOURS.ground]));
    expect(new Set(columns(target, 9, 10))).toEqual(new Set([COLOURS.ground]));
  });

  test("bytes are steps of the ramp; what the tile does not reach is left alone", () => {
    const tile = tile_of([[0]], {
      cols: [2, 6],
      block: [1, 2],
      encoding: "sqrt",
      shape: [1, 2],
      key_len: 6,
      max: 1,
      cells: Uint8Array.of(77, 255),
      flags: Uint8Array.of(0, 0),
    });
    const target = pixels(4, 1);
    const style = { gap: 0, unit: 1, steps: steps_of(tile) };
    paint_tile(target, tile, { rows: [0, 1], cols: [0, 4] }, COLOURS, style);
    expect([...target.data]).toEqual([0, 0, COLOURS.ramp[77], COLOURS.ramp[77]]);
  });
});

test("a thumbnail smaller than its cells keeps the largest", () => {
  const cells = new Uint8Array(16);
  cells[6] = 200;
  const target = pixels(3, 3);
  paint_thumbnail(target, cells, [4, 4], { x: 1, y: 1, side: 2 }, COLOURS, "linear");
  // The head's largest is full ink.
  const [none, most] = [COLOURS.ramp[0], COLOURS.ramp[255]];
  expect([...target.data]).toEqual([0, 0, 0, 0, none, most, 0, none, none]);
});

test("sums are bars that grow away from the matrix", () => {
  const target = pixels(4, 2);
  const how = { most: 4, gap: 0, side: /** @type {const} */ ("below"), colour: 9 };
  paint_bars(target, [4, 1], { ...how, held: [0, 2], shown: [0, 2] });
  expect([...target.data]).toEqual([9, 9, 9, 9, 9, 9, 0, 0]);
});

describe("colours of heads", () => {
  const heads = (/** @type {number[]} */ ...numbers) =>
    numbers.map((head) => /** @type {LayerHead} */ ([5, head]));

  test("are distinct for up to seven heads, of any number and layer", () => {
    const random = sequence(9);
    for (const scheme of /** @type {const} */ (["light", "dark"])) {
      for (let round = 0; round < 100; round++) {
        const all = Array.from(
          { length: 7 },
          () => /** @type {LayerHead} */ ([Math.floor(4 * random()), Math.floor(16 * random())]),
        );
        expect(new Set(colours_of_heads(all, scheme)).size).toBe(7);
      }
    }
  });

  test("stay when another head leaves or joins at the end", () => {
    const all = colours_of_heads(heads(0, 2, 3, 5), "light");
    expect(colours_of_heads(heads(0, 3, 5), "light")).toEqual([all[0], all[2], all[3]]);
    expect(colours_of_heads(heads(2, 3, 5), "light")).toEqual(all.slice(1));
    expect(colours_of_heads(heads(0, 2, 3, 5, 6), "light").slice(0, 4)).toEqual(all);
  });

  test("come round again when there are more, so that neighbours differ", () => {
    const twelve = colours_of_heads(heads(...Array(12).keys()), "light");
    expect(twelve).toHaveLength(12);
    expect(new Set(twelve).size).toBe(7);
    expect(twelve.every((colour, i) => i === 0 || colour !== twelve[i - 1])).toBe(true);
  });

  test("are seen on their ground: at least 2 : 1, and so is the faint one", () => {
    for (const [scheme, ground] of /** @type {const} */ ([
      ["light", [255, 255, 255]],
      ["dark", [20, 23, 27]],
    ])) {
      const seven = colours_of_heads(heads(0, 1, 2, 3, 4, 5, 6), scheme);
      for (const colour of [...seven, faint_colour(scheme)]) {
        const rgb = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
        const pair = [luminance(rgb), luminance([...ground])].sort((a, b) => b - a);
        expect((pair[0] + 0.05) / (pair[1] + 0.05)).toBeGreaterThan(2);
      }
    }
  });
});

/** @param {{data: Uint32Array, width: number}} target @param {number} from @param {number} to */
function columns({ data, width }, from, to) {
  return [...data].filter((_, i) => i % width >= from && i % width < to);
}
