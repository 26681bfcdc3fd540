import { describe, expect, test } from "vitest";
import {
  as_tokens,
  context_in_key,
  context_of,
  item_of,
  looker,
  place_in,
  whole_region,
} from "../src/place.js";
import { model_want } from "../src/wants.js";
import { layer_of, model_of, PLAIN, selection_of, sequence, side_of } from "./pictures.js";

/** @typedef {import("../src/place.js").Place} Place */
/** @typedef {import("../src/messages.js").LayerHead} LayerHead */

/** Two words of one and three pieces, two hidden tokens, one word more. */
const MERGED = side_of(["The", "unbelievable", "end"], {
  spans: [
    [0, 1],
    [1, 4],
    [6, 7],
  ],
});

/** @param {Parameters<typeof model_of>[0]} stack @param {object} [wished] @param {Parameters<typeof model_of>[1]} [model] */
const place_of = (stack, wished = {}, model = {}) =>
  /** @type {Place} */ (place_in(model_of(stack, model), selection_of(wished)));

describe("items and tokens", () => {
  test("a token is in the item that spans it, or in none where it is hidden", () => {
    const items = [0, 1, 2, 3, 4, 5, 6, 7, -1, null].map((token) => item_of(MERGED, token));
    expect(items).toEqual([0, 1, 1, 1, null, null, 2, null, null, null]);
    expect(item_of(side_of([]), 0)).toBeNull();
  });

  test("hold for any spans: an item's tokens, and only they, are in it", () => {
    const random = sequence(5);
    for (let round = 0; round < 100; round++) {
      /** @type {[number, number][]} */
      const spans = [];
      const owner = /** @type {(number | null)[]} */ ([]);
      while (owner.length < 40) {
        const length = 1 + Math.floor(3 * random());
        const hidden = random() < 0.3;
        if (!hidden) spans.push([owner.length, owner.length + length]);
        for (let i = 0; i < length; i++) owner.push(hidden ? null : spans.length - 1);
      }
      const side = side_of(
        spans.map(() => "x"),
        { spans },
      );
      expect(owner.map((_, token) => item_of(side, token))).toEqual(owner);
    }
  });

  test("an item is chosen as its first token, nothing as nothing, what is not named not at all", () => {
    const keys = side_of(["a"], { spans: [[5, 6]] });
    const model = model_of({ query_len: 7, key_len: 7 }, { tokens: { queries: MERGED, keys } });
    expect(as_tokens(model, { query: 1, key: 0 })).toEqual({ query: 1, key: 5 });
    expect(as_tokens(model, { query: 2 })).toEqual({ query: 6 });
    expect(as_tokens(model, { key: null })).toEqual({ key: null });
    expect(as_tokens(model, { query: 3 })).toEqual({ query: null });
    expect(as_tokens(model, {})).toEqual({});
  });
});

describe("place_in", () => {
  test("finds the nearest selection that exists", () => {
    const layers = [layer_of(3), layer_of(7, 2)];
    expect(place_of({ layers }, { layer: 6, head: 3 })).toMatchObject({
      layer: { layer: 7 },
      head: 1,
    });
    expect(place_of({}, { query: 9, key: null, batch: 5 })).toMatchObject({
      query: null,
      key: null,
      batch: 0,
    });
    expect(place_of({}, { stack: "gone" }).stack.name).toBe("encoder");
    expect(place_of({ layers: [] })).toBeNull();
    expect(place_of({ name: "another" })).toBeNull();
  });

  test("counts lengths and the selection in items", () => {
    const keys = side_of(["a", "b"], {
      spans: [
        [0, 2],
        [3, 7],
      ],
    });
    const model = { tokens: { queries: MERGED, keys } };
    const place = place_of({ query_len: 7 }, { query: 3, key: 6 }, model);
    expect(place.stack).toMatchObject({ query_len: 3, key_len: 2 });
    expect(place).toMatchObject({ query: 1, key: 1 });
    expect(place_of({ query_len: 7 }, { query: 5, key: 2 }, model)).toMatchObject({
      query: null,
      key: null,
    });
    expect(whole_region(place)).toEqual({ rows: [0, 3], cols: [0, 2] });
  });

  test("the side that is looked from depends on the direction", () => {
    expect(looker(place_of({}, { query: 2, key: 1 }))).toBe(2);
    expect(looker(place_of({}, { query: 2, key: 1, direction: "to" }))).toBe(1);
    expect(looker(place_of({}, { query: 2, key: null, direction: "to" }))).toBeNull();
  });
});

describe("several heads", () => {
  /** @param {LayerHead[]} heads @param {object} [wished] */
  const heads_of = (heads, wished = {}) => place_of({}, { layer: 1, head: 1, heads, ...wished });

  test("count only while the selected one is among them", () => {
    /** @type {LayerHead[]} */
    const heads = [
      [0, 3],
      [1, 1],
    ];
    expect(heads_of(heads).heads).toEqual(heads);
    expect(heads_of(heads, { head: 2 }).heads).toEqual([[1, 2]]);
    expect(heads_of(heads, { layer: 0 }).heads).toEqual([[0, 1]]);
    expect(heads_of([]).heads).toEqual([[1, 1]]);
  });

  test("that do not exist here are left out", () => {
    const heads = heads_of([
      [1, 1],
      [1, 4],
      [9, 0],
      [2, 3],
    ]).heads;
    expect(heads).toEqual([
      [1, 1],
      [2, 3],
    ]);
  });

  test("a picture shows one of them, or all as their mean", () => {
    /** @type {LayerHead[]} */
    const heads = [
      [1, 0],
      [1, 1],
    ];
    expect(heads_of(heads).set).toEqual([[1, 1]]);
    expect(heads_of(heads, { mean: true }).set).toEqual(heads);
    expect(heads_of([], { mean: true }).set).toEqual([[1, 1]]);
  });
});

describe("contexts", () => {
  /** @param {object} [wished] @param {string} [stack] */
  const name = (wished = {}, stack = "encoder") => context_of(selection_of(wished), stack).name;

  test("are named by stack, batch item and reading, whatever the order of what is hidden", () => {
    const all = [
      name(),
      name({}, "decoder"),
      name({ batch: 1 }),
      name({ words: true }),
      name({ hide: ["special"] }),
      name({ hide: ["special", "first"] }),
      name({ renormalise: true }),
      name({ pair: [0, 1] }),
      name({ pair: [1, 0] }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(name({ hide: ["first", "special"] })).toBe(name({ hide: ["special", "first"] }));
    expect(context_of(selection_of({ hide: ["special", "first"] }), "").reading.hide).toEqual([
      "first",
      "special",
    ]);
    // What does not change the items does not change their context.
    expect(name({ layer: 2, head: 0, query: 1, mass: 0.5, direction: "to" })).toBe(name());
  });

  test("stand in the key of each want, whatever a stack is called", () => {
    for (const stack of ["", "encoder", "a b 0", "model.layers"]) {
      const context = context_of(selection_of({ hide: ["first"] }), stack);
      expect(context_in_key(model_want(context).key)).toBe(context.name);
    }
    expect(context_in_key("check")).toBe("");
  });

  test("of a place are those of its model: what was asked for as the first stack stays that", () => {
    const reading = { ...PLAIN, words: true };
    const own = (/** @type {string} */ key) =>
      place_of({ batch_size: 2 }, { batch: 0 }, { key, tokens: { batch: 1, reading } });
    expect(own("model|encoder 1 words").context).toEqual({
      name: "encoder 1 words",
      stack: "encoder",
      batch: 1,
      reading,
    });
    expect(own("model| 1 words").context).toMatchObject({ name: " 1 words", stack: "" });
    expect(own("model| 1 words")).toMatchObject({ batch: 1, stack: { name: "encoder" } });
  });
});
