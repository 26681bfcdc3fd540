import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/views/heads.json";
import { MEASURES } from "../src/measured.js";
import { decode } from "../src/messages.js";
import { measured_of, number_in_words, short_number } from "../src/views/measured/numbers.js";
import { ranked, said_of } from "../src/views/measured/ranked.js";
import { laid_out } from "./setup.js";
import { button, click, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {import("../src/views/messages.js").HeadsPicture} HeadsPicture */

/** On the text, and on random tokens said twice. */
const [TEXT, RANDOM] = recorded.map(({ content, buffers }) => {
  const bytes = buffers.map((b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0)));
  return /** @type {HeadsPicture} */ (decode(content, bytes));
});
const GRID = { view: "grid", measure: "induction" };

/** @param {Element} el @param {string} value */
async function choose(el, value) {
  const select = /** @type {HTMLSelectElement} */ (one(el, ".aw-colour-by select"));
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await settled();
}

/** @param {Element} el @param {string} label */
const cell = (el, label) => one(el, `.aw-main [aria-label^="${label}"]`);

describe("measures", () => {
  test("are offered by the names and titles that the kernel has", () => {
    expect(TEXT.measures.map(({ name, title }) => [name, title])).toEqual(MEASURES);
    expect(RANDOM.measures.map(({ name }) => name)).toEqual(["duplicate", "induction"]);
  });

  test("are ranked from the largest down, without those that have no value", () => {
    const measured = measured_of(RANDOM, "induction");
    if (!measured) throw new Error("There is no induction.");
    const order = ranked(measured);
    expect(order).toHaveLength(12);
    expect([order[0].layer, order[0].head]).toEqual([2, 0]);
    expect(order[0].value).toBeGreaterThan(0.9);
    expect(measured.top).toBe(order[0].value);
    expect(order.map(({ value }) => value)).toEqual(
      order.map(({ value }) => value).sort((a, b) => b - a),
    );
    const none = { ...measured, value: () => Number.NaN };
    expect(ranked(none)).toEqual([]);
    expect(measured_of(RANDOM, "entropy")).toBe(null);
    expect(measured.value(3, 0)).toBeNaN();
    expect(measured.value(0, 4)).toBeNaN();
  });

  test.each([
    [0.97, "share", "0.97", "0.970"],
    [4.68, "tokens", "4.68", "4.68 tokens"],
    [12.34, "nats", "12.3", "12.3 nats"],
    [321, "", "321", "321"],
    [Number.NaN, "share", "–", "no value"],
  ])("%d in %s reads well", (value, unit, short, long) => {
    expect(short_number(value)).toBe(short);
    expect(number_in_words(value, unit)).toBe(long);
  });

  test("say on what they were measured", () => {
    expect(said_of(TEXT)).toBe("");
    expect(said_of(RANDOM)).toBe(
      "Measured on 25 random words said twice, in 8 such texts, not on this one.",
    );
    expect(said_of({ ...TEXT, why_not: "There is no model.", sampled: true })).toBe(
      "Measured on this text alone: There is no model. From a sample of rows.",
    );
  });
});

describe("the grid by a measure", () => {
  test("is chosen in the plain grid, and left again", async () => {
    const { el, model } = await show("stories", { view: "grid" });
    expect(texts(el, ".aw-colour-by option")).toHaveLength(1 + MEASURES.length);
    expect(el.querySelector(".aw-shaded")).toBe(null);
    await choose(el, "previous");
    expect(model.get("measure")).toBe("previous");
    expect(text(el, ".aw-measured-said")).toBe(
      "Previous token: how much a head looks at the token before. Largest: layer 0, head 1: 0.835. ",
    );
    await choose(el, "");
    expect(model.get("measure")).toBe(null);
    expect(el.querySelector(".aw-shaded")).toBe(null);
  });

  test("says what is measured on random words, and where it is largest", async () => {
    const { el } = await show("stories", GRID);
    expect(text(el, ".aw-measured-said")).toMatch(
      /^Induction: how much a head looks at the token that came after the same token before\. Largest: layer 2, head 0: 0\.9\d\d\. Measured on 25 random words said twice/,
    );
    const [least, most] = texts(el, ".aw-measured-side .aw-ramp-ends span");
    expect(least).toBe("0");
    expect(Number(most)).toBeGreaterThan(0.9);
  });

  test("names every head with its number, and colours the largest in full", async () => {
    const { el } = await show("stories", GRID);
    expect(el.querySelectorAll(".aw-main .aw-shaded")).toHaveLength(12);
    const best = cell(el, "layer 2, head 0: induction 0.9");
    expect(best.title).toMatch(/^Layer 2, head 0: induction 0\.9/);
    expect(best.style.background).toBe("rgb(8, 58, 105)");
    expect(best.classList).toContain("aw-deep");
    expect(cell(el, "layer 0, head 1: induction 0.00").classList).not.toContain("aw-deep");
  });

  test("a click selects, and the side lists all measures of that head on the text", async () => {
    const { el, model } = await show("stories", GRID);
    await click(cell(el, "layer 1, head 3"));
    expect([model.get("layer"), model.get("head")]).toEqual([1, 3]);
    const at = TEXT.measures.findIndex(({ name }) => name === "entropy");
    const entropy = TEXT.values[(at * 3 + 1) * 4 + 3];
    expect(text(el, ".aw-measured-list dd")).toBe(`${entropy.toFixed(2)} nats`);
    expect(texts(el, ".aw-measured-list dt")).toEqual(MEASURES.map(([, title]) => title));
    await press(el, "ArrowDown");
    expect(text(el, ".aw-measured-side .aw-heading")).toBe("Layer 2, head 3");
  });

  test("a head without a value is hatched, and why is said", async () => {
    const why = "No token comes again in this text.";
    const { el } = await show("minilm", GRID, { why_not_measured: why });
    expect(text(el, ".aw-measured-said")).toContain("No value: no token comes again in this text.");
    expect(text(el, ".aw-measured-said")).not.toContain("Largest");
    expect(el.querySelectorAll(".aw-main .aw-no-value")).toHaveLength(72);
    expect(el.querySelector(".aw-ramp")).toBe(null);
    await click(one(el, ".aw-sort input"));
    expect(el.querySelectorAll(".aw-main .aw-no-value")).toHaveLength(72);
    expect(cell(el, "layer 0, head 0").getAttribute("aria-label")).toBe(
      "layer 0, head 0: induction no value",
    );
  });

  test("trouble is said in its place", async () => {
    const { el, model } = await show("stories", GRID);
    model.make_trouble("heads| 0 |repeated", "It cannot be measured.", "Run it again.");
    await settled();
    expect(text(el, ".aw-measured-said")).toBe("It cannot be measured. Run it again.");
  });

  test("asks for random tokens only where a measure is about repeats", async () => {
    const page = await show("stories", { view: "grid", measure: "entropy" });
    const asked = () =>
      page.model.sent
        .at(-1)
        .wants.filter((/** @type {any} */ want) => want.kind === "heads")
        .map((/** @type {any} */ want) => want.key);
    expect(asked()).toEqual(["heads| 0 |text"]);
    await choose(page.el, "duplicate");
    expect(asked()).toEqual(["heads| 0 |repeated", "heads| 0 |text"]);
    await choose(page.el, "");
    expect(asked()).toEqual([]);
  });

  test("has its choice and its scale above the heads where it is narrow", async () => {
    Object.assign(laid_out, { width: 560, height: 420 });
    const { el } = await show("stories", GRID);
    expect(el.querySelector(".aw-measured-side")).toBe(null);
    expect(el.querySelectorAll(".aw-colour-by")).toHaveLength(1);
    expect(texts(el, ".aw-ramp-ends span")[0]).toBe("0");
    await choose(el, "");
    expect(el.querySelectorAll(".aw-colour-by")).toHaveLength(1);
    expect(el.querySelector(".aw-grid-side")).toBe(null);
  });
});

describe("sorted", () => {
  const SORTED = { ...GRID, sort: true };

  test("lists heads from the largest down with their numbers", async () => {
    const { el, model } = await show("stories", GRID);
    await click(one(el, ".aw-sort input"));
    expect(model.get("sort")).toBe(true);
    const heads = texts(el, ".aw-sorted-head .aw-sorted-words > span");
    expect(heads).toHaveLength(12);
    expect(heads[0]).toBe("2.0");
    const numbers = texts(el, ".aw-sorted-head b").map(Number);
    expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
    const bar = /** @type {HTMLElement} */ (one(el, ".aw-sorted-bar > i"));
    expect(bar.style.width).toBe("100%");
  });

  test("is walked by arrows, and Enter opens the lines", async () => {
    const { el, model } = await show("stories", { ...SORTED, layer: 2, head: 0 });
    const first = one(el, ".aw-sorted-head");
    expect(first.getAttribute("aria-selected")).toBe("true");
    expect(first.tabIndex).toBe(0);
    const key = (/** @type {string} */ name) =>
      new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true });
    first.dispatchEvent(key("ArrowRight"));
    await settled();
    const second = el.querySelectorAll(".aw-sorted-head")[1];
    expect(second.getAttribute("aria-selected")).toBe("true");
    expect(`${model.get("layer")}.${model.get("head")}`).toBe(
      text(second, ".aw-sorted-words > span"),
    );
    second.dispatchEvent(key("Enter"));
    await settled();
    expect(model.get("view")).toBe("lines");
  });

  test("shows many heads in parts", async () => {
    const { el } = await show("many", SORTED);
    expect(el.querySelectorAll(".aw-sorted-head")).toHaveLength(60);
    await click(button(el, "Show more of 1024"));
    expect(el.querySelectorAll(".aw-sorted-head")).toHaveLength(120);
  });
});

describe("the heads beside another view", () => {
  test("are coloured by the measure as well", async () => {
    const { el } = await show("stories", { view: "lines", measure: "previous" });
    expect(text(el, ".aw-heads .aw-heading")).toBe("Heads by previous token");
    const best = one(el, '.aw-heads [aria-label="layer 0, head 1: previous token 0.835"]');
    expect(best.style.background).toBe("rgb(8, 58, 105)");
    expect(best.textContent).toBe("");
  });
});
