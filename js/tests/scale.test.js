import { describe, expect, test } from "vitest";
import { paint_thumbnail } from "../src/draw/cells.js";
import { palette } from "../src/draw/colours.js";
import {
  can_have_sink,
  DECADES,
  is_sink_overall,
  ramp_step,
  SCALES,
  scale_of,
  scale_of_tile,
  share_of_ramp,
  steps_of_tile,
  tops_of_rows,
  weights_of_bytes,
} from "../src/draw/scale.js";
import { sequence, tile_of } from "./pictures.js";

/** @typedef {import("../src/draw/scale.js").ScaleName} ScaleName */

const NAMES = SCALES.map(([name]) => name);

describe("share_of_ramp", () => {
  /** @param {ScaleName} name */
  const shares = (name) => [0, 0.0001, 0.01, 0.25, 1].map((w) => share_of_ramp(name, w, 1));

  test("linear: the weight itself; square root, also per row: its root", () => {
    expect(shares("linear")).toEqual([0, 0.0001, 0.01, 0.25, 1]);
    expect(shares("sqrt")).toEqual([0, 0.01, 0.1, 0.5, 1]);
    expect(shares("row")).toEqual(shares("sqrt"));
  });

  test("logarithmic: a quarter of the ramp for each power of ten, nothing below the last", () => {
    expect(DECADES).toBe(4);
    const [none, least, hundredth, quarter, all] = shares("log");
    expect([none, all]).toEqual([0, 1]);
    expect(least).toBeCloseTo(0, 12);
    expect(hundredth).toBeCloseTo(0.5, 12);
    expect(quarter).toBeCloseTo(1 + Math.log10(0.25) / 4, 12);
    expect(share_of_ramp("log", 1e-7, 1)).toBe(0);
  });

  test.each(NAMES)("%s: from 0 to 1, rising, of the largest; never more, never NaN", (name) => {
    const random = sequence(4);
    for (let round = 0; round < 200; round++) {
      const [top, a, b] = [random() + 0.01, random(), random()];
      const [less, more] = [Math.min(a, b), Math.max(a, b)].map((w) => share_of_ramp(name, w, top));
      expect(less).toBeGreaterThanOrEqual(0);
      expect(more).toBeLessThanOrEqual(1);
      expect(less).toBeLessThanOrEqual(more);
      expect(share_of_ramp(name, 0.5 * top, top)).toBeCloseTo(share_of_ramp(name, 0.5, 1), 9);
    }
    expect(share_of_ramp(name, 2, 1)).toBe(1);
    for (const [weight, top] of [
      [Number.NaN, 1],
      [-1, 1],
      [1, 0],
      [0, 0],
      [1, Number.NaN],
    ]) {
      expect(share_of_ramp(name, weight, top)).toBe(0);
    }
  });

  test("is one of 256 steps", () => {
    expect([0, 0.25, 1].map((w) => ramp_step("sqrt", w, 1))).toEqual([0, 128, 255]);
    expect([0, 0.25, 1].map((w) => ramp_step("linear", w, 1))).toEqual([0, 64, 255]);
    expect(ramp_step("sqrt", 0.1, 0.4)).toBe(128);
    expect(ramp_step("sqrt", 0, 0)).toBe(0);
  });
});

describe("a first token that is a sink", () => {
  /** The first token gets `first` of each row, two more share what is left. @param {number} first */
  const rows = (first) => [
    [first, (1 - first) * 0.75, (1 - first) * 0.25],
    [first, (1 - first) * 0.25, (1 - first) * 0.75],
  ];
  /** @param {(number | null)[][]} cells @param {object} [other] */
  const scale = (cells, other) => scale_of_tile("sqrt", tile_of(cells, other));

  test("does not set the scale", () => {
    const { top, beyond } = scale(rows(0.875));
    expect(top).toBe(0.09375);
    expect(beyond).toBe(0.875);
  });

  test("sets it where it is none: small on average, or hardly larger than the rest", () => {
    expect(scale(rows(0.2))).toMatchObject({ top: Math.fround(0.6), beyond: Math.fround(0.6) });
    // One row looks at the first token, all others never.
    const once = [0.9, 0, 0, 0].map((first) => [first, 0.1]);
    expect(scale(once).top).toBe(Math.fround(0.9));
    const often = [0.9, 0.3, 0, 0].map((first) => [first, 0.1]);
    expect(scale(often).top).toBe(Math.fround(0.1));
    const hardly = [
      [0.5, 0.4, 0.1],
      [0.5, 0.1, 0.4],
    ];
    expect(scale(hardly)).toMatchObject({ top: 0.5, beyond: 0.5 });
  });

  test("is none in cross-attention, nor where the queries leave the first token out", () => {
    const whole = { causal: true, query_len: 9, key_len: 9 };
    expect(can_have_sink({ ...whole, kind: "self" })).toBe(true);
    expect(can_have_sink({ ...whole, kind: "cross" })).toBe(false);
    expect(can_have_sink({ ...whole, kind: "self", query_len: 1 })).toBe(false);
    const three = { kind: /** @type {const} */ ("self"), query_len: 3, key_len: 3 };
    expect(can_have_sink({ ...three, causal: true })).toBe(true);
    expect(can_have_sink({ ...three, causal: false })).toBe(false);
    const { top, beyond } = scale_of_tile("sqrt", tile_of(rows(0.875)), false);
    expect([top, beyond]).toEqual([0.875, 0.875]);
  });

  test("takes much of all rows, not of one", () => {
    expect([is_sink_overall(2.4, 8), is_sink_overall(0.98, 8)]).toEqual([true, false]);
    expect(is_sink_overall(1, 1)).toBe(false);
  });

  test("can only be told where the first token is in the picture", () => {
    const part = scale(rows(0.875), { cols: [3, 6], key_len: 9 });
    expect(part).toMatchObject({ top: 0.875, beyond: 0.875 });
    expect(scale_of("sqrt", rows(0.875).flat(), [2, 3], { has_first: false }).top).toBe(0.875);
  });

  test("alone it is all there is", () => {
    expect(scale([[1], [1]])).toMatchObject({ top: 1, beyond: 1 });
    expect(
      scale([
        [1, 0],
        [1, 0],
      ]),
    ).toMatchObject({ top: 1, beyond: 1 });
    expect(scale([[null]])).toMatchObject({ top: 0, beyond: 0 });
  });

  test("in a row of its own scale it does not set that either", () => {
    const cells = rows(0.875).flat();
    const own = (/** @type {(number | null)[][]} */ all) => {
      const { cells, shape } = tile_of(all);
      const at = scale_of_tile("row", tile_of(all));
      const size = /** @type {[number, number]} */ (shape);
      return [...tops_of_rows(cells, size, at, (cell) => cell)];
    };
    expect(cells).toHaveLength(6);
    expect(own(rows(0.875))).toEqual([0.09375, 0.09375]);
    expect(own(rows(0.25))).toEqual([0.5625, 0.5625]);
  });
});

describe("steps_of_tile", () => {
  const cells = [
    [0.25, 0.5, 0.25],
    [0.04, 0.01, 0],
  ];

  test("share one top, or each row has its own", () => {
    const tile = tile_of(cells);
    const steps = (/** @type {ScaleName} */ name) => [
      ...steps_of_tile(tile, scale_of_tile(name, tile)),
    ];
    expect(steps("linear")).toEqual([128, 255, 128, 20, 5, 0]);
    expect(steps("sqrt")).toEqual([180, 255, 180, 72, 36, 0]);
    expect(steps("row")).toEqual([180, 255, 180, 255, 128, 0]);
    expect(steps("log")).toEqual(
      cells.flat().map((w) => Math.round(255 * share_of_ramp("log", Math.fround(w), 0.5))),
    );
  });

  test.each(NAMES)("%s: bytes of the kernel say the same as the numbers they stand for", (name) => {
    const random = sequence(12);
    const bytes = Uint8Array.from({ length: 35 }, () => Math.floor(256 * random() ** 2));
    const max = 0.8;
    const exact = Array.from(bytes, (byte) => max * (byte / 255) ** 2);
    const rows = Array.from({ length: 5 }, (_, r) => exact.slice(7 * r, 7 * r + 7));
    const linear = tile_of(rows);
    const coarse = tile_of(rows, { encoding: "sqrt", cells: bytes, max });
    expect([...steps_of_tile(coarse, scale_of_tile(name, coarse))]).toEqual([
      ...steps_of_tile(linear, scale_of_tile(name, linear)),
    ]);
  });

  test("without a sink, a byte is its own step on the square root scale", () => {
    const bytes = Uint8Array.of(0, 255, 77, 128);
    const tile = tile_of([[0, 0, 0, 0]], { encoding: "sqrt", cells: bytes, max: 0.3 });
    expect([...steps_of_tile(tile, scale_of_tile("sqrt", tile))]).toEqual([...bytes]);
    expect(weights_of_bytes(0.3)[255]).toBeCloseTo(0.3, 6);
  });

  test("NaN and masked cells are no ink and set no scale", () => {
    // The kernel sends 0 in their place.
    const tile = tile_of([[0.1, 0, 0, 0.4]], { flags: Uint8Array.of(0, 1, 2, 0) });
    expect(scale_of_tile("sqrt", tile).top).toBe(Math.fround(0.4));
    expect([...steps_of_tile(tile, scale_of_tile("row", tile))]).toEqual([128, 0, 0, 255]);
  });
});

describe("thumbnails", () => {
  // A ramp that shows its steps.
  const colours = { ...palette("light"), ramp: Uint32Array.from({ length: 256 }, (_, i) => i) };
  /** @param {number[]} bytes @param {[number, number]} shape @param {ScaleName} name */
  function painted(bytes, shape, name) {
    const side = shape[0];
    const target = { data: new Uint32Array(side * side), width: side, height: side };
    paint_thumbnail(target, Uint8Array.from(bytes), shape, { x: 0, y: 0, side }, colours, name);
    return [...target.data];
  }

  test("are drawn on the chosen scale", () => {
    const bytes = [0, 255, 128, 51];
    expect(painted(bytes, [2, 2], "sqrt")).toEqual(bytes);
    const weights = bytes.map((byte) => (byte / 255) ** 2);
    expect(painted(bytes, [2, 2], "linear")).toEqual(weights.map((w) => Math.round(255 * w)));
    expect(painted(bytes, [2, 2], "row")).toEqual([0, 255, 255, 102]);
    expect(painted(bytes, [2, 2], "log")).toEqual(weights.map((w) => ramp_step("log", w, 1)));
  });

  test("a sink in the first column leaves the ramp to the rest", () => {
    const bytes = [255, 51, 255, 102];
    expect(painted(bytes, [2, 2], "sqrt")).toEqual([255, 128, 255, 255]);
    expect(painted(bytes, [2, 2], "row")).toEqual([255, 255, 255, 255]);
  });
});
