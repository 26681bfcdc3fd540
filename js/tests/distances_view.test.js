import { describe, expect, test } from "vitest";
import distances from "../../tests/fixtures/views/distances.json";
import filters from "../../tests/fixtures/views/filters.json";
import { chart_of, distance_in_words, local_heads } from "../src/views/distances/numbers.js";
import { nth, pixels_of } from "../src/views/filters/pixels.js";
import { button, click, drawn, one, settled, show, text, texts } from "./show.js";

/** @typedef {import("../src/views/messages.js").DistancesPicture} DistancesPicture */

/** Two layers of three heads; the second has only two. @param {Partial<DistancesPicture>} [other] */
const picture_of = (other = {}) =>
  /** @type {DistancesPicture} */ ({
    ...{ kind: "distances", stack: "vision", layers: [0, 2], images: 1, grid: [3, 4] },
    ...{ patch: [16, 16], uniform: Float32Array.of(2, 2), shape: [2, 3] },
    distances: Float32Array.of(0.5, 1, 3, 0.9, 4, Number.NaN),
    ...other,
  });

describe("the chart", () => {
  test("has a dot for each head, side by side over its layer", () => {
    const { top, dots, line, ticks } = chart_of(picture_of());
    expect(top).toBe(4);
    expect(ticks).toEqual([0, 2, 4]);
    expect(dots.map(({ layer, head }) => [layer, head].join("."))).toEqual([
      ...["0.0", "0.1", "0.2", "2.0", "2.1"],
    ]);
    const heights = [0.125, 0.25, 0.75, 0.225, 1];
    for (const [i, { y }] of dots.entries()) expect(y).toBeCloseTo(heights[i], 6);
    expect(dots.map(({ x }) => x)).toEqual([0.125, 0.25, 0.375, 0.625, 0.75]);
    expect(line.map(({ x, y }) => [x, y])).toEqual([
      [0.25, 0.5],
      [0.75, 0.5],
    ]);
  });

  test("ends at a round number above all", () => {
    for (const [most, top] of [
      [3.1, 4],
      [0.021, 0.024],
      [6, 6],
      [7.2, 8],
      [83, 100],
    ]) {
      const alone = { distances: Float32Array.of(most), uniform: Float32Array.of(0) };
      expect(chart_of(picture_of({ ...alone, shape: [1, 1] })).top).toBeCloseTo(top, 6);
    }
  });

  test("counts heads that look near", () => {
    expect(local_heads(picture_of())).toEqual({ near: 2, all: 5 });
    expect([0.5, 12.34, 123.4].map(distance_in_words)).toEqual(["0.50", "12.3", "123"]);
  });
});

describe("the view of distances", () => {
  const VIEW = { view: "distances" };

  test("says what the recorded heads do, and the selected one's number", async () => {
    const { el } = await show("picture", VIEW);
    expect(text(el, ".aw-taught-said")).toMatch(/: 0 of 12 heads less than half as far/);
    expect(text(el, ".aw-distances-said")).toMatch(/^Layer 1, head 1: 3\.\d\d patches; even/);
    expect(el.querySelectorAll(".aw-distances-dot")).toHaveLength(12);
    expect(texts(el, ".aw-distances-layers span")).toEqual(["0", "1", "2"]);
    expect(text(el, ".aw-taught-note")).toContain("1 image of 6 × 6 patches, each 16 pixels wide");
    expect(distances[0].content.grid).toEqual([6, 6]);
  });

  test("tells any head's on focus, in pixels too, and selects it by a click", async () => {
    const { el, model } = await show("picture", VIEW);
    const dot = one(el, '.aw-distances-dot[aria-label^="Layer 2, head 3"]');
    dot.focus();
    await drawn();
    expect(text(el, ".aw-distances-said")).toMatch(/^Layer 2, head 3: /);
    await click(button(el, "pixels"));
    expect(text(el, ".aw-distances-said")).toMatch(/: 49\.\d pixels; even attention 49/);
    await click(dot);
    expect([model.get("layer"), model.get("head")]).toEqual([2, 3]);
    expect(one(el, ".aw-distances-dot[aria-pressed=true]").getAttribute("aria-label")).toMatch(
      /^Layer 2, head 3/,
    );
  });
});

describe("filters", () => {
  test("are grey where they are 0, and white or black at their largest", () => {
    expect([...pixels_of(Float32Array.of(-2, 0, 1), 1)]).toEqual([
      ...[1, 1, 1, 255],
      ...[128, 128, 128, 255],
      ...[192, 192, 192, 255],
    ]);
    expect([...pixels_of(Float32Array.of(1, 0, -1), 3)]).toEqual([255, 128, 1, 255]);
    expect([...pixels_of(new Float32Array(1), 1)]).toEqual([128, 128, 128, 255]);
    expect([...nth(Float32Array.of(1, 2, 3, 4), 1, 2)]).toEqual([3, 4]);
  });

  test("are shown as components first, each with its share", async () => {
    const { el } = await show("picture", { view: "filters" });
    expect(text(el, ".aw-taught-said")).toMatch(/^Every patch is held against these filters/);
    const [m] = filters[0].content.components_shape;
    expect(el.querySelectorAll(".aw-filter")).toHaveLength(m);
    expect(text(el, ".aw-filters-controls p")).toMatch(/^component 1: \d+ % of how filters differ/);
    one(el, '.aw-filter[aria-label="Component 3"]').focus();
    await drawn();
    expect(text(el, ".aw-filters-controls p")).toMatch(/^component 3:/);
    await click(button(el, "filters"));
    expect(el.querySelectorAll(".aw-filter")).toHaveLength(16);
    expect(text(el, ".aw-filters-controls p")).toMatch(/^filter 1: length 0\.\d+/);
    expect(text(el, ".aw-taught-note")).toContain("16 filters of 8 × 8 × 3 numbers. All, longest");
  });

  test("of a model that has none say so", async () => {
    const { el, model } = await show("picture", { view: "filters" });
    const { key } = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "filters");
    const facts = { ...filters[0].content, key, pass: 1, arrays: [], said: "No convolution." };
    model.emit("msg:custom", facts, []);
    await settled();
    expect(text(el, ".aw-taught-said")).toBe("No convolution.");
    expect(el.querySelector(".aw-filter")).toBeNull();
  });
});
