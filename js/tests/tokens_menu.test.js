import { describe, expect, test } from "vitest";
import { button, click, column, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {Awaited<ReturnType<typeof show>>} Page */

/** @param {Page} page */
async function open({ el }) {
  await click(button(el, /^Tokens/));
  return one(el, ".aw-menu-pane");
}

/** @param {Page} page @param {RegExp} words */
function switch_of({ el }, words) {
  const label = [...el.querySelectorAll(".aw-switch")].find((s) => words.test(s.textContent ?? ""));
  return /** @type {HTMLInputElement} */ (label?.querySelector("input, select"));
}

/** @param {Page} page @param {RegExp} words */
async function flip(page, words) {
  switch_of(page, words).click();
  // First the new items, then the pictures of them.
  await settled();
  await settled();
}

/** Reading of what is on screen, as last asked for. @param {Page} page */
const reading = ({ model }) => model.sent.at(-1).wants[0].reading;

/** @param {Page} page @param {"query" | "key"} side */
const tokens = ({ el }, side) => texts(column(el, side), "bdi");

describe("the tokens menu", () => {
  test("has a switch for what there is to hide", async () => {
    const words = (/** @type {Page} */ { el }) => texts(el, ".aw-switch > span");
    const pair = await show("pair");
    await open(pair);
    expect(words(pair)).toEqual([
      "Merge pieces to words (keys added, queries averaged)",
      "Hide special tokens",
      "Hide padding",
      "Hide the first token",
      "Scale rows to 1 again (after hiding)",
      "Sentences",
    ]);
    const plain = await show("sixty");
    await open(plain);
    expect(words(plain)).toEqual([
      "Merge pieces to words (keys added, queries averaged)",
      "Hide the first token",
      "Scale rows to 1 again (after hiding)",
    ]);
  });

  test("hides special tokens on both sides; the numbers stay, and what is missing is said", async () => {
    const page = await show("minilm");
    const before = text(page.el, ".aw-sentence").match(/(\d+ %) at animal/)?.[1];
    expect(page.el.querySelector(".aw-changed, .aw-reading-note")).toBeNull();
    await open(page);
    await flip(page, /special/);
    expect(page.model.get("hide")).toEqual(["special"]);
    expect(reading(page)).toEqual({
      words: false,
      hide: ["special"],
      renormalise: false,
      pair: null,
    });
    for (const side of /** @type {const} */ (["query", "key"])) {
      expect(tokens(page, side)).toHaveLength(13);
      expect(tokens(page, side)).not.toContain("[CLS]");
    }
    // The same tokens are selected, in other places.
    expect(text(column(page.el, "query"), ".aw-is-query bdi")).toBe("it");
    expect(text(column(page.el, "key"), ".aw-is-key bdi")).toBe("animal");
    expect(text(page.el, ".aw-sentence")).toContain(`${before} at animal`);
    expect(text(page.el, ".aw-sentence")).toMatch(/; \d+ % goes to hidden tokens\.$/);
    expect(text(page.el, ".aw-reading-note")).toBe(
      "Hidden: special tokens; rows are left as they are, so they sum to less than 1.",
    );
    expect(page.el.querySelector(".aw-changed")).not.toBeNull();
    await flip(page, /special/);
    expect(page.model.get("hide")).toEqual([]);
    expect(tokens(page, "key")).toHaveLength(15);
    expect(page.el.querySelector(".aw-changed, .aw-reading-note")).toBeNull();
  });

  test("scales what is left to 1 again, but only where something is hidden", async () => {
    const page = await show("minilm");
    await open(page);
    expect(switch_of(page, /Scale rows/).disabled).toBe(true);
    await flip(page, /first token/);
    expect(page.model.get("hide")).toEqual(["first"]);
    expect(switch_of(page, /Scale rows/).disabled).toBe(false);
    const share = () => Number(text(page.el, ".aw-sentence").match(/(\d+) % at animal/)?.[1]);
    const before = share();
    await flip(page, /Scale rows/);
    expect(page.model.get("renormalise")).toBe(true);
    expect(reading(page)).toMatchObject({ hide: ["first"], renormalise: true });
    expect(share()).toBeGreaterThan(before);
    expect(text(page.el, ".aw-sentence")).not.toContain("hidden");
    expect(text(page.el, ".aw-reading-note")).toBe(
      "Hidden: the first token; rows are scaled to sum 1 again.",
    );
  });

  test("hides several kinds, always in the same order", async () => {
    const page = await show("pair");
    await open(page);
    await flip(page, /special/);
    await flip(page, /padding/);
    await flip(page, /first token/);
    expect(page.model.get("hide")).toEqual(["first", "padding", "special"]);
    expect(text(page.el, ".aw-reading-note")).toContain(
      "Hidden: the first token, padding tokens, special tokens; rows",
    );
    expect(tokens(page, "query")).toEqual("the cat sat down a dog ran off".split(" "));
    await flip(page, /padding/);
    expect(page.model.get("hide")).toEqual(["first", "special"]);
  });

  test("shows one sentence of a pair looking at the other", async () => {
    const page = await show("pair");
    await open(page);
    const choice = /** @type {HTMLSelectElement} */ (
      /** @type {unknown} */ (switch_of(page, /Sentences/))
    );
    const choose = async (/** @type {string} */ value) => {
      choice.value = value;
      choice.dispatchEvent(new Event("change", { bubbles: true }));
      await settled();
      await settled();
    };
    await choose("1,0");
    expect(page.model.get("pair")).toEqual([1, 0]);
    expect(reading(page).pair).toEqual([1, 0]);
    expect(tokens(page, "query")).toEqual("a dog ran off [SEP]".split(" "));
    expect(tokens(page, "key")).toEqual("[CLS] the cat sat down [SEP] [PAD] [PAD]".split(" "));
    expect(text(page.el, ".aw-is-query bdi")).toBe("dog");
    expect(text(page.el, ".aw-reading-note")).toContain("Hidden: other sentences;");
    await choose("");
    expect(page.model.get("pair")).toBeNull();
    expect(tokens(page, "query")).toHaveLength(13);
  });

  test("merges words, and says how", async () => {
    const page = await show("words");
    await open(page);
    await flip(page, /Merge/);
    expect(page.model.get("words")).toBe(true);
    expect(tokens(page, "key")).toContain("unbelievable");
    expect(text(page.el, ".aw-reading-note")).toBe(
      "Words: weights of a key's pieces are added, of a query's averaged.",
    );
  });

  test("a hidden token stays selected, unseen, and is there again when it is shown", async () => {
    const page = await show("minilm", { query: 0, key: null, hide: ["special"] });
    expect(page.el.querySelector(".aw-column-query .aw-is-query")).toBeNull();
    expect(text(page.el, ".aw-sentence")).toContain("Select a token");
    page.model.set("hide", []);
    await settled();
    await settled();
    expect(text(page.el, ".aw-column-query .aw-is-query bdi")).toBe("[CLS]");
    expect(page.model.get("query")).toBe(0);
  });

  test("closes with its button, with Esc, and when the reader goes elsewhere", async () => {
    const page = await show("minilm");
    const is_open = () => page.el.querySelector(".aw-menu-pane") !== null;
    await open(page);
    await click(button(page.el, /^Tokens/));
    expect(is_open()).toBe(false);

    const pane = await open(page);
    const pressed = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
    one(pane, "input").dispatchEvent(pressed);
    await settled();
    expect(is_open()).toBe(false);
    expect([page.model.get("query"), page.model.get("key")]).toEqual([10, 2]);

    const again = await open(page);
    again.dispatchEvent(new MouseEvent("pointerdown", { bubbles: true }));
    await settled();
    expect(is_open()).toBe(true);
    one(page.el, ".aw-sentence").dispatchEvent(new MouseEvent("pointerdown", { bubbles: true }));
    await settled();
    expect(is_open()).toBe(false);
  });

  test("what the kernel notes about the tokens is said with the rest", async () => {
    const page = await show("minilm", {}, { notes: ["Token texts are not known: ids are shown."] });
    expect(text(page.el, ".aw-reading-note")).toBe("Token texts are not known: ids are shown.");
    await press(page.el, "v");
    expect(text(page.el, ".aw-reading-note")).toBe("Token texts are not known: ids are shown.");
  });
});

describe("kinds of tokens", () => {
  test("look different: special, padding, and the two sentences of a pair", async () => {
    const { el } = await show("pair");
    const rows = [...column(el, "query").querySelectorAll(".aw-row")];
    const look = rows.map((row) =>
      [...row.classList].filter((c) => /special|padding|segment/.test(c)),
    );
    const [special, padding] = [["aw-special"], ["aw-padding"]];
    const [a, b] = [["aw-segment-a"], ["aw-segment-b"]];
    expect(look).toEqual([special, a, a, a, a, special, b, b, b, b, special, padding, padding]);
    const plain = await show("sixty");
    expect(plain.el.querySelector(".aw-special, .aw-padding, .aw-segment-a")).toBeNull();
  });
});
