import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/views/shapes.json";
import {
  cache_of,
  groupings_of,
  groups_of,
  layers_of,
  sharing_in_words,
  size_of,
  steps_of,
} from "../src/views/shapes/steps.js";
import { laid_out } from "./setup.js";
import { button, click, drawn, one, show, text, texts } from "./show.js";

/** @typedef {import("../src/views/messages.js").ShapesPicture} ShapesPicture */

/** @param {Partial<ShapesPicture>} [other] @returns {ShapesPicture} */
const picture_of = (other = {}) => /** @type {any} */ ({ ...recorded[0].content, ...other });

const GROUPED = {
  ...{ batch: 2, heads: 9, kv_heads: 3, query_len: 10, key_len: 10, d: 64, dv: 64 },
  ...{ width: 576, key_width: 576, out_width: 576, layers_alike: 30 },
};

/** @param {Partial<ShapesPicture>} other */
const shapes_in = (other) =>
  Object.fromEntries(
    steps_of(picture_of(other)).flatMap(({ boxes }) =>
      boxes.map(({ id, shape }) => [id, shape.join(" ")]),
    ),
  );

describe("the steps", () => {
  test("have the shapes of grouped attention from end to end", () => {
    expect(shapes_in(GROUPED)).toEqual({
      ...{ x: "2 10 576", q: "2 10 576", k: "2 10 192", v: "2 10 192" },
      ...{ "q-heads": "2 9 10 64", "k-heads": "2 3 10 64", "v-heads": "2 3 10 64" },
      ...{ scores: "2 9 10 10", weights: "2 9 10 10", mixed: "2 9 10 64" },
      ...{ joined: "2 10 576", out: "2 10 576" },
    });
  });

  test("have no more and no fewer numbers after being cut and joined", () => {
    const boxes = steps_of(picture_of(GROUPED)).flatMap((step) => step.boxes);
    const size = (/** @type {string} */ id) =>
      size_of(/** @type {any} */ (boxes.find((b) => b.id === id)));
    for (const letter of ["q", "k", "v"]) expect(size(letter)).toBe(size(`${letter}-heads`));
    expect(size("mixed")).toBe(size("joined"));
  });

  test("of cross-attention begin with two sets; of a cache with the newest tokens", () => {
    const cross = { attention: "cross", key_len: 9, key_width: 64 };
    expect(shapes_in(cross)).toMatchObject({ x: "1 17 128", y: "1 9 64", scores: "1 4 17 9" });
    const [first] = steps_of(picture_of(cross));
    expect(first.boxes.map(({ letters }) => letters.join())).toEqual(["B,Tq,E", "B,Tk,E′"]);
    const [cached] = steps_of(picture_of({ query_len: 1 }));
    expect(cached.boxes).toHaveLength(1);
    expect(cached.said).toContain("Only the last of 17 tokens");
  });

  test("without queries and keys begin at the scores, and say why", () => {
    const why = "Only weights were given.";
    const none = { d: null, dv: null, width: null, key_width: null, out_width: null, layers: {} };
    const steps = steps_of(picture_of({ ...none, why_no_products: why }));
    expect(steps.map(({ id }) => id)).toEqual([
      ...["stream", "scores", "softmax", "mix", "join", "out"],
    ]);
    expect(steps[1].said).toBe(why);
    expect(size_of(steps[0].boxes[0])).toBeNull();
  });
});

describe("heads that share", () => {
  test.each([
    [4, 4, [[0], [1], [2], [3]], "4 heads, each with keys and values of its own"],
    [
      6,
      2,
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
      "6 query heads share 2 key/value heads, 3 each",
    ],
    [3, 1, [[0, 1, 2]], "All 3 query heads share 1 key/value head"],
  ])("%i by %i", (heads, kv_heads, groups, words) => {
    expect(groups_of(heads, kv_heads)).toEqual(groups);
    expect(sharing_in_words(picture_of({ heads, kv_heads }))).toContain(words);
  });

  test("are grouped by any number that divides them", () => {
    expect([groupings_of(12), groupings_of(1)]).toEqual([[12, 6, 4, 3, 2, 1], [1]]);
  });

  test("save so many numbers in a cache", () => {
    // 2 × 10 tokens, 30 layers; 3 of 9 heads keep 64 numbers of a key and 64 of a value.
    expect(cache_of(picture_of(GROUPED))).toEqual({
      ...{ each: 384, unshared: 1152, all: 384 * 600, saved: 768 * 600 },
    });
    expect(cache_of(picture_of({ d: null }))).toBeNull();
  });

  test("are made by a layer each, or by one for all", () => {
    const found = picture_of().layers;
    expect(layers_of(picture_of(), ["q", "qkv"]).map(({ role }) => role)).toEqual(["q"]);
    const packed = picture_of({ layers: { qkv: found.q } });
    expect(layers_of(packed, ["k", "kv", "qkv"]).map(({ role }) => role)).toEqual(["qkv"]);
  });
});

const SHAPES = { view: "shapes" };

/** @param {Element} el @param {string} name */
const box = (el, name) =>
  /** @type {HTMLElement} */ (el.querySelector(`.aw-shape-box[aria-label^="${name}:"]`));

/** The kernel sends the recorded picture with other facts. @param {any} model @param {any} facts */
async function tell(model, facts) {
  const { key } = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "shapes");
  model.emit("msg:custom", { ...recorded[0].content, key, pass: 1, ...facts }, []);
  await drawn();
}

describe("the view", () => {
  test("walks through eight steps in the reader's own numbers", async () => {
    const { el } = await show("stories", SHAPES);
    expect(texts(el, ".aw-shapes-title")).toEqual([
      ...["tokens", "× Wq, Wk, Wv", "cut into heads", "q·k, scaled", "softmax", "A × v"],
      ...["join the heads", "× Wh"],
    ]);
    expect(box(el, "A").getAttribute("aria-label")).toBe("A: B 1, H 4, T 17, T 17");
    expect(texts(el, ".aw-shapes-said")[6]).toMatch(/^What the heads brought/);
    expect(texts(el, ".aw-shapes-said")[0]).toContain("a vector of 128 numbers");
  });

  test("a box tells on focus how many numbers, and which layer makes them", async () => {
    const { el } = await show("stories", SHAPES);
    expect(text(el, ".aw-shapes-details")).toContain("blocks.2.attention.query");
    box(el, "v").dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    box(el, "v").focus();
    await drawn();
    expect(text(el, ".aw-shapes-details")).toContain("1 × 17 × 128 = 2,176 numbers");
    expect(text(el, ".aw-shapes-details")).toContain("blocks.2.attention.value");
    expect(text(el, ".aw-shapes-details")).toContain(
      "weight 128 × 128 and a bias: 16,512 parameters",
    );
    box(el, "A").focus();
    await drawn();
    expect(text(el, ".aw-shapes-details")).toContain("1 × 4 × 17 × 17 = 1,156 numbers");
    expect(text(el, ".aw-shapes-details")).toContain("Within blocks.2.attention (Attention).");
  });

  test("draws who shares keys and values, the selected head marked", async () => {
    const { el, model } = await show("stories", SHAPES);
    expect(el.querySelectorAll(".aw-shapes-group")).toHaveLength(4);
    expect(one(el, ".aw-shapes-heads .aw-chosen").textContent).toBe("2");
    expect(text(el, ".aw-shapes-formula")).toContain("a vector in ℝ3Hd = ℝ384");
    await tell(model, GROUPED);
    expect(el.querySelectorAll(".aw-shapes-group")).toHaveLength(3);
    expect(text(el, ".aw-shapes-side")).toContain("Head 2 uses number 0.");
    expect(text(el, ".aw-shapes-side")).toContain("sharing saves 460,800 numbers");
    expect(text(el, ".aw-shapes-formula")).toContain("(9 + 2·3)·64 = ℝ960");
  });

  test("tells what fewer key/value heads would be, the model's own marked", async () => {
    const { el, model } = await show("stories", SHAPES);
    const choice = () => texts(el, ".aw-shapes-choice .aw-segment");
    expect(choice()).toEqual(["4, this model", "2", "1"]);
    // Keys and values of 4 heads of 32 numbers; 17 tokens, 3 layers.
    expect(text(el, ".aw-shapes-sharing")).toContain(
      "256 numbers for each token and layer, 13,056",
    );
    await click(button(el, "2"));
    const groups = () => texts(el, ".aw-shapes-queries");
    expect(groups()).toEqual(["01", "23"]);
    expect(text(el, ".aw-shapes-sharing")).toContain("(grouped-query attention, GQA)");
    expect(text(el, ".aw-shapes-sharing")).toContain(
      "would be 128 numbers for each token and layer, 6,528 for 17 tokens and 3 such layers. This model has 256 and 13,056.",
    );
    await click(button(el, "1"));
    expect(groups()).toEqual(["0123"]);
    expect(text(el, ".aw-shapes-sharing")).toContain("(multi-query attention, MQA)");
    await tell(model, { heads: 9, kv_heads: 3 });
    expect(choice()).toEqual(["9", "3, this model", "1"]);
  });

  test("where there is no room beside it, the heads come first", async () => {
    laid_out.width = 560;
    const { el } = await show("stories", SHAPES);
    const [first] = el.querySelectorAll(".aw-shapes-sharing, .aw-shapes-flow");
    expect(first.classList).toContain("aw-shapes-sharing");
  });

  test("says what was not found, and one layer for all", async () => {
    const { el, model } = await show("stories", SHAPES);
    const { q } = recorded[0].content.layers;
    await tell(model, { layers: { qkv: q } });
    expect(text(el, ".aw-shapes-details")).toContain("for q, k, v together");
    await tell(model, {
      layers: {},
      width: null,
      why_no_inputs: "There is no model to look into.",
    });
    expect(text(el, ".aw-shapes-details")).toContain(
      "Its layer was not found. There is no model to look into.",
    );
    expect(box(el, "x").getAttribute("aria-label")).toBe("x: B 1, T 17, E not known");
  });

  test("of given maps only what is known", async () => {
    const { el, model } = await show("stories", SHAPES);
    const none = { d: null, dv: null, width: null, out_width: null, layers: {}, module: "" };
    await tell(model, { ...none, why_no_products: "Only weights were given." });
    expect(texts(el, ".aw-shapes-title")).toHaveLength(6);
    expect(el.querySelector(".aw-shapes-heads")).toBeNull();
    expect(text(el, ".aw-shapes-flow")).toContain("Only weights were given.");
  });
});

test("asks for what the kernel assumes that it will", async () => {
  const { model } = await show("stories", { ...SHAPES, words: true });
  const { wants } = model.sent.at(-1);
  const asked = wants.filter((/** @type {any} */ want) => !want.prefetch && want.kind === "shapes");
  expect(asked.map((/** @type {any} */ want) => want.key)).toEqual(["shapes| 0 words|2"]);
});
