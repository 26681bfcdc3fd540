import { describe, expect, test, vi } from "vitest";
import { action_of, KEYS } from "../src/keys.js";
import { button, click, column, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {Awaited<ReturnType<typeof show>>} Page */

/** @param {Page} page @param {...string} names */
const traits = ({ model }, ...names) => names.map((name) => model.get(name));

/** Reading of what is on screen, as last asked for. @param {Page} page */
const reading = ({ model }) => model.sent.at(-1).wants[0].reading;

describe("keys", () => {
  test("keep the focus in the widget when what had it is taken away", async () => {
    const { el } = await show("minilm", { view: "block" });
    one(el, '.aw-head[aria-selected="true"]').focus();
    // The grid view has no panel of small thumbnails: theirs was the focus.
    await press(el, "v");
    expect(document.activeElement).toBe(one(el, ".aw-root"));
    // Nothing is taken from others on the page.
    const other = document.createElement("input");
    document.body.append(other);
    other.focus();
    await press(el, "v");
    expect(document.activeElement).toBe(other);
    other.remove();
  });

  test("step tokens, layers and heads, and stop at the ends", async () => {
    const page = await show("minilm", { layer: 4, head: 10, query: 13 });
    const { el } = page;
    await press(el, "ArrowRight");
    await press(el, "ArrowRight");
    await press(el, "ArrowDown");
    await press(el, "ArrowDown");
    await press(el, "]");
    await press(el, "]");
    await press(el, "ArrowLeft", { shiftKey: true });
    expect(traits(page, "layer", "head", "query", "key")).toEqual([5, 11, 14, 1]);
    await press(el, "ArrowUp");
    await press(el, "[");
    expect(traits(page, "layer", "head")).toEqual([4, 10]);
    await press(el, "Home");
    expect(traits(page, "query", "key")).toEqual([0, 1]);
    await press(el, "End");
    expect(traits(page, "query", "key")).toEqual([14, 1]);
  });

  test("v goes through lines, matrix, text, steps, block and grid, and round", async () => {
    const page = await show("minilm");
    const seen = [];
    const drawn = [".aw-lines", ".aw-cells", ".aw-paper", ".aw-steps-table", ".aw-block-view"];
    for (const at of [...drawn, ".aw-grid-view", ".aw-lines"]) {
      expect(page.el.querySelector(at)).not.toBeNull();
      seen.push(page.model.get("view"), text(page.el, '[aria-label="View"] [aria-pressed="true"]'));
      await press(page.el, "v");
    }
    expect(seen).toEqual([
      ...["lines", "Lines", "matrix", "Matrix", "text", "Text", "steps", "Steps"],
      ...["block", "Block", "grid", "Grid", "lines", "Lines"],
    ]);
  });

  test("d turns round: to the other end of the link, or to the same token where there is none", async () => {
    const page = await show("minilm");
    await press(page.el, "d");
    expect(traits(page, "direction", "query", "key")).toEqual(["to", 10, 2]);
    expect(text(page.el, ".aw-sentence")).toContain("animal is looked at");
    await press(page.el, "d");
    expect(traits(page, "direction", "query", "key")).toEqual(["from", 10, 2]);
    await press(page.el, "Escape");
    await press(page.el, "d");
    expect(traits(page, "direction", "query", "key")).toEqual(["to", 10, 10]);
  });

  test("turned round, the arrows step keys, and Shift the queries that look at them", async () => {
    const page = await show("minilm", { direction: "to" });
    await press(page.el, "ArrowRight");
    expect(traits(page, "query", "key")).toEqual([10, 3]);
    await press(page.el, "ArrowLeft", { shiftKey: true });
    expect(traits(page, "query", "key")).toEqual([9, 3]);
    await press(page.el, "Home");
    expect(traits(page, "query", "key")).toEqual([9, 0]);
    await press(page.el, "Escape");
    expect(traits(page, "query", "key")).toEqual([null, 0]);
    await press(page.el, "Escape");
    expect(traits(page, "query", "key")).toEqual([null, null]);
  });

  test("w merges pieces to words, and takes them apart", async () => {
    const page = await show("words");
    expect(reading(page).words).toBe(false);
    await press(page.el, "w");
    // First the new items, then the pictures of them.
    await settled();
    expect(page.model.get("words")).toBe(true);
    expect(reading(page)).toEqual({ words: true, hide: [], renormalise: false, pair: null });
    expect(texts(column(page.el, "query"), "bdi")).toEqual([
      ...["<s>", "The", "unbelievable", "tokenizer", ",", "again", "!"],
    ]);
    // The piece that was selected is in a word now, and an arrow goes to the next word.
    expect(text(column(page.el, "query"), ".aw-is-query bdi")).toBe("tokenizer");
    expect(page.model.get("query")).toBe(8);
    await press(page.el, "ArrowLeft");
    expect(text(column(page.el, "query"), ".aw-is-query bdi")).toBe("unbelievable");
    expect(page.model.get("query")).toBe(2);
    await press(page.el, "w");
    expect(reading(page).words).toBe(false);
    expect(text(column(page.el, "query"), ".aw-is-query bdi")).toBe("un");
  });

  test("Space and Page keys step on and back, like a lecture's remote", async () => {
    const page = await show("minilm");
    await press(page.el, " ");
    expect(page.model.get("query")).toBe(11);
    await press(page.el, "PageDown");
    expect(page.model.get("query")).toBe(12);
    await press(page.el, " ", { shiftKey: true });
    expect(page.model.get("query")).toBe(11);
    await press(page.el, "PageUp");
    expect(page.model.get("query")).toBe(10);
    // In the steps they walk the stages.
    page.model.set("view", "steps");
    await settled();
    await press(page.el, " ");
    expect(traits(page, "query", "stage")).toEqual([10, "values"]);
    await press(page.el, "PageUp");
    expect(traits(page, "query", "stage")).toEqual([10, "softmax"]);
    const to = await show("minilm", { direction: "to" });
    await press(to.el, "PageDown");
    expect(traits(to, "query", "key")).toEqual([10, 3]);
  });

  test("f is the lecture: a class, no panel, no hints; once more, or Esc, ends it", async () => {
    const { el } = await show("minilm", { query: null, key: null });
    const is_lecture = () => el.querySelector(".aw-root.aw-lecture") !== null;
    const row = () => Number.parseFloat(one(el, ".aw-row").style.height);
    const height = row();
    expect(is_lecture()).toBe(false);
    // jsdom has no full screen; a host may forbid it.
    expect(document.documentElement.requestFullscreen).toBeUndefined();
    await press(el, "f");
    expect(is_lecture()).toBe(true);
    expect(el.querySelector(".aw-heads")).toBeNull();
    expect(row()).toBeGreaterThan(height);
    await press(el, "f");
    expect(is_lecture()).toBe(false);
    expect(el.querySelector(".aw-heads")).not.toBeNull();
    await press(el, "f");
    await press(el, "Escape");
    expect(is_lecture()).toBe(false);
  });

  test("f fills the screen where it can, and ends with it", async () => {
    const { el } = await show("minilm");
    const root = /** @type {any} */ (one(el, ".attnwidget"));
    root.requestFullscreen = vi.fn(() => Promise.reject(new Error("not allowed")));
    await press(el, "f");
    expect(root.requestFullscreen).toHaveBeenCalledOnce();
    expect(el.querySelector(".aw-lecture")).not.toBeNull();

    const own = /** @type {any} */ (document);
    own.fullscreenElement = root;
    document.dispatchEvent(new Event("fullscreenchange"));
    own.fullscreenElement = null;
    document.dispatchEvent(new Event("fullscreenchange"));
    await settled();
    delete own.fullscreenElement;
    expect(el.querySelector(".aw-lecture")).toBeNull();
  });

  test("are ours alone, and only ours", async () => {
    const { el, model } = await show("minilm");
    const heard = vi.fn();
    document.body.addEventListener("keydown", heard);
    expect((await press(el, "ArrowRight")).defaultPrevented).toBe(true);
    expect(heard).not.toHaveBeenCalled();
    expect((await press(el, "Tab")).defaultPrevented).toBe(false);
    expect((await press(el, "ArrowRight", { ctrlKey: true })).defaultPrevented).toBe(false);
    expect((await press(el, "p", { metaKey: true })).defaultPrevented).toBe(false);
    expect(heard).toHaveBeenCalledTimes(3);

    const query = model.get("query");
    for (const key of ["ArrowRight", " ", "d", "/"]) {
      const typed = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      one(el, ".aw-text").dispatchEvent(typed);
      expect(typed.defaultPrevented).toBe(false);
    }
    expect([model.get("query"), model.get("direction")]).toEqual([query, "from"]);
    expect(heard).toHaveBeenCalledTimes(3);
    expect(el.querySelector("[data-lm-suppress-shortcuts]")).not.toBeNull();
    document.body.removeEventListener("keydown", heard);
  });

  test("Space presses the button that a Tab has led to", async () => {
    const { el, model } = await show("minilm");
    const focused = one(el, '[aria-label="View"] button');
    focused.focus();
    const space = new KeyboardEvent("keydown", { key: " ", bubbles: true, cancelable: true });
    focused.dispatchEvent(space);
    expect(space.defaultPrevented).toBe(false);
    expect(model.get("query")).toBe(10);
  });

  test("a slider and a switch that have the focus keep their own keys, and leave the rest", async () => {
    const { el, model } = await show("minilm");
    const heard = (/** @type {Element} */ target, /** @type {string} */ key) => {
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      target.dispatchEvent(event);
      return event.defaultPrevented;
    };
    const slider = one(el, ".aw-mass input");
    for (const key of ["ArrowRight", "ArrowLeft", "Home", "End", "PageUp"]) {
      expect(heard(slider, key)).toBe(false);
    }
    expect(model.get("query")).toBe(10);
    expect(heard(slider, "]")).toBe(true);
    await click(button(el, /^Tokens/));
    const box = one(el, ".aw-menu-pane input");
    expect(heard(box, " ")).toBe(false);
    expect(model.get("query")).toBe(10);
    expect(heard(box, "ArrowRight")).toBe(true);
    expect(model.get("query")).toBe(11);
  });

  test("? opens the list of keys, Esc closes it and keeps what is selected", async () => {
    const { el, model } = await show("minilm");
    await press(el, "?");
    for (const { words } of KEYS) expect(text(el, ".aw-help-pane")).toContain(words);
    await press(el, "Escape");
    expect(el.querySelector(".aw-help-pane")).toBeNull();
    expect([model.get("query"), model.get("key")]).toEqual([10, 2]);
  });
});

describe("the table of keys", () => {
  test("has one meaning for each key, and tells Shift apart where it counts", () => {
    const names = KEYS.flatMap(({ keys }) => Object.keys(keys));
    expect(new Set(names).size).toBe(names.length);
    const action = (/** @type {string} */ key, /** @type {object} */ init = {}) =>
      action_of(new KeyboardEvent("keydown", { key, ...init }));
    expect(action("ArrowLeft")).not.toBe(action("ArrowLeft", { shiftKey: true }));
    expect(action(" ")).not.toBe(action(" ", { shiftKey: true }));
    // On some keyboards these need Shift.
    for (const key of ["?", "/", "+", "[", "]"]) {
      expect(action(key)).not.toBeNull();
      expect(action(key, { shiftKey: true })).toBe(action(key));
    }
    expect(action("ArrowLeft", { altKey: true })).toBeNull();
    expect(action("Enter")).toBeNull();
    expect(action("toString")).toBeNull();
  });
});
