import { describe, expect, test, vi } from "vitest";
import recorded from "../../tests/fixtures/views/order.json";
import {
  as_given,
  attend,
  differences,
  in_order,
  rows_of,
  shuffled,
} from "../src/views/order/numbers.js";
import { normal, uniform } from "../src/views/scaling/numbers.js";
import { button, click, drawn, one, press, show, text, texts } from "./show.js";

/** @param {() => number} next @param {number} n @param {number} width */
const random_rows = (next, n, width) =>
  Array.from({ length: n }, () => Array.from({ length: width }, next));

const SEEDS = as_given(40);

describe("attention in any order", () => {
  test.each(SEEDS)("permuted inputs give outputs permuted likewise (%i)", (seed) => {
    const random = uniform(seed);
    const next = normal(random);
    const n = 1 + Math.floor(random() * 12);
    const [d, dv] = [1 + Math.floor(random() * 6), 1 + Math.floor(random() * 6)];
    const q = random_rows(next, n, d);
    const k = random_rows(next, n, d);
    const v = random_rows(next, n, dv);
    const order = shuffled(n, seed);
    const moved = { q: in_order(q, order), k: in_order(k, order), v: in_order(v, order) };
    const [before, after] = [attend({ q, k, v }, 0.7, false), attend(moved, 0.7, false)];
    expect(Math.max(...differences(before.outputs, after.outputs, order))).toBeLessThan(1e-13);
    for (const [i, row] of after.weights.entries()) {
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      row.forEach((weight, j) => {
        expect(weight).toBeCloseTo(before.weights[order[i]][order[j]], 12);
      });
    }
    // Keys alone, with their values: every query keeps its output.
    const of_keys = attend({ q, k: moved.k, v: moved.v }, 0.7, false);
    expect(Math.max(...differences(before.outputs, of_keys.outputs, as_given(n)))).toBeLessThan(
      1e-13,
    );
  });

  test("the causal mask stays at its place, and so the outputs change", () => {
    const next = normal(uniform(5));
    const [q, k, v] = [random_rows(next, 6, 3), random_rows(next, 6, 3), random_rows(next, 6, 2)];
    const order = shuffled(6, 1);
    const before = attend({ q, k, v }, 1, true);
    expect(before.weights[2].slice(3)).toEqual([0, 0, 0]);
    expect(before.outputs[0]).toEqual(v[0]);
    const moved = { q: in_order(q, order), k: in_order(k, order), v: in_order(v, order) };
    const after = attend(moved, 1, true);
    expect(after.outputs[0]).toEqual(v[order[0]]);
    expect(Math.max(...differences(before.outputs, after.outputs, order))).toBeGreaterThan(0.1);
  });

  test.each(SEEDS)("a shuffle holds every token once and is not the given order (%i)", (seed) => {
    const n = 2 + (seed % 9);
    const order = shuffled(n, seed);
    expect([...order].sort((a, b) => a - b)).toEqual(as_given(n));
    expect(order).not.toEqual(as_given(n));
    expect(shuffled(n, seed)).toEqual(order);
  });

  test("one token, or none, stays", () => {
    expect([shuffled(1, 3), shuffled(0, 3)]).toEqual([[0], []]);
    expect(rows_of(new Float32Array(0), 0)).toEqual([]);
    expect(rows_of(Float32Array.of(1, 2, 3, 4), 2)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test("gives the output that the recorded model has, through its mask", () => {
    // The last token of a causal model sees all: its own output is the one without a mask.
    const { content, buffers } = recorded[0];
    const [q, k, v] = buffers.map((text) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      return rows_of(new Float32Array(bytes.buffer), content.counts[0]);
    });
    const plain = attend({ q, k, v }, content.scale, false);
    const masked = attend({ q, k, v }, content.scale, true);
    expect(masked.outputs[16]).toEqual(plain.outputs[16]);
    expect(masked.weights[14].indexOf(Math.max(...masked.weights[14]))).toBe(2);
  });
});

const ORDER = { view: "order" };
/** @param {Element} el */
const cards = (el) => texts(el, ".aw-order-cards bdi");
const changes = (/** @type {Element} */ el) => texts(el, ".aw-order-change");

describe("the view", () => {
  test("shuffles by button and key, proves that no output changed, and goes back", async () => {
    const { el } = await show("stories", ORDER);
    const given = cards(el);
    const strips = texts(el, ".aw-order-strip title");
    expect(given.slice(0, 3)).toEqual(["<s>", "The", "animal"]);
    expect(text(el, ".aw-order-result")).toContain("Shuffle and see");
    expect(text(el, ".aw-taught-said")).toMatch(/change places\?$/);
    expect(/** @type {HTMLButtonElement} */ (button(el, "Reset")).disabled).toBe(true);
    await click(button(el, "Shuffle"));
    expect(cards(el)).not.toEqual(given);
    expect([...cards(el)].sort()).toEqual([...given].sort());
    expect([...texts(el, ".aw-order-strip title")].sort()).toEqual([...strips].sort());
    expect(text(el, ".aw-order-result")).toMatch(
      /Largest change of h of any token: \d·10⁻¹., the rounding/,
    );
    expect(changes(el).every((change) => /^Δ (0|\d·10⁻¹.)$/.test(change))).toBe(true);
    expect(text(el, ".aw-taught-said")).toMatch(/^Attention is about a set/);
    const once = cards(el);
    await press(el, "x");
    expect(cards(el)).not.toEqual(once);
    await click(button(el, "Reset"));
    expect(cards(el)).toEqual(given);
  });

  test("the matrix has rows and columns in the order of the cards", async () => {
    const { el } = await show("stories", ORDER);
    const of = (/** @type {string} */ pair) =>
      texts(el, ".aw-order-matrix title").find((title) => title.startsWith(`${pair}:`));
    const before = of("slept → tired");
    expect(before).toBeDefined();
    await press(el, "x");
    expect(of("slept → tired")).toBe(before);
    expect(texts(el, ".aw-order-labels span")).toEqual(cards(el));
    expect(el.querySelectorAll(".aw-order-matrix rect")).toHaveLength(17 * 17);
  });

  test("with the causal mask the outputs change", async () => {
    const { el } = await show("stories", ORDER);
    await click(one(el, ".aw-order input"));
    expect(el.querySelectorAll(".aw-order-masked")).toHaveLength((17 * 16) / 2);
    await press(el, "x");
    expect(text(el, ".aw-order-result")).toMatch(
      /Largest change of h of any token: \d\.\d\d; the mask stays/,
    );
  });

  test("cards glide to their places, unless motion is not wanted", async () => {
    const glided = vi.fn();
    HTMLElement.prototype.animate = glided;
    const spy = vi.spyOn(HTMLElement.prototype, "offsetLeft", "get").mockImplementation(
      /** @this {HTMLElement} */ function left() {
        return 90 * [...(this.parentElement?.children ?? [])].indexOf(this);
      },
    );
    for (const [still, times] of /** @type {const} */ ([
      [false, true],
      [true, false],
    ])) {
      window.matchMedia = /** @type {any} */ (
        () => ({
          matches: still,
          addEventListener() {},
          removeEventListener() {},
        })
      );
      glided.mockClear();
      const { el, close } = await show("stories", ORDER);
      await press(el, "x");
      expect(glided.mock.calls.length > 0).toBe(times);
      for (const [, { duration }] of glided.mock.calls) expect(duration).toBeLessThanOrEqual(180);
      close?.();
    }
    spy.mockRestore();
    Reflect.deleteProperty(HTMLElement.prototype, "animate");
    Reflect.deleteProperty(window, "matchMedia");
  });

  test("between two texts the keys are shuffled and the queries keep their outputs", async () => {
    const { el, model } = await show("stories", ORDER);
    await tell(model, { among_themselves: false, causal: false });
    expect(text(el, ".aw-taught-said")).toContain("when the keys change places?");
    await press(el, "x");
    expect(text(el, ".aw-taught-said")).toContain("The keys are a set, not a sequence");
    const [keys, queries] = [...el.querySelectorAll(".aw-order-cards")];
    expect(texts(keys, "bdi")).not.toEqual(texts(queries, "bdi"));
    expect(texts(queries, "bdi")[1]).toBe("The");
    expect(keys.querySelector(".aw-order-strip")).toBeNull();
    expect(text(el, ".aw-order-result")).toMatch(/of any query: \d·10⁻¹., the rounding/);
    expect(el.querySelector(".aw-order input")).toBeNull();
  });

  test("says why where there is nothing to shuffle, and what is left out", async () => {
    const { el, model } = await show("stories", ORDER);
    expect(text(el, ".aw-taught-note")).toContain(
      "causal mask brings order in; here it is left out",
    );
    await tell(model, { adds_more: true, tokens: [90, 90] });
    expect(text(el, ".aw-taught-note")).toContain("first 17 tokens of 90");
    expect(text(el, ".aw-taught-note")).toContain("adds more to its scores");
    await tell(model, { scale: null, why_not: "Only weights were given.", arrays: [] }, []);
    expect(text(el, ".aw-taught-said")).toBe(
      "Layer 2, head 2 cannot be shuffled. Only weights were given.",
    );
  });

  test("cards are tokens as the model has them, whatever the reading is", async () => {
    const { el } = await show("stories", { ...ORDER, hide: ["special"] });
    expect(cards(el)[0]).toBe("<s>");
  });
});

/** The kernel sends the recorded picture with other facts. @param {any} model @param {any} facts @param {any[]} [arrays] */
async function tell(model, facts, arrays) {
  const { content, buffers } = recorded[0];
  const { key } = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "order");
  const bytes = buffers.map((b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0)));
  model.emit("msg:custom", { ...content, key, pass: 1, ...facts }, arrays ?? bytes);
  await drawn();
}

test("asks for what the kernel assumes that it will", async () => {
  const { model } = await show("stories", { ...ORDER, words: true });
  const { wants } = model.sent.at(-1);
  const asked = wants.filter((/** @type {any} */ want) => !want.prefetch && want.kind === "order");
  expect(asked.map((/** @type {any} */ want) => want.key)).toEqual(["order| 0 |2.2"]);
  expect(wants.map((/** @type {any} */ want) => want.key)).toContain("model| 0 ");
});
