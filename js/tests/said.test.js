import { describe, expect, test } from "vitest";
import { show, text, texts } from "./show.js";

const MATRIX = { view: "matrix" };

describe("what is said", () => {
  test("model, status, sentence, reading and labels", async () => {
    const { el } = await show("minilm", MATRIX);
    expect(text(el, ".aw-model")).toBe("MiniLM encoder · 6 layers × 12 heads");
    expect(text(el, ".aw-status")).toContain("exact check 4·10⁻⁷");
    expect(text(el, ".aw-note")).toContain("the queries and keys the model itself used");
    expect(text(el, ".aw-sentence")).toMatch(
      /^Layer 5, head 11: it looks \d+ % at animal, \d+ % at \[CLS\], \d+ % at \w+; the other 12 tokens share \d+ %\.$/,
    );
    expect(text(el, ".aw-pair")).toBe("it → animal");
    expect(text(el, ".aw-rank")).toBe("rank 1 of 15 in its row");
    expect(text(el, ".aw-legend")).toContain("square root scale");
    expect(texts(el, ".aw-row-label")).toHaveLength(15);
    expect(text(el, ".aw-is-query")).toBe("it");
    expect(text(el, ".aw-is-key")).toBe("animal");
    // One pass so far: there is nothing to step through.
    expect(el.querySelector(".aw-passes")).toBeNull();
  });

  test("looked at from the key, the same number is a column's", async () => {
    const { el } = await show("minilm", { ...MATRIX, direction: "to" });
    expect(text(el, ".aw-sentence")).toMatch(
      /^Layer 5, head 11: animal is looked at \d+ % by it, \d+ % by \w+, \d+ % by \S+; 15 queries together give it \d\.\d\d of their 15\.$/,
    );
    expect(text(el, ".aw-pair")).toBe("it → animal");
    expect(text(el, ".aw-rank")).toMatch(/^rank \d+ of 15 in its column$/);
    const from = (await show("minilm", MATRIX)).el;
    expect(text(el, ".aw-number")).toBe(text(from, ".aw-number"));
    expect(text(el, ".aw-looks")).toMatch(/This column: entropy/);
    expect(text(from, ".aw-looks")).toMatch(/This row: entropy/);
  });

  test("without a token, what to do", async () => {
    const { el } = await show("minilm", { query: null });
    expect(text(el, ".aw-sentence")).toBe(
      "Layer 5, head 11. Select a token to read where it looks.",
    );
    const to = (await show("minilm", { key: null, direction: "to" })).el;
    expect(text(to, ".aw-sentence")).toBe(
      "Layer 5, head 11. Select a token to read who looks at it.",
    );
  });

  test("the sentence is announced, the picture described, every head named", async () => {
    const { el } = await show("minilm", MATRIX);
    expect(el.querySelector(".aw-sentence")?.getAttribute("aria-live")).toBe("polite");
    const canvas = el.querySelector(".aw-cells");
    expect(canvas?.getAttribute("role")).toBe("img");
    expect(canvas?.getAttribute("aria-label")).toBe(
      "Attention of layer 5, head 11: 15 queries by 15 keys.",
    );
    const heads = [...el.querySelectorAll(".aw-head")];
    expect(heads).toHaveLength(72);
    expect(heads.filter((head) => head.getAttribute("tabindex") === "0")).toHaveLength(1);
    expect(heads.at(-1)?.getAttribute("aria-label")).toBe("layer 5, head 11");
    expect(heads.at(-1)?.getAttribute("aria-selected")).toBe("true");
    expect(el.querySelectorAll("[id]")).toHaveLength(0);
  });

  test("key/value groups are bracketed and said", async () => {
    const { el } = await show("gqa");
    expect(text(el, ".aw-model")).toContain("30 layers × 9 heads, 3 key/value heads");
    expect(el.querySelectorAll(".aw-bracket")).toHaveLength(3);
    expect((await show("minilm")).el.querySelectorAll(".aw-bracket")).toHaveLength(0);
  });

  test("layers without attention are a gap with their numbers; no tokenizer, no text box", async () => {
    const { el } = await show("gaps");
    expect(texts(el, ".aw-missing")).toEqual([
      "0–2no attention",
      "4–6no attention",
      "8–10no attention",
    ]);
    expect(text(el, ".aw-sentence")).toContain("12 % goes to no token (the sink)");
    expect(el.querySelector(".aw-text-line")).toBeNull();
    expect(el.querySelector(".aw-help")).not.toBeNull();
    expect(text(el, ".aw-status")).toContain("unchecked");
  });

  test("NaN is named, counted and explained", async () => {
    const { el } = await show("nan", MATRIX);
    expect(text(el, ".aw-sentence")).toBe(
      "Layer 5, head 11: 15 of 15 weights of cross are not a number (NaN).",
    );
    expect(text(el, ".aw-number")).toBe("NaN");
    expect(text(el, ".aw-legend")).toContain("not a number");
  });

  test("cross-attention, a batch, one token, one query over many keys", async () => {
    const cross = (await show("cross", MATRIX)).el;
    expect(text(cross, ".aw-stepper")).toContain("Item 1 of 4");
    expect(text(cross, ".aw-is-query")).toBe("Tier");
    const one = (await show("one", MATRIX)).el;
    expect(text(one, ".aw-sentence")).toBe("Layer 3, head 2: hello looks 100 % at hello.");
    const decoding = (await show("decoding", MATRIX)).el;
    expect(text(decoding, ".aw-rank")).toContain("of 60 in its row");
  });

  test("of cross-attention nothing is said that needs one text on both sides", async () => {
    const { el } = await show("cross", MATRIX);
    expect(texts(el, ".aw-looks p")).toEqual([
      expect.stringMatching(/^On average a row has \d+ % of the entropy it could have\.$/),
      expect.stringMatching(/^This row: entropy \d\.\d of 3\.9 bits\.$/),
    ]);
    const lines = (await show("cross", { view: "lines", query: 2 })).el;
    expect(text(lines, ".aw-wash-legend")).not.toContain("≥");
  });

  test("a mark is quoted in the sentence and the reading, not beside the picture", async () => {
    const { el } = await show("stories", { ...MATRIX, query: 13, key: 12 });
    expect(text(el, ".aw-sentence")).toMatch(/ % at ‘,’/);
    expect(text(el, ".aw-pair")).toBe("so → ‘,’");
    expect(texts(el, ".aw-row-label")).toContain(",");
  });

  test("weights that are the layer's own to the last bit: the bare 0 is in the note", async () => {
    const check = { status: "exact", note: "Read off.", check: 0 };
    const { el } = await show("minilm", {}, { check });
    expect(texts(el, ".aw-status > span:not(.aw-dot)")).toEqual([
      "exact",
      "to the last bit",
      "Check 0. Read off.",
    ]);
  });

  test("all heads of a layer are offered where there are more than two", async () => {
    const lines = { view: "lines", layer: 0, head: 0 };
    const two = (await show("minilm", lines, { heads: 2 })).el;
    expect(two.querySelector(".aw-head-set")).toBeNull();
    expect(text((await show("minilm", lines)).el, ".aw-head-set")).toBe("all 12 heads of layer 0");
  });

  test("tokens are text, never markup, and keep their full text within reach", async () => {
    const { el } = await show("scripts", { ...MATRIX, query: 9 });
    expect(text(el, ".aw-is-query")).toBe("<b>bold</b>");
    expect(el.querySelector(".aw-labels b")).toBeNull();
    expect(texts(el, ".aw-row-label")).toContain("↵↵");
    const long = (await show("scripts", { ...MATRIX, query: 11 })).el.querySelector(".aw-is-query");
    expect(long?.textContent).toContain("…");
    expect(long?.getAttribute("title")).toContain("pneumonoultramicroscopicsilicovolcanoconiosis");
  });

  test("a masked key is said to be hidden, a key that no one may look at as well", async () => {
    const { el } = await show("small", { ...MATRIX, query: 2, key: 9 });
    expect(text(el, ".aw-number")).toBe("masked");
    expect(text(el, ".aw-sentence")).toMatch(/; the mask hides \S+\.$/);
    const to = (await show("small", { ...MATRIX, query: 2, key: 14, direction: "to" })).el;
    expect(text(to, ".aw-sentence")).toContain("1 query together give it");
  });

  test("the scale that is chosen stands in the legend, with its ends", async () => {
    const ends = async (/** @type {string} */ scale) =>
      texts((await show("minilm", { ...MATRIX, scale })).el, ".aw-ramp-ends > span");
    const [linear, log, row] = [await ends("linear"), await ends("log"), await ends("row")];
    expect(linear[0]).toBe("0");
    expect(log[0]).toMatch(/^\d·10⁻⁵$/);
    expect(row).toEqual(["0", "row's largest"]);
    expect(log[1]).toBe(linear[1]);
  });

  test("several heads as one are said to be their mean", async () => {
    const heads = [
      [5, 10],
      [5, 11],
    ];
    const { el } = await show("minilm", { ...MATRIX, heads, mean: true });
    expect(text(el, ".aw-sentence")).toMatch(/^The mean of 2 heads: it looks \d+ % at/);
    expect(el.querySelector(".aw-cells")?.getAttribute("aria-label")).toBe(
      "Attention of the mean of 2 heads: 15 queries by 15 keys.",
    );
    const apart = (await show("minilm", { ...MATRIX, heads })).el;
    expect(text(apart, ".aw-sentence")).toMatch(/^Layer 5, head 11: it looks/);
  });
});
