import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/views/without.json";
import { decode } from "../src/messages.js";
import { nats, share_in_words, shares_of_most } from "../src/views/without/words.js";
import { laid_out } from "./setup.js";
import { button, click, drawn, one, press, settled, show, text, texts } from "./show.js";

/** @param {number} i */
const picture_of = (i) =>
  /** @type {import("../src/views/messages.js").WithoutPicture} */ (
    decode(
      recorded[i].content,
      recorded[i].buffers.map((buffer) => Uint8Array.from(atob(buffer), (c) => c.charCodeAt(0))),
    )
  );
const [HEAD, POSITIONS, ORDER] = [0, 1, 2].map(picture_of);

/** @param {Record<string, any>} [traits] */
const open = (traits = {}) => show("stories", { view: "without", ...traits });

/** Widths of the bars of one column, in percent. @param {Element} el @param {number} column */
const widths = (el, column) =>
  [...el.querySelectorAll(`.aw-candidates tbody td:nth-child(${column}) i`)].map((bar) =>
    Number.parseFloat(/** @type {HTMLElement} */ (bar).style.width),
  );

describe("the view of what is predicted without a part", () => {
  test("says what a muted head changes, and draws both predictions in one order", async () => {
    const { el } = await open();
    expect(text(el, ".aw-without-said")).toBe(
      "Without head 2 of layer 2, after it the model says slept with 59 % instead of 97 %.",
    );
    const written = new Map([["(unknown word)", "<unk>"]]);
    const rows = texts(el, ".aw-candidates tbody th").map((text) => written.get(text) ?? text);
    const [drawn, left] = [true, false].map((is_drawn) =>
      HEAD.candidates.filter(({ text }) => rows.includes(text) === is_drawn),
    );
    expect(rows).toEqual(drawn.map(({ text }) => text));
    expect(rows).toHaveLength(6);
    for (const { before, after } of left) expect(Math.max(before, after)).toBeLessThan(0.01);
    drawn.forEach(({ before, after }, i) => {
      expect(widths(el, 2)[i]).toBeCloseTo(100 * before, 3);
      expect(widths(el, 3)[i]).toBeCloseTo(100 * after, 3);
    });
    expect(one(el, ".aw-candidates td").title).toBe("97.36 %");
    expect(text(el, ".aw-without-kl b")).toBe(`${HEAD.kl[14].toFixed(3)} nats`);
    expect(text(el, ".aw-kl-formula")).toContain("Σ p · ln(p / q) over all 401 candidates");
    expect(text(el, ".aw-without .aw-taught-note")).toContain("blocks.2.attention.output");
  });

  test("words that are not known are written as such", async () => {
    const { el } = await open({ remove: "order" });
    const unknown = one(el, ".aw-candidates th [title^='<unk>']");
    expect(unknown.textContent).toBe("(unknown word)");
    expect(text(el, ".aw-candidates")).not.toContain("<unk>");
  });

  test.each([
    [540, "aw-moved aw-candidates aw-heads-moved"],
    [360, "aw-moved aw-heads-moved aw-candidates"],
  ])("%i px wide, other heads stand beside the candidates or above them", async (width, order) => {
    laid_out.width = width;
    const { el } = await open();
    const parts = [...el.querySelectorAll(".aw-moved, .aw-heads-moved, .aw-candidates")];
    expect(parts.map((part) => part.classList[0]).join(" ")).toBe(order);
  });

  test("asks for the token, head and change that are selected", async () => {
    const { el, model } = await open();
    const asked = () =>
      model.sent
        .at(-1)
        .wants.find((/** @type {any} */ want) => want.kind === "without" && !want.prefetch);
    expect(asked()).toMatchObject({ at: 14, heads: [[2, 2]], what: "head" });
    expect(asked().key).toBe("without| 0 |2.2 14"); // as attnwidget/assumed.py has it
    await press(el, "ArrowLeft");
    expect(asked()).toMatchObject({ at: 13, heads: [[2, 2]], what: "head" });
    await press(el, "[");
    expect(asked()).toMatchObject({ at: 13, heads: [[2, 1]], what: "head" });
    await click(button(el, "positions"));
    expect(model.get("remove")).toBe("positions");
    const { key, what } = asked();
    expect([key, what]).toEqual(["without| 0 |positions 13", "positions"]);
    await press(el, "[");
    expect(asked().key).toBe(key);
  });

  test("the trait sets what is taken away, as a lesson does", async () => {
    const { el, model } = await open();
    model.set("remove", "positions");
    await settled();
    expect(text(el, ".aw-without-said")).toBe(
      "Without positions, after it the model says slept with <0.1 % instead of 97 %; its first choice is now was with 92 %.",
    );
    expect(one(el, ".aw-without .aw-segment[aria-pressed=true]").textContent).toBe("positions");
    expect(el.querySelector(".aw-heads-moved")).toBeNull();
    expect(text(el, ".aw-without .aw-taught-note")).toContain("Zeros are added in place");
    model.set("remove", "order");
    await settled();
    expect(text(el, ".aw-without-said")).toContain("With positions shuffled, after it");
    expect(text(el, ".aw-moved-said")).toContain(`at position ${ORDER.order[14]} in place of 14`);
    expect(text(el, ".aw-without .aw-taught-note")).toContain(`seed ${ORDER.seed}`);
  });

  test("each head of the layer stands beside with its divergence; a click mutes that one", async () => {
    const { el, model } = await open();
    const shown = texts(el, ".aw-head-moved");
    expect(shown).toEqual(
      Array.from(HEAD.kl_of_heads ?? [], (kl, head) => `head ${head}${nats(kl)}`),
    );
    expect(one(el, ".aw-head-moved[aria-pressed=true]").textContent).toContain("head 2");
    await click(one(el, ".aw-head-moved"));
    expect(model.get("head")).toBe(0);
  });

  test("the text is shaded by how far each prediction moved; exact under the pointer and in focus", async () => {
    const { el, model } = await open();
    const tokens = [...el.querySelectorAll(".aw-moved-token")];
    expect(tokens).toHaveLength(17);
    const most = Math.max(...HEAD.kl);
    tokens.forEach((token, i) => {
      const shade = /** @type {HTMLElement} */ (token).style.getPropertyValue("--aw-moved");
      expect(Number(shade)).toBeCloseTo(HEAD.kl[i] / most, 3);
    });
    expect(text(el, ".aw-moved-said")).toContain(`it ${nats(HEAD.kl[14], true)} nats`);
    tokens[10].dispatchEvent(new MouseEvent("pointermove", { bubbles: true }));
    await drawn();
    expect(text(el, ".aw-moved-said")).toContain(`too ${nats(HEAD.kl[10], true)} nats`);
    one(el, ".aw-moved-tokens").dispatchEvent(new MouseEvent("pointerleave"));
    await drawn();
    expect(text(el, ".aw-moved-said")).toContain(`it ${nats(HEAD.kl[14], true)} nats`);
    tokens[10].dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    await drawn();
    expect(text(el, ".aw-moved-said")).toContain(`too ${nats(HEAD.kl[10], true)} nats`);
    expect(tokens[10].getAttribute("aria-label")).toBe(`too: ${nats(HEAD.kl[10])} nats`);
    await click(tokens[10]);
    expect(model.get("query")).toBe(10);
  });

  test("what cannot be taken away is said in its place, and something else can be chosen", async () => {
    const { el, model } = await open();
    await click(button(el, "positions"));
    const { key } = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "without");
    model.make_trouble(key, "No positions were found in this model.", "Looked for: pe.");
    await settled();
    expect(text(el, ".aw-trouble-title")).toBe("No positions were found in this model.");
    await click(button(el, "this head"));
    expect(el.querySelector(".aw-trouble")).toBeNull();
    expect(text(el, ".aw-without-said")).toContain("Without head 2 of layer 2");
  });

  test("without a selected token it says how to select one", async () => {
    const { el } = await open({ query: null });
    expect(text(el, ".aw-without")).toContain("Select a token");
  });
});

test("the recorded model loses more without positions than without the head", () => {
  expect(POSITIONS.kl[14]).toBeGreaterThan(10 * HEAD.kl[14]);
});

test.each([
  [-1, "no number", "no number"],
  [0, "0", "0"],
  [0.0002, "<0.001", "0.0002"],
  [0.52364, "0.524", "0.5236"],
  [10.5874, "10.59", "10.59"],
  [3e38, "∞", "∞"],
])("a divergence of %f is written %s", (kl, short, exact) => {
  expect([nats(kl), nats(kl, true)]).toEqual([short, exact]);
});

test.each([
  [0, "0 %"],
  [0.0001, "<0.1 %"],
  [0.0123, "1.2 %"],
  [0.586, "59 %"],
  [0.9991, "99.9 %"],
  [1, "100 %"],
])("a share of %f is written %s", (share, words) => {
  expect(share_in_words(share)).toBe(words);
});

test("shades are shares of the one that moved most, whatever it is", () => {
  expect(shares_of_most(Float32Array.of(0, 1, 2, -1))).toEqual([0, 0.5, 1, 0]);
  expect(shares_of_most(Float32Array.of(0, 0))).toEqual([0, 0]);
  expect(shares_of_most(Float32Array.of(3e38, 2))).toEqual([1, 1]);
});
