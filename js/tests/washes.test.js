import { describe, expect, test } from "vitest";
import { draw_washes, opacities } from "../src/draw/washes.js";
import { links_of_row } from "../src/links.js";
import { row_of } from "./pictures.js";
import { make_recorder } from "./recorder.js";

/** @typedef {Parameters<typeof draw_washes>[2]} What */

/** @param {(number | null)[]} weights */
const links = (weights) => links_of_row(row_of(weights));

describe("opacities", () => {
  test("grow with the weight on the chosen scale, half at most", () => {
    const three = links([0.125, 0.5, 0.375]);
    expect(opacities(three, "linear", false)).toEqual([
      [1, 0.5],
      [2, 0.375],
      [0, 0.125],
    ]);
    expect(opacities(three, "sqrt", false)).toEqual([
      [1, 0.5],
      [2, 0.5 * Math.sqrt(0.75)],
      [0, 0.25],
    ]);
    expect(opacities(three, "row", false)).toEqual(opacities(three, "sqrt", false));
    expect(opacities(links([0, 0.5, 0.005]), "log", false)[1][1]).toBeCloseTo(0.25, 6);
  });

  test("leave out a first token that takes it all, among keys", () => {
    const sink = links([0.875, 0.09375, 0.03125]);
    expect(opacities(sink, "linear", true)).toEqual([
      [0, 0.5],
      [1, 0.5],
      [2, 0.5 / 3],
    ]);
    expect(opacities(sink, "linear", false)[0]).toEqual([0, 0.5]);
    expect(opacities(sink, "linear", false)[1][1]).toBeCloseTo(0.5 * (0.09375 / 0.875), 9);
  });

  test("of nothing are none", () => {
    expect(opacities(links([null, null]), "sqrt", true)).toEqual([]);
  });
});

describe("draw_washes", () => {
  const box = (/** @type {number} */ left, top = 0) => ({ left, top, width: 30, height: 20 });
  // The third word is broken over two lines.
  const boxes = [[box(0)], [box(40)], [box(80), box(0, 25)]];

  /** @param {Partial<What>} what */
  function drawn(what) {
    const context = make_recorder();
    draw_washes(context, 2, {
      ...{ boxes, washes: null, near: null, far: null, found: new Set(), scrolled: 0, height: 100 },
      colours: { near: "near", far: "far", found: "found" },
      ...what,
    });
    return context;
  }
  /** @param {number[][]} rows */
  const washes = (...rows) => ({
    links: rows.map(links),
    colours: ["blue", "red"],
    ...{ scale: /** @type {const} */ ("linear"), can_sink: false },
  });
  /** @param {{calls: import("./recorder.js").Call[]}} context */
  const fills = ({ calls }) =>
    calls
      .filter(({ what }) => what === "fillRect")
      .map(({ args, fillStyle, globalAlpha }) => [fillStyle, globalAlpha, ...args]);

  test("wash every box of a word by its weight", () => {
    expect(fills(drawn({ washes: washes([0, 0.25, 0.75]) }))).toEqual([
      ["blue", 0.5, 80, 0, 30, 20],
      ["blue", 0.5, 0, 25, 30, 20],
      ["blue", 0.5 / 3, 40, 0, 30, 20],
    ]);
  });

  test("several heads are stripes, one under the other", () => {
    expect(fills(drawn({ washes: washes([0, 1, 0], [1, 0, 0]) }))).toEqual([
      ["blue", 0.5, 40, 0, 30, 10],
      ["red", 0.5, 0, 10, 30, 10],
    ]);
  });

  test("leave out what is next to nothing, and what is not in sight", () => {
    expect(fills(drawn({ washes: washes([0.001, 0.999, 0]) }))).toHaveLength(1);
    const below = fills(drawn({ washes: washes([0, 0.25, 0.75]), scrolled: 22 }));
    expect(below).toEqual([["blue", 0.5, 0, 25, 30, 20]]);
    const above = fills(drawn({ washes: washes([0, 0.25, 0.75]), height: 25 }));
    expect(above).toHaveLength(2);
  });

  test("move with the paper, at the screen's resolution", () => {
    expect(drawn({ scrolled: 30 }).calls[0]).toMatchObject({
      what: "setTransform",
      args: [2, 0, 0, 2, 0, -60],
    });
  });

  test("frame what is found, the other end, and the token, this one last", () => {
    const { calls, globalAlpha } = drawn({
      ...{ washes: washes([0, 1, 0]), near: 1, far: 2, found: new Set([0, 7]) },
    });
    const frames = calls.filter(({ what }) => what === "roundRect");
    expect(
      frames.map(({ args, strokeStyle, globalAlpha: ink }) => [strokeStyle, ink, ...args]),
    ).toEqual([
      ["found", 1, -2.5, -2.5, 35, 25, 3],
      ["far", 1, 79.5, -0.5, 31, 21, 3],
      ["far", 1, -0.5, 24.5, 31, 21, 3],
      ["near", 1, 39.5, -0.5, 31, 21, 3],
    ]);
    expect(calls.filter(({ what }) => what === "stroke")).toHaveLength(4);
    expect(globalAlpha).toBe(1);
  });
});
