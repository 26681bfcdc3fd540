import { describe, expect, test } from "vitest";
import { stroked } from "./setup.js";
import {
  click_item,
  column,
  hover,
  leave,
  one,
  press,
  settled,
  shares_in,
  show,
  text,
  texts,
} from "./show.js";

/** Too long to be sent as one exact tile. */
const LONG = Array.from({ length: 300 }, (_, i) => `t${i}`);
const ANIMAL = "[CLS] the animal didn ' t cross the street because it was too tired [SEP]".split(
  " ",
);

/** Weights of the heads on screen, as the kernel sends them. @param {Awaited<ReturnType<typeof show>>} shown */
async function weights_of({ model }) {
  const heads = /** @type {Float32Array[]} */ ([]);
  const listen = (/** @type {any} */ content, /** @type {DataView[]} */ [cells] = []) => {
    if (content.kind === "tile") heads.push(new Float32Array(cells.buffer));
  };
  model.on("msg:custom", listen);
  model.send({ ...model.sent.at(-1), again: true });
  await Promise.resolve();
  model.off("msg:custom", listen);
  return heads;
}

/** Strokes on one of the two canvases between the columns. @param {Element} el @param {"pattern" | "links"} which */
const strokes = (el, which) =>
  (stroked.get(one(el, `.aw-${which}`)) ?? []).filter(({ what }) => what === "stroke");

/** What is under the pointer, and where its lines go: as said by the page. @param {Element} el */
const state_of = (el) => ({
  query: texts(el, ".aw-column-query .aw-shown bdi"),
  key: texts(el, ".aw-column-key .aw-shown bdi"),
  beside_keys: shares_in(column(el, "key")),
  beside_queries: shares_in(column(el, "query")),
  lines: strokes(el, "links").map(({ path, lineWidth }) => [path, lineWidth]),
});

const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;

describe("the lines view", () => {
  test("is what opens: both columns of tokens, the selected one's weights beside the keys", async () => {
    const shown = await show("minilm", { view: undefined });
    const { el } = shown;
    expect(texts(el, ".aw-column-query bdi")).toEqual(ANIMAL);
    expect(texts(el, ".aw-column-key bdi")).toEqual(ANIMAL);
    expect(text(el, ".aw-column-query .aw-is-query")).toBe("it");
    expect(text(column(el, "key"), ".aw-is-key bdi")).toBe("animal");
    const [weights] = await weights_of(shown);
    const row = [...weights.slice(10 * 15, 11 * 15)];
    const worth = ANIMAL.flatMap((token, i) =>
      row[i] >= 0.05 ? [[token, [percent(row[i])]]] : [],
    );
    expect(worth.length).toBeGreaterThan(1);
    expect(shares_in(column(el, "key"))).toEqual(Object.fromEntries(worth));
    expect(shares_in(column(el, "query"))).toEqual({});
  });

  test("one line for each link of the token's share, as wide as its weight", async () => {
    const shown = await show("minilm", { mass: 0.5 });
    const [weights] = await weights_of(shown);
    const row = [...weights.slice(10 * 15, 11 * 15)].sort((a, b) => b - a);
    let held = 0;
    const wished = row.filter((w) => {
      const before = held;
      held += w;
      return before < 0.5;
    });
    const widths = strokes(shown.el, "links").map(({ lineWidth }) => lineWidth);
    expect(widths).toHaveLength(wished.length);
    wished.reverse().forEach((w, i) => {
      expect(widths[i]).toBeCloseTo(Math.max(0.75, 11 * w), 5);
    });
    expect(strokes(shown.el, "pattern").length).toBeGreaterThan(0);
  });

  test("the other way: who looks at the token, beside the queries", async () => {
    const shown = await show("minilm", { direction: "to" });
    const { el } = shown;
    const [weights] = await weights_of(shown);
    const got = ANIMAL.map((_, q) => weights[q * 15 + 2]);
    const worth = ANIMAL.flatMap((_, q) => (got[q] >= 0.05 ? [percent(got[q])] : []));
    const beside = Object.values(shares_in(column(el, "query"))).flat();
    // "the" is there twice.
    expect(worth).toEqual(expect.arrayContaining(beside));
    expect(texts(column(el, "query"), ".aw-row-shares span")).toEqual(worth);
    expect(texts(el, ".aw-column-key .aw-shown bdi")).toEqual(["animal"]);
    const largest = Math.max(...got);
    expect(text(el, ".aw-sentence")).toContain(
      `animal is looked at ${percent(largest)} by ${ANIMAL[got.indexOf(largest)]}`,
    );
    const sum = got.reduce((a, b) => a + b, 0);
    expect(text(el, ".aw-sentence")).toContain(`together give it ${sum.toFixed(2)} of their 15.`);
  });

  test("the share of each row is chosen below, and written for Python", async () => {
    const { el, model } = await show("minilm");
    const sent = model.sent.length;
    const many = strokes(el, "links").length;
    const slider = /** @type {HTMLInputElement} */ (one(el, ".aw-mass input"));
    slider.value = "0.3";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(model.get("mass")).toBe(0.3);
    expect(text(el, ".aw-mass")).toBe("30 % of each row");
    expect(strokes(el, "links").length).toBeLessThan(many);
    expect(model.sent).toHaveLength(sent);
  });
});

describe("the pointer", () => {
  test("over a token shows its lines without a word to the kernel; away, all is as before", async () => {
    const { el, model } = await show("minilm");
    const written = /** @type {any[]} */ ([]);
    const { set } = model;
    model.set = (name, value) => {
      written.push(name);
      set.call(model, name, value);
    };
    const [sent, before] = [model.sent.length, state_of(el)];
    const sentence = text(el, ".aw-sentence");
    expect(sentence).toContain("it looks");
    const seen = new Set();
    for (const item of [0, 3, 7, 14]) {
      await hover(column(el, "query"), item);
      const now = state_of(el);
      expect(now.query).toEqual([ANIMAL[item]]);
      expect(Object.keys(now.beside_keys).length).toBeGreaterThan(0);
      expect(now.beside_queries).toEqual({});
      expect(text(el, ".aw-sentence")).toContain(`${ANIMAL[item]} looks`);
      seen.add(JSON.stringify(now.lines));
    }
    await hover(column(el, "key"), 3);
    const to = state_of(el);
    expect([to.query, to.key]).toEqual([[], ["didn"]]);
    expect(to.beside_keys).toEqual({});
    expect(text(el, ".aw-sentence")).toContain("didn is looked at");
    seen.add(JSON.stringify(to.lines));
    expect(seen.size).toBe(5);
    await leave(column(el, "key"));
    expect(state_of(el)).toEqual(before);
    await settled();
    expect(model.sent).toHaveLength(sent);
    expect(written).toEqual([]);
    expect(text(el, ".aw-sentence")).toBe(sentence);
  });

  test("a long text is peeked at as well without the kernel, in both columns", async () => {
    const { el, model } = await show("long", { query: 3, key: null }, { tokens: LONG });
    const sent = model.sent.length;
    const before = state_of(el);
    await hover(column(el, "query"), 5);
    expect(Object.keys(state_of(el).beside_keys).length).toBeGreaterThan(0);
    await hover(column(el, "key"), 2);
    expect(Object.keys(state_of(el).beside_queries).length).toBeGreaterThan(0);
    await leave(column(el, "key"));
    expect(state_of(el)).toEqual(before);
    await settled();
    expect(model.sent).toHaveLength(sent);
  });

  test("over a token of the other column turns the view only as long as it is there", async () => {
    const { el, model } = await show("minilm");
    await hover(column(el, "key"), 2);
    expect(texts(el, ".aw-column-key .aw-shown bdi")).toEqual(["animal"]);
    expect(model.get("direction")).toBe("from");
    await leave(column(el, "key"));
    expect(texts(el, ".aw-column-query .aw-shown bdi")).toEqual(["it"]);
  });

  test("at rest does not keep what a key moves away from", async () => {
    const { el } = await show("minilm");
    await hover(column(el, "query"), 3);
    expect(texts(el, ".aw-shown bdi")).toEqual(["didn"]);
    await press(el, "ArrowRight");
    expect(texts(el, ".aw-shown bdi")).toEqual(["was"]);
    await hover(column(el, "query"), 3);
    await press(el, "v");
    await press(el, "v");
    expect(text(el, ".aw-sentence")).toContain("was looks");
  });

  test("a finger that drags does not peek, and below the last token is nothing", async () => {
    const { el } = await show("minilm");
    const touch = new MouseEvent("pointermove", { clientY: 5, bubbles: true });
    Object.assign(touch, { pointerType: "touch" });
    column(el, "query").dispatchEvent(touch);
    await settled();
    expect(texts(el, ".aw-shown bdi")).toEqual(["it"]);
    await hover(column(el, "query"), 99);
    expect(texts(el, ".aw-shown bdi")).toEqual(["it"]);
  });
});

describe("a click", () => {
  test("locks a query, and once more frees it", async () => {
    const { el, model } = await show("minilm");
    const chosen = () => ["query", "key", "direction"].map((name) => model.get(name));
    await hover(column(el, "query"), 6);
    await click_item(column(el, "query"), 6);
    // The link that was selected was another token's.
    expect(chosen()).toEqual([6, null, "from"]);
    await leave(column(el, "query"));
    expect(texts(el, ".aw-shown bdi")).toEqual(["cross"]);
    expect(text(el, ".aw-sentence")).toContain("cross looks");
    await click_item(column(el, "query"), 6);
    expect(chosen()).toEqual([null, null, "from"]);
    expect(texts(el, ".aw-shown bdi")).toEqual([]);
    expect(strokes(el, "links")).toEqual([]);
    expect(text(el, ".aw-sentence")).toContain("Select a token to read where it looks.");
  });

  test("on a key turns round", async () => {
    const { el, model } = await show("minilm");
    const chosen = () => ["query", "key", "direction"].map((name) => model.get(name));
    await click_item(column(el, "key"), 8);
    expect(chosen()).toEqual([null, 8, "to"]);
    expect(text(el, ".aw-sentence")).toContain("street is looked at");
    await click_item(column(el, "key"), 8);
    expect(chosen()).toEqual([null, null, "to"]);
  });

  test("with Shift selects the other end of the link, and frees it", async () => {
    const { el, model } = await show("minilm");
    const chosen = () => ["query", "key", "direction"].map((name) => model.get(name));
    await click_item(column(el, "key"), 13, { shiftKey: true });
    expect(chosen()).toEqual([10, 13, "from"]);
    expect(text(el, ".aw-sentence")).toMatch(/% at tired/);
    await click_item(column(el, "key"), 13, { shiftKey: true });
    expect(chosen()).toEqual([10, null, "from"]);
  });

  test("is undone by Esc: first the other end, then the token", async () => {
    const { el, model } = await show("minilm");
    const chosen = () => ["query", "key"].map((name) => model.get(name));
    await press(el, "Escape");
    expect(chosen()).toEqual([10, null]);
    await press(el, "Escape");
    expect(chosen()).toEqual([null, null]);
    await press(el, "Escape");
    expect(chosen()).toEqual([null, null]);
  });
});
