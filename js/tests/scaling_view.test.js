import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/views/scaling.json";
import { softargmax } from "../src/store/numbers.js";
import {
  draw_scores,
  histogram,
  measured,
  nearest_size,
  SIZES,
  variance,
} from "../src/views/scaling/numbers.js";
import { button, click, one, show, text, texts, type } from "./show.js";

/** One draw alone is off by some per cent, as it should be. */
const MANY = Array.from({ length: 40 }, (_, seed) => draw_scores(seed));

describe("scores of random vectors", () => {
  test("are the same for the same seed, and others for another", () => {
    expect(draw_scores(3)).toEqual(draw_scores(3));
    expect(draw_scores(3).get(8)).not.toEqual(draw_scores(4).get(8));
  });

  test.each(SIZES)("vary as d = %i, and as 1 after ÷ √d", (d) => {
    const scores = MANY.flatMap((drawn) => drawn.get(d) ?? []).flat();
    expect(variance(scores) / d).toBeGreaterThan(0.93);
    expect(variance(scores) / d).toBeLessThan(1.07);
  });

  test("a larger d adds products to the same sums", () => {
    const drawn = draw_scores(1);
    const [four, eight] = [drawn.get(4) ?? [], drawn.get(8) ?? []];
    const added = eight.flatMap((row, i) => row.map((score, j) => score - four[i][j]));
    expect(variance(added)).toBeGreaterThan(2.5);
    expect(variance(added)).toBeLessThan(6);
  });

  test("become weights by the softmax of scores times the factor", () => {
    const rows = [
      [1, 2, 3],
      [0, 0, 9],
    ];
    const made = measured(rows, 0.5);
    expect(made.weights).toEqual(softargmax([1, 2, 3], 0.5));
    expect(made.largest).toBeCloseTo(Math.exp(1.5) / (Math.exp(0.5) + Math.E + Math.exp(1.5)));
    const other = 1 / (1 + 2 * Math.exp(-4.5));
    expect(made.mean_largest).toBeCloseTo((made.largest + other) / 2);
    expect(made.variance).toBeCloseTo(variance([0.5, 1, 1.5, 0, 0, 4.5]));
  });

  test("are all counted, those outside at the ends", () => {
    expect(histogram([-9, -0.9, 0.1, 0.9, 1, 9], 1, 4)).toEqual([2, 0, 1, 3]);
  });

  test("start at the model's own size", () => {
    expect([null, 1, 80, 96, 64, 4096].map(nearest_size)).toEqual([64, 1, 64, 128, 64, 512]);
  });
});

const columns = (/** @type {Element} */ el) =>
  [...el.querySelectorAll(".aw-scaling-column")].map((column) => texts(column, "b"));

describe("the view", () => {
  const SCALING = { view: "scaling" };

  test("begins with the model's d and prints what was measured", async () => {
    const { el } = await show("stories", SCALING);
    expect(text(el, ".aw-scaling-slider b")).toBe("d = 32");
    const rows = draw_scores(4).get(32) ?? [];
    const [plain, scaled] = columns(el);
    expect(plain).toEqual([
      measured(rows, 1).variance.toFixed(1),
      measured(rows, 1).largest.toFixed(2),
    ]);
    expect(scaled[0]).toBe(measured(rows, 1 / Math.sqrt(32)).variance.toFixed(2));
    expect(el.querySelectorAll(".aw-bars")[1].querySelectorAll("i")).toHaveLength(8);
  });

  test("the slider and another draw change the numbers", async () => {
    const { el } = await show("stories", SCALING);
    const [before] = columns(el);
    await type(one(el, "input[type=range]"), "9");
    const [large] = columns(el);
    expect(text(el, ".aw-scaling-slider b")).toBe("d = 512");
    expect(one(el, "input[type=range]").getAttribute("aria-valuetext")).toBe("d = 512");
    expect(Number(large[0])).toBeGreaterThan(10 * Number(before[0]));
    await click(button(el, "Draw again"));
    expect(columns(el)[0]).not.toEqual(large);
  });

  test("says what scaling does on the model, head by head", async () => {
    const { el } = await show("stories", SCALING);
    const said = text(el, ".aw-scaling-sentence");
    expect(said).toContain("Variance 249 → 7.79 after ÷ √32.");
    expect(said).toContain("on average 0.70; without the scaling it would be 0.96");
    const other = await show("stories", { ...SCALING, layer: 0, head: 0 });
    expect(text(other.el, ".aw-scaling-sentence")).toContain("Variance 3.74 → 0.12");
  });

  test.each([
    [
      "nothing is known",
      { measured: null, d: null, scale: null, why_not: "Only maps." },
      /: Only maps\.$/,
    ],
    ["a scale of one", { scale: 1 }, /does not divide its scores.*÷ √32 would make it 7\.79/s],
    ["a scale of its own", { scale: 0.3 }, /Variance 249 → 22\.4 after × 0\.30/],
    [
      "more in its scores",
      { is_whole_score: false, queries: [17, 900] },
      /17 of 900 queries.*left out here/s,
    ],
  ])("in words: %s", async (_, change, words) => {
    const { model, el } = await show("stories", SCALING);
    const { content, buffers } = recorded[0];
    const { is_whole_score, queries, ...facts } = /** @type {any} */ (change);
    const of = { ...content.measured, ...(queries && { is_whole_score, queries }) };
    const key = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "scaling").key;
    const bytes = buffers.map((b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0)));
    const known = facts.measured === null;
    model.emit(
      "msg:custom",
      { ...content, key, pass: 1, measured: of, ...facts, arrays: known ? [] : content.arrays },
      known ? [] : bytes,
    );
    await new Promise((resolve) => requestAnimationFrame(resolve));
    expect(el.querySelectorAll(".aw-scaling-part")[1].textContent).toMatch(words);
  });
});

test("asks for what the kernel assumes that it will", async () => {
  const { model } = await show("stories", { view: "scaling", words: true });
  const { wants } = model.sent.at(-1);
  const asked = wants.filter(
    (/** @type {any} */ want) => !want.prefetch && want.kind === "scaling",
  );
  expect(asked.map((/** @type {any} */ want) => want.key)).toEqual(["scaling| 0 words|2.2"]);
});
