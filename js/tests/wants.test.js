import { describe, expect, test } from "vitest";
import { place_in, tile_want, tokens_of, wants_of, whole_region } from "../src/wants.js";
import { layer_of, model_of } from "./pictures.js";

const PIXELS = { width: 430, height: 430 };

/** @param {Partial<import("../src/messages.js").StackFacts>} stack @param {object} [wished] */
function place_of(stack, wished = {}) {
  const selection = { stack: "encoder", layer: 1, head: 1, query: 2, key: 0, batch: 0, ...wished };
  return /** @type {import("../src/wants.js").Place} */ (place_in(model_of(stack), selection));
}

/** @param {import("../src/wants.js").Place} place @param {"matrix" | "grid"} [view] */
const wants = (place, view = "matrix") => wants_of(place, view, whole_region(place), PIXELS);

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
  });

  test("goes with token texts, numbered where none are known", () => {
    const place = place_of({ query_len: 2, key_len: 3 });
    const model = model_of({ query_len: 2, key_len: 3 }, { tokens: [[["a", "b"]], [["x"]]] });
    expect(tokens_of(model, place)).toEqual({ queries: ["a", "b"], keys: ["x", "1", "2"] });
  });
});

describe("wants_of", () => {
  test("a small head is asked for whole and exact, its neighbours ahead, no rows", () => {
    const list = wants(place_of({ query_len: 15 }));
    expect(list.filter((w) => !w.prefetch).map((w) => w.kind)).toEqual([
      "model",
      "tile",
      "overview",
      "check",
    ]);
    const [, tile] = list;
    expect(tile).toMatchObject({ layer: 1, head: 1, rows: null, cols: null, size: [2048, 2048] });
    const ahead = /** @type {import("../src/messages.js").TileWant[]} */ (
      list.filter((w) => w.prefetch)
    );
    expect(ahead.map((w) => [w.layer, w.head])).toEqual([
      [1, 2],
      [1, 0],
      [2, 1],
      [0, 1],
    ]);
  });

  test("a text of another length is met by the same wants: a busy kernel sends, but cannot hear", () => {
    const keys = (/** @type {number} */ tokens) =>
      wants(place_of({ query_len: tokens })).map((want) => want.key);
    expect(keys(9)).toEqual(keys(15));
  });

  test("a large head is asked for at the screen's size, with its row, and the next rows ahead", () => {
    const list = wants(place_of({ query_len: 512 }));
    const [, row, tile] = list;
    expect(row).toMatchObject({ kind: "row", query: 2 });
    expect(tile).toMatchObject({ kind: "tile", size: [384, 384] });
    const rows = list.filter((w) => w.prefetch && w.kind === "row");
    expect(rows).toHaveLength(6);
  });

  test("a part of a large head comes with the whole, rounded so that a small drag asks nothing new", () => {
    const place = place_of({ query_len: 512 });
    const at = (/** @type {number} */ first) =>
      tile_want(place, { rows: [first, first + 60], cols: [first, first + 60] }, PIXELS);
    expect(at(100).rows).toEqual([96, 160]);
    expect(at(97)).toEqual(at(100));
    const region = { rows: /** @type {[number, number]} */ ([100, 160]), cols: place_cols() };
    const list = wants_of(place, "matrix", region, PIXELS).filter((w) => !w.prefetch);
    expect(list.filter((w) => w.kind === "tile")).toHaveLength(2);
  });

  test("nothing is drawn on a guess where a head is very large", () => {
    expect(wants(place_of({ query_len: 8192 })).some((w) => w.prefetch)).toBe(false);
  });

  test("the grid comes with larger thumbnails, unless they would be too many", () => {
    const sizes = (/** @type {import("../src/messages.js").Want[]} */ list) =>
      list.flatMap((w) => (w.kind === "overview" ? [w.size] : []));
    expect(sizes(wants(place_of({}), "grid"))).toEqual([48, 24]);
    const layers = Array.from({ length: 80 }, (_, i) => layer_of(i, 64));
    expect(sizes(wants(place_of({ layers }), "grid"))).toEqual([24]);
  });

  test("keys are unique, and messages stay small", () => {
    for (const query_len of [1, 15, 512, 4096]) {
      const list = wants(place_of({ query_len }), "grid");
      expect(new Set(list.map((w) => w.key)).size).toBe(list.length);
      expect(JSON.stringify(list).length).toBeLessThan(16_000);
    }
  });
});

/** @returns {[number, number]} */
function place_cols() {
  return [100, 160];
}
