import { describe, expect, test } from "vitest";
import { place_in, whole_region } from "../src/place.js";
import { model_want, sets_of, tile_want, wants_before_any_pass, wants_of } from "../src/wants.js";
import { layer_of, model_of, PLAIN, selection_of } from "./pictures.js";

/** @typedef {import("../src/messages.js").Want} Want */
/** @typedef {import("../src/state.js").Selection["view"]} View */
/** @typedef {import("../src/place.js").Place} Place */

const PIXELS = { width: 430, height: 430 };

/** @param {Partial<import("../src/messages.js").StackFacts>} stack @param {object} [wished] */
const place_of = (stack, wished = {}) =>
  /** @type {Place} */ (place_in(model_of(stack), selection_of(wished)));

/** @param {Place} place @param {View} [view] @param {number | null} [token] */
const wants = (place, view = "matrix", token = null) =>
  wants_of(place, view, whole_region(place), PIXELS, token);

/** @param {Want[]} list */
const now = (list) => list.filter((want) => !want.prefetch);

/** @template {Want["kind"]} Kind @param {Want[]} list @param {Kind} kind */
const of_kind = (list, kind) =>
  /** @type {Extract<Want, {kind: Kind}>[]} */ (list.filter((want) => want.kind === kind));

describe("the matrix", () => {
  test("a small head is asked for whole and exact, its neighbours ahead, no rows", () => {
    const list = wants(place_of({ query_len: 15 }));
    expect(now(list).map((w) => w.kind)).toEqual(["tile", "overview", "check"]);
    const [tile] = list;
    expect(tile).toMatchObject({ heads: [[1, 1]], rows: null, cols: null, size: [2048, 2048] });
    expect(tile).toMatchObject({ stack: "encoder", batch: 0, reading: PLAIN });
    const ahead = of_kind(
      list.filter((w) => w.prefetch),
      "tile",
    );
    expect(ahead.map((w) => w.heads)).toEqual([[[1, 2]], [[1, 0]], [[2, 1]], [[0, 1]]]);
  });

  test("a text of another length is met by the same wants: a busy kernel sends, but cannot hear", () => {
    for (const view of /** @type {View[]} */ (["matrix", "lines", "text"])) {
      const keys = (/** @type {number} */ tokens) =>
        wants(place_of({ query_len: tokens }), view).map((want) => want.key);
      expect(keys(9)).toEqual(keys(15));
    }
  });

  test("a large head is asked for at the screen's size, with its row, and the next rows ahead", () => {
    const list = wants(place_of({ query_len: 512 }));
    const [row, tile] = list;
    expect(row).toMatchObject({ kind: "row", direction: "from", at: 2 });
    expect(tile).toMatchObject({ kind: "tile", size: [384, 384] });
    const rows = of_kind(list, "row").filter((w) => w.prefetch);
    expect(rows).toHaveLength(6);
    expect(rows.map((w) => w.at).sort()).toEqual([1, 2, 2, 2, 2, 3]);
  });

  test("looked at from its key, a large head comes with that column", () => {
    const [row] = wants(place_of({ query_len: 512 }, { direction: "to", key: 7 }));
    expect(row).toMatchObject({ kind: "row", direction: "to", at: 7 });
    const none = wants(place_of({ query_len: 512 }, { direction: "to", key: null }));
    expect(of_kind(none, "row")).toEqual([]);
  });

  test("a part of a large head comes with the whole, rounded so that a small drag asks nothing new", () => {
    const place = place_of({ query_len: 512 });
    const at = (/** @type {number} */ first) =>
      tile_want(place, { rows: [first, first + 60], cols: [first, first + 60] }, PIXELS);
    expect(at(100).rows).toEqual([96, 160]);
    expect(at(97)).toEqual(at(100));
    const span = /** @type {[number, number]} */ ([100, 160]);
    const list = wants_of(place, "matrix", { rows: span, cols: span }, PIXELS, null);
    expect(of_kind(now(list), "tile")).toHaveLength(2);
  });

  test("nothing is drawn on a guess where a head is very large", () => {
    for (const view of /** @type {View[]} */ (["matrix", "lines"])) {
      expect(wants(place_of({ query_len: 8192 }), view).some((w) => w.prefetch)).toBe(false);
    }
  });
});

describe("lines and text", () => {
  const heads = [
    [1, 0],
    [1, 1],
    [2, 3],
  ];

  test("of small heads come from one exact tile each, or one of their mean", () => {
    const tiles = (/** @type {object} */ wished) =>
      of_kind(now(wants(place_of({ query_len: 15 }, { heads, ...wished }), "lines")), "tile");
    expect(tiles({}).map((w) => w.heads)).toEqual([[[1, 0]], [[1, 1]], [[2, 3]]]);
    expect(tiles({ mean: true }).map((w) => w.heads)).toEqual([heads]);
    expect(tiles({ head: 2 }).map((w) => w.heads)).toEqual([[[1, 2]]]);
    expect(sets_of(place_of({}, { heads }))).toEqual(heads.map((head) => [head]));
  });

  test("the text view wants what the lines want", () => {
    for (const query_len of [15, 512]) {
      const place = place_of({ query_len }, { heads });
      expect(wants(place, "text")).toEqual(wants(place, "lines"));
    }
  });

  test("of large heads come as lists for every token, both ways, after the selected token's row", () => {
    const list = wants(place_of({ query_len: 512 }, { heads }), "lines");
    const shown = now(list).map((w) =>
      w.kind === "row" || w.kind === "lines" ? `${w.kind} ${w.direction} ${w.heads}` : w.kind,
    );
    expect(shown).toEqual([
      ...["row from 1,0", "row from 1,1", "row from 2,3"],
      ...["lines from 1,0", "lines from 1,1", "lines from 2,3"],
      ...["lines to 1,0", "lines to 1,1", "lines to 2,3"],
      ...["overview", "check"],
    ]);
  });

  test("lists are as long as a picture of bounded size allows", () => {
    const counts = (/** @type {number} */ query_len, /** @type {number} */ key_len) =>
      of_kind(now(wants(place_of({ query_len, key_len }), "lines")), "lines").map((w) => w.count);
    expect(counts(512, 512)).toEqual([32, 32]);
    expect(counts(300, 300)).toEqual([54, 54]);
    expect(counts(8192, 8192)).toEqual([8, 8]);
    // One query over a long text: its list is as long as may be, those of the keys short.
    expect(counts(16, 8192)).toEqual([64, 8]);
  });

  test("the tokens that a key press leads to are fetched ahead", () => {
    const place = place_of({ query_len: 512 }, { direction: "to", key: 0, heads });
    const rows = of_kind(wants(place, "lines"), "row").filter((w) => w.prefetch);
    expect(rows.map((w) => [w.direction, w.at])).toEqual([
      ["to", 1],
      ["to", 1],
      ["to", 1],
    ]);
  });
});

test("the grid comes with larger thumbnails, unless they would be too many", () => {
  const sizes = (/** @type {Want[]} */ list) => of_kind(list, "overview").map((w) => w.size);
  expect(sizes(wants(place_of({}), "grid"))).toEqual([48, 24]);
  const layers = Array.from({ length: 80 }, (_, i) => layer_of(i, 64));
  expect(sizes(wants(place_of({ layers }), "grid"))).toEqual([24]);
});

test("predictions come for a run of tokens that holds the one on screen", () => {
  const made = (/** @type {number | null} */ token) =>
    of_kind(wants(place_of({ query_len: 64 }), "lines", token), "predictions");
  expect(made(null)).toEqual([]);
  expect(made(37)).toMatchObject([{ at: [32, 48], count: 5, stack: "encoder", batch: 0 }]);
  expect(made(32)).toEqual(made(47));
  expect(made(31)).not.toEqual(made(32));
  expect(made(37)[0].prefetch).toBeUndefined();
});

test("what is shown carries the reading, in the key as in the want", () => {
  const reading = { words: true, hide: ["first"], renormalise: true, pair: null };
  const key = "model|encoder 0 words first renormalised";
  const model = model_of({ query_len: 512 }, { key, tokens: { reading } });
  const place = /** @type {Place} */ (place_in(model, selection_of({})));
  for (const want of wants(place, "lines", 3)) {
    expect(want.key.split("|")[1]).toBe("encoder 0 words first renormalised");
    if (want.kind !== "check" && want.kind !== "predictions") {
      expect(want).toMatchObject({ reading });
    }
  }
  expect(model_want(place.context)).toMatchObject({ key, kind: "model", reading });
});

test("keys are unique, and messages stay small", () => {
  for (const query_len of [1, 15, 512, 4096]) {
    for (const view of /** @type {View[]} */ (["lines", "matrix", "text", "grid"])) {
      const list = wants(place_of({ query_len }), view, 0);
      expect(new Set(list.map((w) => w.key)).size).toBe(list.length);
      expect(JSON.stringify(list).length).toBeLessThan(16_000);
    }
  }
});

test("before any pass, what a small one will show is asked for under the keys it will have", () => {
  const before = wants_before_any_pass(selection_of({ stack: "", layer: 1, head: 1 }), PIXELS);
  expect(before.map((w) => w.kind)).toEqual(["model", "tile", "overview", "check"]);
  const model = model_of({ query_len: 15 }, { key: before[0].key });
  const after = wants(/** @type {Place} */ (place_in(model, selection_of({}))), "lines");
  expect(now(after).map((w) => w.key)).toEqual(before.slice(1).map((w) => w.key));
  expect(before.every((w) => "stack" in w && w.stack === "")).toBe(true);
});
