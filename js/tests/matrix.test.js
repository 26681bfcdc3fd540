import { describe, expect, test } from "vitest";
import { palette } from "../src/draw/colours.js";
import { ramp_step, scale_of } from "../src/draw/scale.js";
import { laid_out, painted } from "./setup.js";
import { one, press, settled, show, text, texts, type } from "./show.js";

const MATRIX = { view: "matrix" };

/** Colours of the cells on screen, one of each cell's middle. @param {Element} el @param {number} n */
function cells_of(el, n) {
  const canvas = /** @type {HTMLCanvasElement} */ (one(el, ".aw-cells"));
  const image = /** @type {Uint32Array} */ (painted.get(canvas));
  const cell = canvas.width / n;
  const middle = (/** @type {number} */ i) => Math.floor((i + 0.5) * cell);
  return Array.from({ length: n * n }, (_, i) => {
    const [q, k] = [Math.floor(i / n), i % n];
    return image[middle(q) * canvas.width + middle(k)];
  });
}

/** What the kernel sends for what is on screen. @param {Awaited<ReturnType<typeof show>>} shown */
async function tiles_of({ model }) {
  const tiles = /** @type {{content: any, weights: Float32Array}[]} */ ([]);
  model.on("msg:custom", (content, buffers) => {
    if (content.kind !== "tile") return;
    tiles.push({ content, weights: new Float32Array(buffers[0].buffer) });
  });
  model.send({ ...model.sent.at(-1), again: true });
  await Promise.resolve();
  return tiles;
}

describe("what is drawn", () => {
  test.each(/** @type {const} */ (["sqrt", "linear", "log"]))(
    "each cell is the colour of the kernel's number, %s",
    async (scale) => {
      const shown = await show("minilm", { ...MATRIX, scale });
      const [{ content, weights }] = await tiles_of(shown);
      expect(content).toMatchObject({ rows: [0, 15], cols: [0, 15] });
      const { ramp } = palette("light");
      const { top, beyond } = scale_of(scale, weights, [15, 15], { has_first: true });
      expect(beyond).toBe(content.max);
      expect(cells_of(shown.el, 15)).toEqual(
        Array.from(weights, (w) => ramp[ramp_step(scale, w, top)]),
      );
    },
  );

  test("another scale is drawn at once, without the kernel, and told to Python", async () => {
    const shown = await show("minilm", MATRIX);
    const before = cells_of(shown.el, 15);
    const sent = shown.model.sent.length;
    const choice = /** @type {HTMLSelectElement} */ (one(shown.el, ".aw-legend select"));
    choice.value = "linear";
    choice.dispatchEvent(new Event("change", { bubbles: true }));
    await settled();
    expect(shown.model.get("scale")).toBe("linear");
    expect(cells_of(shown.el, 15)).not.toEqual(before);
    expect(shown.model.sent).toHaveLength(sent);
  });

  test("the mean of several heads is one picture that the kernel makes", async () => {
    const heads = [
      [5, 10],
      [5, 11],
    ];
    const shown = await show("minilm", { ...MATRIX, heads, mean: true });
    const wanted = shown.model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "tile");
    expect(wanted.heads).toEqual(heads);
    const mean = cells_of(shown.el, 15);
    expect(cells_of((await show("minilm", { ...MATRIX, heads })).el, 15)).not.toEqual(mean);
  });

  test("follows the host into the dark", async () => {
    const { el } = await show("minilm", MATRIX);
    const root = one(el, ".attnwidget");
    expect(root.dataset.scheme).toBe("light");
    const { ramp } = palette("dark");
    document.body.dataset.jpThemeLight = "false";
    await settled();
    expect(root.dataset.scheme).toBe("dark");
    expect(cells_of(el, 15).every((colour) => ramp.includes(colour))).toBe(true);
    delete document.body.dataset.jpThemeLight;
    document.body.className = "vscode-dark";
    await settled();
    expect(root.dataset.scheme).toBe("dark");
    document.body.className = "";
    await settled();
    expect(root.dataset.scheme).toBe("light");
  });

  test("hidden first and shown later; narrow, then tiny", async () => {
    Object.assign(laid_out, { width: 0, height: 0 });
    const hidden = await show("minilm", MATRIX);
    expect(hidden.el.querySelector(".aw-cells")).toBeNull();
    expect(text(hidden.el, ".aw-sentence")).toContain("it looks");

    Object.assign(laid_out, { width: 600, height: 420 });
    const narrow = (await show("minilm", MATRIX)).el;
    expect(narrow.querySelector(".aw-narrow")).not.toBeNull();
    expect(narrow.querySelectorAll(".aw-head")).toHaveLength(72);

    Object.assign(laid_out, { width: 380, height: 420 });
    const tiny = (await show("minilm", MATRIX)).el;
    expect(tiny.querySelectorAll(".aw-head")).toHaveLength(12);
    expect(text(tiny, ".aw-stepper")).toContain("Layer 5");
  });

  test("a new pass of another text is drawn under its own tokens", async () => {
    const { el, model } = await show("minilm", { ...MATRIX, query: 2, key: 1 });
    const input = /** @type {HTMLInputElement} */ (one(el, ".aw-text"));
    await type(input, "birds sing");
    expect(text(el, ".aw-text-box")).toBe("not run yet");
    el.querySelector("form")?.requestSubmit();
    await settled();
    expect(model.sent).toContainEqual({ type: "run", text: "birds sing" });
    expect(texts(el, ".aw-row-label")).toEqual(["[CLS]", "birds", "sing", "[SEP]"]);
    expect(text(el, ".aw-sentence")).toContain("sing looks");
    expect(text(el, ".aw-passes")).toContain("live · pass 2");
    expect(input.value).toBe("birds sing");
  });

  test("words are drawn as words: fewer cells, that hold the pieces' sum", async () => {
    const shown = await show("words", { ...MATRIX, query: 8, key: 3, words: true });
    expect(texts(shown.el, ".aw-row-label")).toEqual([
      ...["<s>", "The", "unbelievable", "tokenizer", ",", "again", "!"],
    ]);
    expect(text(shown.el, ".aw-pair")).toBe("tokenizer → unbelievable");
    const [{ content, weights }] = await tiles_of(shown);
    expect(content).toMatchObject({ query_len: 7, key_len: 7 });
    for (let row = 0; row < 7; row++) {
      const sum = weights.slice(7 * row, 7 * row + 7).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(1, 5);
    }
  });

  test("zoom shows a part, and all again", async () => {
    const { el } = await show("sixty", MATRIX);
    await press(el, "+");
    await press(el, "+");
    expect(el.querySelector(".aw-cells.aw-zoomed")).not.toBeNull();
    expect(text(el, ".aw-is-query")).not.toBe("");
    expect(text(el, ".aw-show-all")).toBe("Show all");
    await press(el, "0");
    expect(el.querySelector(".aw-show-all")).toBeNull();
  });

  test("a cell selects its query and key, a listed key itself", async () => {
    const { el, model } = await show("minilm", MATRIX);
    const canvas = one(el, ".aw-cells");
    canvas.getBoundingClientRect = () =>
      /** @type {DOMRect} */ ({ left: 0, top: 0, width: 150, height: 150 });
    const at = { clientX: 45, clientY: 71, button: 0, bubbles: true };
    canvas.dispatchEvent(new MouseEvent("pointermove", at));
    await settled();
    expect(text(el, ".aw-tip")).toMatch(/^\S+ → \S+0\.\d+/);
    canvas.dispatchEvent(new MouseEvent("pointerdown", at));
    canvas.dispatchEvent(new MouseEvent("pointerup", at));
    await settled();
    expect([model.get("query"), model.get("key")]).toEqual([7, 4]);

    const [, second] = el.querySelectorAll(".aw-large");
    /** @type {HTMLElement} */ (second).click();
    await settled();
    expect(text(el, ".aw-rank")).toBe("rank 2 of 15 in its row");
  });
});
