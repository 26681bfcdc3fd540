import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/views/steps.json";
import { decode } from "../src/messages.js";
import { pooled } from "../src/parts/vector.jsx";
import { fitting } from "../src/views/steps/layout.js";
import { decimal, exact, rows_of, scale_in_words } from "../src/views/steps/numbers.js";
import { STAGES } from "../src/views/steps/stage_names.js";
import { stage_shown, stages_of } from "../src/views/steps/stages.js";
import { laid_out } from "./setup.js";
import { button, click, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {import("../src/views/messages.js").StepsPicture} StepsPicture */
/** @typedef {Awaited<ReturnType<typeof show>>} Page */

const [{ content, buffers }] = recorded;
const RECORDED = /** @type {StepsPicture} */ (
  decode(
    content,
    buffers.map((b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0))),
  )
);

/** @param {Record<string, any>} [traits] @param {Partial<import("../dev/fake_kernel.js").Scene>} [other] */
const stories = (traits = {}, other = {}) => show("stories", { view: "steps", ...traits }, other);

/** A made-up row, with some of it otherwise. @param {Partial<StepsPicture>} steps @param {Record<string, any>} [traits] @param {string} [scene] */
const made_up = (steps, traits = {}, scene = "small") =>
  show(scene, { view: "steps", ...traits }, { steps });

/** @param {Page} page */
const said = ({ el }) => text(el, ".aw-steps-words");
/** @param {Page} page */
const headings = ({ el }) => texts(el, ".aw-steps-table thead th").filter(Boolean);
/** @param {Page} page */
const stages = ({ el }) =>
  [...el.querySelectorAll(".aw-stage")].map((b) => b.getAttribute("aria-label"));
/** @param {Page} page */
const current = ({ el }) => one(el, ".aw-stage[aria-current]").getAttribute("aria-label");
/** Texts of the cells of a key's line. @param {Page} page @param {string} token */
function line(page, token) {
  const row = [...page.el.querySelectorAll(".aw-steps-row")].find(
    (tr) => text(tr, "bdi") === token,
  );
  if (!row) throw new Error(`no line of ${token}`);
  return row;
}

describe("the steps of one row", () => {
  test("are walked by Space and Page keys, by comma and full stop, and stay at both ends", async () => {
    const page = await stories({ stage: "query" });
    const { el, model } = page;
    expect(stages(page)).toEqual([
      ...["q", "keys", "q × k", "sum", "÷ √32", "mask", "softmax", "× v"],
      ...["output", "heads", "project"],
    ]);
    for (const stage of STAGES) {
      expect(model.get("stage")).toBe(stage);
      await press(el, stage === "sum" ? "PageDown" : stage === "mask" ? "." : " ");
    }
    expect(model.get("stage")).toBe("projection");
    expect(model.get("query")).toBe(14);
    for (const stage of STAGES.toReversed()) {
      expect(model.get("stage")).toBe(stage);
      if (stage === "sum") await press(el, "PageUp");
      else if (stage === "mask") await press(el, ",");
      else await press(el, " ", { shiftKey: true });
    }
    expect(model.get("stage")).toBe("query");
  });

  test("a click on a stage jumps there; comma leaves other views alone", async () => {
    const page = await stories();
    await click(button(page.el, "heads"));
    expect(page.model.get("stage")).toBe("heads");
    page.model.set("view", "text");
    await settled();
    await press(page.el, ",");
    expect([page.model.get("stage"), page.model.get("query")]).toEqual(["heads", 14]);
    await press(page.el, " ");
    expect([page.model.get("stage"), page.model.get("query")]).toEqual(["heads", 15]);
  });

  test("each stage has its sentence, with the numbers of the row", async () => {
    const page = await stories({ stage: "query" });
    const expected = {
      query: "The query of it: 32 numbers",
      keys: "Every token has a key of 32 numbers",
      products: "it is held against every key, number by number. Where it and, say, animal",
      sum: "46.9 is the sum of the 32 products of it and animal; the larger, the more they point the same way.",
      scale:
        "Every sum is taken ÷ √32, as long vectors would else give large sums whatever they say (√32 = 5.66): 46.9 of animal becomes 8.29.",
      mask: "The mask hides 2 of the 17 keys from it: their scores become −∞, and so their shares 0.",
      softmax:
        "Softmax: the largest score, 8.29, is subtracted from each before exp, so the largest becomes exp(0) = 1. They sum to 1.01; each is divided by that. That leaves animal 99 %.",
      values: "Each is multiplied by its weight, that of animal by 99 %.",
      output:
        "they are the output of head 2 for it, 99 % of it from animal. The model's own differs by at most 1.5·10⁻⁷ of its largest number.",
      heads: "The other 3 heads of the layer did the same for it. All 4 outputs",
      projection: "The layer output makes 128 numbers of the 128 of all heads, and adds its bias.",
    };
    for (const stage of STAGES) {
      expect(said(page)).toContain(expected[stage]);
      await press(page.el, " ");
    }
  });

  test("finished columns stay, and hold the numbers that the kernel has sent", async () => {
    const page = await stories();
    expect(headings(page)).toEqual([
      ...["key", "query × key", "sum", "÷ √32", "mask", "− max", "exp", "softmax"],
    ]);
    const cells = [...line(page, "animal").querySelectorAll("[data-exact]")];
    expect(cells.map((cell) => cell.textContent)).toEqual([
      ...["46.9", "8.29", "8.29", "0.00", "1.0000", "99 %"],
    ]);
    expect(cells.map((cell) => cell.getAttribute("title"))).toEqual([
      ...["46.87015", "8.285551", "8.28555", "0", "1", "0.9901531"],
    ]);
    expect(line(page, "animal").classList.contains("aw-heaviest")).toBe(true);
    const hidden = line(page, "it").parentElement?.lastElementChild;
    expect(hidden?.textContent).toMatch(/−∞.*hidden/);
    await click(button(page.el, "keys"));
    expect(headings(page)).toEqual(["key"]);
    // Nothing is hidden before the mask has been come to.
    expect(page.el.querySelector(".aw-masked-key")).toBeNull();
  });

  test("an exact number stands below, of what the pointer or the focus is at", async () => {
    const page = await stories();
    const below = () => text(page.el, ".aw-steps-exact");
    expect(below()).toMatch(/^animal: sum 46.87015 · ÷ √32 8.285551/);
    const vector = one(line(page, "street"), ".aw-vector-key");
    vector.dispatchEvent(new MouseEvent("pointermove", { clientX: 2, bubbles: true }));
    await settled();
    const street = RECORDED.k?.subarray(6 * 32, 7 * 32) ?? [];
    expect(below()).toBe(`key of street, dimension 0 of 32: ${exact(street[0])}`);
    one(line(page, "street"), ".aw-steps-dot").dispatchEvent(
      new MouseEvent("pointermove", { bubbles: true }),
    );
    await settled();
    expect(below()).toBe(`sum of street: ${exact(RECORDED.dot?.[6] ?? 0)}`);
    one(page.el, ".aw-steps-table").dispatchEvent(new MouseEvent("pointerleave"));
    await settled();
    expect(below()).toMatch(/^animal:/);

    const slider = one(line(page, "animal"), ".aw-vector-key");
    slider.focus();
    for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"]) {
      slider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      await settled();
    }
    const animal = RECORDED.k?.subarray(2 * 32, 3 * 32) ?? [];
    expect(below()).toBe(`key of animal, dimension 1 of 32: ${exact(animal[1])}`);
    expect(slider.getAttribute("aria-valuetext")).toBe(`dimension 1: ${exact(animal[1])}`);
    expect(page.model.get("query")).toBe(14);
  });

  test("a click on a key selects it, again frees it; Tab leads only to one line", async () => {
    const page = await stories({ key: null });
    await click(line(page, "street"));
    expect(page.model.get("key")).toBe(6);
    expect(line(page, "street").classList.contains("aw-chosen-key")).toBe(true);
    expect(said(page)).toContain("leaves street <1 %");
    expect(page.el.querySelectorAll('.aw-steps-table [tabindex="0"]')).toHaveLength(3);
    await click(line(page, "street"));
    expect(page.model.get("key")).toBeNull();
  });

  test("all heads stand side by side, and a click goes to another one", async () => {
    const page = await stories({ stage: "heads" });
    expect(texts(page.el, ".aw-head-out button")).toEqual(["head 0", "head 1", "head 2", "head 3"]);
    expect(text(page.el, ".aw-own-head button")).toBe("head 2");
    expect(texts(page.el, "tfoot th")).toEqual(["sum = output"]);
    await click(button(page.el, "head 1"));
    expect(page.model.get("head")).toBe(1);
  });

  test("without a query there are its tokens to choose from", async () => {
    const page = await stories({ query: null, key: null });
    expect(text(page.el, ".aw-choose-query p")).toContain("Choose the token");
    await click(button(page.el, "animal"));
    expect(page.model.get("query")).toBe(2);
    expect(text(page.el, ".aw-steps-name")).toContain("query");
    await click(one(page.el, '[aria-label="Query: one token on"]'));
    expect(page.model.get("query")).toBe(3);
  });

  test("the next tokens and heads are fetched ahead, all as tokens whatever the reading", async () => {
    const page = await show("words", { view: "steps", query: 8, words: true });
    const { wants } = page.model.sent.at(-1);
    const steps = wants.filter((/** @type {any} */ w) => w.kind === "steps");
    const [now, ...ahead] = steps;
    expect([now.query, now.heads, now.keys, now.prefetch]).toEqual([8, [[3, 3]], null, undefined]);
    expect(now.reading.words).toBe(false);
    expect(ahead.map((/** @type {any} */ w) => [w.query, ...w.heads[0], w.prefetch])).toEqual([
      ...[
        [8, 3, 2, true],
        [8, 2, 3, true],
        [9, 3, 3, true],
        [2, 3, 3, true],
      ],
    ]);
    expect(said(page)).toContain("however tokens are read");
    expect(text(page.el, ".aw-steps-name .aw-token")).toBe("er");
    expect(page.el.querySelectorAll(".aw-steps-row")).toHaveLength(12);
  });

  test("of long texts a part is shown, and what the rest has together; buttons move on", async () => {
    const tokens = Array.from({ length: 200 }, (_, i) => `t${i}`);
    const few = { tokens, layers: [0], heads: 2 };
    const page = await show("small", { view: "steps", key: null, query: 100 }, few);
    const asked = () =>
      page.model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "steps" && !w.prefetch)
        .keys;
    expect(page.el.querySelectorAll(".aw-steps-row")).toHaveLength(64);
    expect(text(page.el, ".aw-other-keys")).toMatch(/of 200; 136 other keys, together \d+ %/);
    const before = text(page.el, ".aw-other-keys span");
    await click(button(page.el, /after/));
    const [start, stop] = asked();
    expect(stop - start).toBe(64);
    expect(text(page.el, ".aw-other-keys span")).not.toBe(before);
    await click(button(page.el, /^heaviest/));
    expect(page.el.querySelector(".aw-heaviest")).not.toBeNull();
    // A key that is selected elsewhere comes along; another query starts anew.
    await press(page.el, "Home");
    page.model.set("key", 190);
    await settled();
    expect(asked()).toEqual([136, 200]);
    await press(page.el, "ArrowRight");
    page.model.set("key", null);
    await settled();
    await press(page.el, "ArrowRight");
    expect(asked()).toBeNull();
  });
});

describe("what a call has not", () => {
  const NO_PRODUCTS = {
    ...{ q: undefined, k: undefined, dot: undefined, scaled: undefined, added: undefined },
    ...{ has_products: false, scale: null, why_no_products: "Additive attention: no products." },
    added_is: [],
  };

  test("no products: the stages begin with the mask or the softmax, and say why", async () => {
    const page = await made_up(NO_PRODUCTS, { stage: "keys" });
    expect(stages(page)).toEqual(["mask", "softmax", "× v", "output", "heads", "project"]);
    expect(current(page)).toBe("mask");
    expect(said(page)).toContain("Additive attention: no products.");
    await press(page.el, " ");
    expect(headings(page)).toEqual(["score", "− max", "exp", "softmax"]);
  });

  test("weights alone: one stage, with both reasons", async () => {
    const page = await made_up(
      {
        ...NO_PRODUCTS,
        ...{ scores: undefined, v: undefined, output: undefined, own_output: undefined },
        ...{ heads_out: undefined, projected: undefined, part: undefined, projection: null },
        ...{ max: null, sum: null, why_no_products: "Only weights were given." },
        why_no_scores: "Scores are not known.",
        why_no_output: "No output was seen.",
        why_no_projection: "The heads' outputs are not known.",
      },
      { stage: "projection" },
    );
    expect(stages(page)).toEqual(["softmax"]);
    expect(said(page)).toContain("as the model used them");
    expect(texts(page.el, ".aw-steps-note")).toEqual([
      ...["Only weights were given.", "Scores are not known.", "No output was seen."],
      "The heads' outputs are not known.",
    ]);
    expect(headings(page)).toEqual(["weight"]);
  });

  /** @type {[string, Partial<StepsPicture>, string, RegExp][]} */
  const facts = [
    [
      "a known sink",
      { sink: 1.5, sink_is_known: true, weights_sum: 0.8, sum: 4, max: 2 },
      "softmax",
      /exp\(−0\.500\) of the sink.*A sink with the score 1\.50 .*20 % goes to it, and it has no value/,
    ],
    [
      "an unknown sink",
      { sink: 1.5, weights_sum: 0.8 },
      "softmax",
      /20 % of the softmax is missing.*or to values that are not shown/,
    ],
    [
      "a soft cap",
      { softcap: 50, capped: new Float32Array(15).fill(3) },
      "scale",
      /soft cap keeps it within ±50\.0: 50\.0 · tanh/,
    ],
    [
      "a bias of positions",
      { added_is: ["mask", "position"], added: new Float32Array(15).fill(-0.25) },
      "mask",
      /depends on the distance of the two tokens alone; to that of \S+ −0\.250/,
    ],
    [
      "a row that sees nothing",
      { sees_nothing: true, masked: new Uint8Array(15).fill(1) },
      "mask",
      /The mask hides all 15 keys from/,
    ],
    ["dropout", { dropout: "Dropout was on." }, "output", /Dropout was on\./],
    [
      "weights changed after the softmax",
      { after_softmax: "It mixes heads.", softmax: new Float32Array(15).fill(1 / 15) },
      "softmax",
      /It mixes heads\./,
    ],
    ["no scale", { scale: 1 }, "sum", /does not scale its sums/],
    ["half precision", { dtype: "bfloat16" }, "output", /computes in bfloat16/],
    ["kept outputs", { heads_out_are_own: false }, "heads", /keeps these to itself/],
    ["a large error", { error: 0.15 }, "output", /differs by at most 15 %/],
    ["weights that sum to less", { weights_sum: 0.9 }, "values", /sum to 0\.900/],
  ];
  test.each(facts)("%s is told", async (_, steps, stage, words) => {
    expect(said(await made_up(steps, { stage }))).toMatch(words);
  });

  test("of several heads drawn as their mean, the selected one is meant, and named", async () => {
    const heads = [
      [2, 1],
      [2, 2],
    ];
    expect(said(await stories({ heads, mean: true }))).toContain("these are the steps of head 2.");
    expect(said(await stories({ heads }))).not.toContain("drawn together");
  });

  test("shared keys name the heads that share them", async () => {
    const page = await made_up({}, { stage: "keys" }, "gqa");
    expect(said(page)).toContain("Keys are those of key/value head 1, which heads 3 to 5 share.");
  });

  test("NaN and −∞ are said as they are", async () => {
    const masked = new Uint8Array(15);
    masked[4] = 2;
    const page = await made_up({ masked }, { key: 4 });
    const row = one(page.el, ".aw-chosen-key");
    expect(row.textContent).toContain("NaN");
    expect(text(row, ".aw-steps-share")).toBe("NaN");
  });

  test("a stage that this call has not shows the nearest earlier one, else the first", () => {
    const masked = new Uint8Array(17);
    const plain = { ...RECORDED, scale: 1, added_is: [], masked };
    const all = stages_of(plain);
    expect(STAGES.filter((stage) => !all.includes(stage))).toEqual(["scale", "mask"]);
    expect(stage_shown(all, "mask")).toBe("sum");
    expect(stage_shown(["softmax", "values"], "query")).toBe("softmax");
  });
});

describe("on little room", () => {
  test("the newest columns come first, and the words of stages fold", async () => {
    Object.assign(laid_out, { width: 372, height: 300 });
    const page = await stories({ stage: "values" });
    expect(headings(page)).toEqual(["softmax", "value", "weight × value"]);
    expect(texts(page.el, ".aw-stage").join("")).toBe("");
    expect(text(page.el, ".aw-stage-now")).toContain("× v 8 of 11");
    await click(one(page.el, '[aria-label="Stage: later"]'));
    expect(page.model.get("stage")).toBe("output");
  });

  test.each([
    [640, 11],
    [600, 0],
  ])("%i px wide, stages have words only if none touches the next", async (width, count) => {
    laid_out.width = width;
    const { el } = await stories();
    expect(texts(el, ".aw-stage").filter(Boolean)).toHaveLength(count);
  });

  test.each(["heads", "projection"])(
    "at %s only the heaviest and the selected key are left",
    async (stage) => {
      const page = await stories({ stage, key: null });
      const keys = () => texts(page.el, ".aw-steps-key bdi");
      expect(keys()).toEqual(["animal"]);
      expect(text(page.el, ".aw-steps-others")).toBe("…16 other keys");
      expect(text(page.el, ".aw-steps-table tfoot")).toContain("sum = output");
      page.model.set("key", 6);
      await settled();
      expect(keys()).toEqual(["animal", "street"]);
      expect(text(page.el, ".aw-steps-others")).toBe("…15 other keys");
      await press(page.el, "PageUp");
      if (stage === "heads") expect(keys()).toHaveLength(17);
    },
  );

  test("columns never take more than there is, but for the last", () => {
    const columns = /** @type {import("../src/views/steps/layout.js").Column[]} */ ([
      { name: "k", stage: "keys", words: "", least: 88, most: 190 },
      { name: "dot", stage: "sum", words: "", least: 58, most: 58 },
      { name: "minus", stage: "softmax", words: "", least: 58, most: 58, passing: true },
      { name: "exp", stage: "softmax", words: "", least: 76, most: 76, passing: true },
      { name: "weight", stage: "softmax", words: "", least: 58, own: 112, most: 160 },
      { name: "v", stage: "values", words: "", least: 88, most: 190 },
    ]);
    for (let width = 120; width < 1200; width += 7) {
      const shown = fitting(columns, "values", width, 1);
      expect(shown.reduce((sum, c) => sum + c.width + 12, 0)).toBeLessThanOrEqual(width);
      expect(shown.at(-1)?.name).toBe("v");
      const names = shown.map(({ name }) => name);
      expect(names.includes("minus")).toBe(names.includes("exp"));
    }
    // What a stage brings is seen as a whole before one of it is made wide.
    for (const width of [230, 280, 400]) {
      const names = fitting(columns, "softmax", width, 1).map(({ name }) => name);
      expect(names.slice(-3)).toEqual(["minus", "exp", "weight"]);
    }
    expect(fitting(columns, "values", 20, 1).map(({ name }) => name)).toEqual(["v"]);
    expect(fitting(columns, "sum", 2000, 1).map(({ name }) => name)).toEqual(["k", "dot"]);
  });

  test("bars that would be too thin stand for the largest of a few numbers", () => {
    const values = Float32Array.from({ length: 512 }, (_, i) => (i === 100 ? -5 : Math.sin(i)));
    const { bars, each } = pooled(values, 160);
    expect(bars).toHaveLength(Math.ceil(512 / each));
    expect(bars[Math.floor(100 / each)]).toBe(-5);
    expect(pooled(values.subarray(0, 32), 160).each).toBe(1);
  });
});

describe("numbers", () => {
  test("have a true minus sign, never a minus zero, and say what is infinite", () => {
    expect([decimal(-1.26, 1), decimal(-0.001, 2), decimal(-3.4028235e38, 1)]).toEqual([
      ...["−1.3", "0.00", "−∞"],
    ]);
    expect([decimal(Number.NaN, 1), decimal(0, 1), decimal(-4.5e-7, 2)]).toEqual([
      ...["NaN", "0.0", "−4.50·10⁻⁷"],
    ]);
    expect(exact(-0.1234567891)).toBe("−0.1234568");
  });

  test("a scale is a root where it is one", () => {
    const of = (/** @type {any} */ s) => scale_in_words({ softcap: null, ...s });
    expect(of({ scale: 1 / Math.sqrt(32), d: 32 })).toBe("÷ √32");
    expect(of({ scale: 0.3, d: 4 })).toBe("× 0.3");
    expect(of({ scale: 1, d: 4, softcap: 50 })).toBe("cap");
    expect(of({ scale: 0.125, d: 64, softcap: 30 })).toBe("÷ √64, cap");
  });

  test("products sum to what was sent, and weighted values to the output", () => {
    const rows = rows_of(RECORDED);
    const total = new Float64Array(32);
    for (const { products, dot, weighted, exp, weight, hidden } of rows) {
      const sum = products?.reduce((a, b) => a + b, 0) ?? Number.NaN;
      expect(sum).toBeCloseTo(dot ?? 0, 4);
      expect((exp ?? 0) / (RECORDED.sum ?? 0)).toBeCloseTo(weight, 6);
      if (hidden) expect([exp, weight]).toEqual([0, 0]);
      weighted?.forEach((x, i) => {
        total[i] += x;
      });
    }
    total.forEach((x, i) => {
      expect(x).toBeCloseTo(RECORDED.output?.[i] ?? 0, 5);
    });
  });
});
