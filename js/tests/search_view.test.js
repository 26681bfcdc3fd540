import { beforeEach, describe, expect, test } from "vitest";
import { click, column, drawn, one, press, settled, show, text, texts, type } from "./show.js";

/** Two cats, and two words in pieces. */
const CATS = {
  tokens: "<s> the cat saw an other cat un believ able".split(" "),
  gaps: ["", "", " ", " ", " ", "", " ", " ", "", ""],
  words: undefined,
};

/** @type {Awaited<ReturnType<typeof show>>} */
let page;
beforeEach(async () => {
  page = await show("words", { query: 0, key: null }, CATS);
  await press(page.el, "/");
});

const field = () => /** @type {HTMLInputElement} */ (one(page.el, ".aw-search-text"));
const count = () => text(page.el, ".aw-search-count");
const found = (/** @type {"query" | "key"} */ side) =>
  texts(column(page.el, side), ".aw-found bdi");

/** A key in the search field. @param {string} key @param {KeyboardEventInit} [init] */
async function type_key(key, init = {}) {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
  field().dispatchEvent(event);
  await (key.length === 1 ? drawn() : settled());
  return event;
}

describe("the search", () => {
  test("opens with /, empty and focused", () => {
    expect(document.activeElement).toBe(field());
    expect([field().value, count()]).toEqual(["", ""]);
    expect(found("query")).toEqual([]);
  });

  test("counts and marks what it finds, on both sides, also over several tokens", async () => {
    await type(field(), "CAT");
    expect(count()).toBe("2 found");
    expect([found("query"), found("key")]).toEqual([
      ["cat", "cat"],
      ["cat", "cat"],
    ]);
    await type(field(), "another");
    expect([count(), found("key")]).toEqual(["1 found", ["an", "other"]]);
    await type(field(), "unbelievable");
    expect([count(), found("query")]).toEqual(["1 found", ["un", "believ", "able"]]);
    await type(field(), "dog");
    expect([count(), found("query")]).toEqual(["none", []]);
    await type(field(), " ");
    expect([count(), found("query")]).toEqual(["", []]);
  });

  test("Enter goes to the next, Shift+Enter back, both round the end", async () => {
    await type(field(), "cat");
    const seen = [];
    for (const shiftKey of [false, false, false, true, true]) {
      await type_key("Enter", { shiftKey });
      seen.push([page.model.get("query"), count()]);
    }
    expect(seen).toEqual([
      [2, "1 of 2"],
      [6, "2 of 2"],
      [2, "1 of 2"],
      [6, "2 of 2"],
      [2, "1 of 2"],
    ]);
    expect(text(page.el, ".aw-sentence")).toContain("cat looks");
    expect(document.activeElement).toBe(field());
    await click(one(page.el, '[aria-label="The next one"]'));
    expect(page.model.get("query")).toBe(6);
    await click(one(page.el, '[aria-label="The one before"]'));
    expect(page.model.get("query")).toBe(2);
  });

  test("from a token between two goes to the nearest after, or before", async () => {
    await type(field(), "cat");
    page.model.set("query", 4);
    await settled();
    expect(count()).toBe("2 found");
    await type_key("Enter", { shiftKey: true });
    expect(page.model.get("query")).toBe(2);
  });

  test("turned round steps through the keys", async () => {
    page.model.set("direction", "to");
    await type(field(), "cat");
    await type_key("Enter");
    expect([page.model.get("query"), page.model.get("key")]).toEqual([0, 2]);
  });

  test("that finds nothing changes nothing", async () => {
    await type(field(), "dog");
    await type_key("Enter");
    expect(page.model.get("query")).toBe(0);
  });

  test("Esc closes it and gives the focus back; nothing stays marked, nothing is freed", async () => {
    await type(field(), "cat");
    await type_key("Enter");
    expect((await type_key("Escape")).defaultPrevented).toBe(true);
    expect(page.el.querySelector(".aw-search")).toBeNull();
    expect(document.activeElement).toBe(one(page.el, ".aw-root"));
    expect(found("query")).toEqual([]);
    expect(page.model.get("query")).toBe(2);
  });

  test("Esc closes it from the widget as well, before it frees anything", async () => {
    await press(page.el, "Escape");
    expect(page.el.querySelector(".aw-search")).toBeNull();
    expect(page.model.get("query")).toBe(0);
    await press(page.el, "/");
    await click(one(page.el, '[aria-label="Close the search"]'));
    expect(page.el.querySelector(".aw-search")).toBeNull();
    expect(document.activeElement).toBe(one(page.el, ".aw-root"));
  });

  test("what is typed into it are letters, not the widget's keys, nor the notebook's", async () => {
    const traits = () =>
      JSON.stringify(
        ["view", "direction", "words", "heads", "step", "query", "key"].map((name) =>
          page.model.get(name),
        ),
      );
    const before = traits();
    const heard = /** @type {string[]} */ ([]);
    const listen = (/** @type {KeyboardEvent} */ { key }) => heard.push(key);
    document.body.addEventListener("keydown", listen);
    for (const key of [
      "d",
      "v",
      "w",
      "s",
      "p",
      "f",
      "?",
      "/",
      " ",
      "[",
      "+",
      "0",
      "ArrowLeft",
      "PageDown",
      "Home",
    ]) {
      expect((await type_key(key)).defaultPrevented).toBe(false);
    }
    document.body.removeEventListener("keydown", listen);
    expect(traits()).toBe(before);
    expect(heard).toEqual([]);
    expect(page.el.querySelector(".aw-help-pane, .aw-lecture")).toBeNull();
    expect(page.el.querySelector(".aw-search")).not.toBeNull();
  }, 10_000);

  test("marks what it finds in the other views, and follows words", async () => {
    await type(field(), "cat");
    page.model.set("view", "text");
    await settled();
    expect(count()).toBe("2 found");
    await drawn();
    await type_key("Enter");
    expect(page.model.get("query")).toBe(2);
  });
});
