import { describe, expect, test, vi } from "vitest";
import { stroked } from "./setup.js";
import { button, click, drawn, leave, one, press, settled, show, text, texts } from "./show.js";

const TEXT = { view: "text" };

/** @param {Element} el @param {number} item @param {number} [passage] */
const word = (el, item, passage = 0) =>
  /** @type {HTMLElement} */ (
    el.querySelectorAll(".aw-paper")[passage].querySelector(`[data-item="${item}"]`)
  );

/** @param {HTMLElement} target */
async function peek(target) {
  target.dispatchEvent(new MouseEvent("pointermove", { bubbles: true }));
  await drawn();
}

/** Every word ten pixels wide, one after the other. */
function lay_out() {
  vi.spyOn(HTMLElement.prototype, "getClientRects").mockImplementation(
    /** @this {HTMLElement} */
    function boxes() {
      const left = 10 * Number(this.dataset.item);
      return /** @type {any} */ ([{ left, top: 0, width: 10, height: 20 }]);
    },
  );
}

/** Washes on a passage: which word, and how strong. @param {Element} el @param {number} [passage] */
function washes(el, passage = 0) {
  const canvas = el.querySelectorAll(".aw-washes")[passage];
  return (stroked.get(canvas) ?? [])
    .filter(({ what }) => what === "fillRect")
    .map(({ args, globalAlpha, fillStyle }) => ({
      item: args[0] / 10,
      ink: globalAlpha,
      colour: fillStyle,
    }));
}

describe("the text view", () => {
  test("is the passage itself: words with their gaps and line breaks", async () => {
    const { el } = await show("words", TEXT);
    expect(text(el, ".aw-paper")).toBe("<s>The unbelievable tokenizer,\nagain!");
    expect(texts(el, ".aw-word")).toHaveLength(12);
    expect(one(el, ".aw-paper").getAttribute("dir")).toBe("auto");
    const words = await show("words", { ...TEXT, words: true });
    await settled();
    expect(text(words.el, ".aw-paper")).toBe("<s>The unbelievable tokenizer,\nagain!");
    expect(texts(words.el, ".aw-word")).toEqual([
      ...["<s>", "The", "unbelievable", "tokenizer", ",", "again", "!"],
    ]);
  });

  test("breaks the line where a token is a line break, and shows what cannot be seen", async () => {
    const tokens = ["One", "\n\n", "<b>two</b>", " ", "שלום"];
    const { el } = await show("words", TEXT, {
      tokens,
      gaps: ["", "", "", "", ""],
      words: undefined,
    });
    expect(text(el, ".aw-paper")).toBe("One↵↵\n\n<b>two</b>␣שלום");
    expect(texts(el, ".aw-marked")).toEqual(["↵↵\n\n", "␣"]);
    expect(el.querySelector(".aw-paper b")).toBeNull();
  });

  test("a click selects a word and turns the colours on it; once more frees it", async () => {
    lay_out();
    const { el, model } = await show("minilm", { ...TEXT, query: null, key: null });
    expect(washes(el)).toEqual([]);
    await click(word(el, 10));
    expect([model.get("query"), model.get("key")]).toEqual([10, null]);
    expect(text(el, ".aw-sentence")).toContain("it looks");
    const own = washes(el);
    expect(own).toHaveLength(15);
    // It looks at "animal" most; the first token is a sink and does not count.
    const strongest = own.filter(({ item }) => item > 0).sort((a, b) => b.ink - a.ink)[0];
    expect(strongest).toMatchObject({ item: 2, ink: 0.5 });
    await click(word(el, 10));
    expect(model.get("query")).toBeNull();
    expect(washes(el)).toEqual([]);
  });

  test("the pointer shows another word's attention without the kernel, and takes it back", async () => {
    lay_out();
    const { el, model } = await show("minilm", TEXT);
    const [sent, before] = [model.sent.length, washes(el)];
    await peek(word(el, 3));
    expect(washes(el)).not.toEqual(before);
    await leave(one(el, ".aw-paper-scroll"));
    expect(washes(el)).toEqual(before);
    await settled();
    expect(model.sent).toHaveLength(sent);
    expect(model.get("query")).toBe(10);
  });

  test("turned round it shows who looks at the word", async () => {
    lay_out();
    const { el, model } = await show("minilm", TEXT);
    const from = washes(el);
    await click(button(el, "is looked at"));
    expect(model.get("direction")).toBe("to");
    expect(text(el, ".aw-sentence")).toContain("animal is looked at");
    expect(washes(el)).not.toEqual(from);
    await click(word(el, 6));
    expect([model.get("query"), model.get("key")]).toEqual([null, 6]);
  });

  test("several heads lie in stripes of their own colours", async () => {
    lay_out();
    const heads = [
      [5, 3],
      [5, 11],
    ];
    const { el } = await show("minilm", { ...TEXT, heads });
    const colours = new Set(washes(el).map(({ colour }) => colour));
    expect(colours.size).toBe(2);
    expect(texts(el, ".aw-head-chip")).toEqual(["5.3", "5.11"]);
  });

  test("cross-attention is two passages, one looking at the other", async () => {
    lay_out();
    const { el, model } = await show("cross", { ...TEXT, query: 2, key: null });
    expect(texts(el, ".aw-passage h3")).toEqual(["key: is looked at", "query: looks"]);
    expect(text(el, ".aw-passage:first-child .aw-paper")).toContain("animal didn");
    expect(text(el, ".aw-passage:last-child .aw-paper")).toContain("das Tier überquerte");
    // From a word of the one, colours on the other.
    expect(washes(el, 0).length).toBeGreaterThan(0);
    expect(washes(el, 1)).toEqual([]);
    await click(word(el, 5, 0));
    expect(["direction", "query", "key"].map((n) => model.get(n))).toEqual(["to", null, 5]);
    expect(washes(el, 0)).toEqual([]);
    expect(washes(el, 1).length).toBeGreaterThan(0);
    await click(word(el, 1, 1));
    expect(["direction", "query", "key"].map((n) => model.get(n))).toEqual(["from", 1, null]);
  });

  test("frames the word, the other end of its link, and what a search has found", async () => {
    lay_out();
    const { el } = await show("minilm", TEXT);
    const frames = () =>
      (stroked.get(one(el, ".aw-washes")) ?? [])
        .filter(({ what }) => what === "roundRect")
        .map(({ args }) => Math.round((args[0] + args[2] / 2 - 5) / 10));
    expect(frames()).toEqual([2, 10]);
    await press(el, "/");
    const field = /** @type {HTMLInputElement} */ (one(el, ".aw-search-text"));
    field.value = "the";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(frames()).toEqual([1, 7, 2, 10]);
  });

  test("kinds of tokens and sentences of a pair look different", async () => {
    const { el } = await show("pair", TEXT);
    const words = [...el.querySelectorAll(".aw-word")];
    expect(words.map((w) => /** @type {HTMLElement} */ (w).dataset.segment ?? "")).toEqual([
      ...["", "0", "0", "0", "0", "", "1", "1", "1", "1", "", "", ""],
    ]);
    expect(texts(el, ".aw-special")).toEqual(["[CLS]", "[SEP]", "[SEP]"]);
    expect(texts(el, ".aw-padding")).toEqual(["[PAD]", "[PAD]"]);
  });
});

describe("long tokens", () => {
  const LONG = "ab".repeat(100);
  const scene = {
    tokens: ["<s>", LONG, "מילה".repeat(50), "end"],
    ...{ gaps: ["", "", " ", " "], words: undefined },
  };

  test.each(/** @type {const} */ (["lines", "matrix", "text"]))(
    "are cut in the middle in the %s view, with all of it in the title",
    async (view) => {
      const { el } = await show("words", { view, query: 1, key: 2 }, scene);
      const cut = {
        lines: ".aw-column-query .aw-is-query",
        matrix: ".aw-row-label.aw-is-query",
        text: '.aw-word[data-item="1"]',
      }[view];
      const own = one(el, cut);
      const shown = (own.querySelector("bdi") ?? own).textContent ?? "";
      expect(shown.length).toBeLessThanOrEqual(60);
      expect(shown).toMatch(/^(ab)+a?…b?(ab)+$/);
      expect(own.title).toContain(LONG);
      const said = one(el, ".aw-sentence .aw-token-query");
      expect(said.textContent).toHaveLength(24);
      expect(said.title).toBe(LONG);
    },
  );

  test("stand in their own direction", async () => {
    const { el } = await show("words", { query: 1, key: 2 }, scene);
    for (const word of el.querySelectorAll(".aw-column bdi")) {
      expect(word.getAttribute("dir")).toBe("auto");
    }
    expect(el.querySelectorAll(".aw-column bdi")).toHaveLength(8);
    expect(one(el, ".aw-sentence .aw-token-query").tagName).toBe("BDI");
  });
});
