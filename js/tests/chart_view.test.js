import { beforeEach, describe, expect, test } from "vitest";
import { chart_layout, ticks, written } from "../src/views/chart/layout.js";
import { one, settled, show, text, texts } from "./show.js";

beforeEach(() => document.body.replaceChildren());

const CURVES = {
  x: [4, 8, 12],
  series: [
    { name: "with attention", numbers: [1, 0.9, null] },
    { name: "one vector", numbers: [0.8, 0.4, 0.1] },
  ],
  ...{ x_title: "words", y_title: "exact", unit: "%", top: 1 },
};
const BARS = {
  x: ["as trained", "without"],
  series: [{ name: "accuracy", numbers: [0.99, -0.5] }],
  ...{ x_title: "", y_title: "right", unit: "%", top: null },
};

/** @param {any} chart */
const tour_with = (chart) => {
  const words = [["p", {}, "Look."]];
  const stop = { words, highlight: null, ask: null, chart, set: {}, text: null, entries: null };
  return { title: "", stops: [stop, { ...stop, chart: null }], entries: [] };
};

/** @param {any} chart */
const shown = (chart) => show("stories", { view: "chart", tour: tour_with(chart), stop: 0 });

describe("numbers of a chart", () => {
  test("ticks are round and hold the largest number", () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0, 7, 4)).toEqual([0, 2, 4, 6, 8]);
    expect(ticks(-0.4, 0.3, 4).at(0)).toBeLessThanOrEqual(-0.4);
    expect(ticks(5, 5, 4).at(-1)).toBeGreaterThanOrEqual(5);
  });

  test("the largest number stands at the top, zero at the base", () => {
    const layout = chart_layout(CURVES, { left: 0, right: 100, top: 10, bottom: 210 });
    expect(layout.y(1)).toBe(10);
    expect(layout.y(0)).toBe(210);
    expect(layout.places).toEqual([0, 50, 100]);
  });

  test("numbers below zero have their room", () => {
    const layout = chart_layout(BARS, { left: 0, right: 100, top: 0, bottom: 100 });
    expect(layout.y(-0.5)).toBeLessThanOrEqual(100);
    expect(layout.base).toBeLessThan(layout.y(-0.5));
  });

  test("shares are written as percentages, with a real minus", () => {
    expect(written(0.987654, "%")).toBe("98.8 %");
    expect(written(-2.5, "")).toBe("−2.5");
  });
});

describe("the chart of a tour", () => {
  test("is there for those who are read to, whole", async () => {
    const { el } = await shown(CURVES);
    const table = one(el, ".aw-chart table");
    expect(texts(table, "thead th")).toEqual(["words", "with attention", "one vector"]);
    expect(texts(table, "tbody tr:last-child > *")).toEqual(["12", "none", "10 %"]);
    expect(texts(el, ".aw-chart-name").map((t) => t.trim())).toEqual([
      "with attention",
      "one vector",
    ]);
  });

  test("stays until another stop has its own", async () => {
    const { el, model } = await shown(CURVES);
    model.set("stop", 1);
    await settled();
    expect(texts(el, ".aw-chart-name")).toHaveLength(2);
  });

  test("says so where there is none", async () => {
    const { el } = await show("stories", { view: "chart" });
    expect(text(el, ".aw-chart-none")).toMatch(/chart/);
  });
});
