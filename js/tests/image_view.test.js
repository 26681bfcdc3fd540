import { describe, expect, test } from "vitest";
import image from "../../tests/fixtures/views/image.json";
import patch_rows from "../../tests/fixtures/views/patch_rows.json";
import { decode } from "../src/messages.js";
import { place_in } from "../src/place.js";
import {
  cells_in,
  chips_of,
  moved,
  place_in_words,
  rank_of,
  spread,
  token_at,
} from "../src/views/image/layout.js";
import { faded, ink, overlay, shrunk } from "../src/views/image/paint.js";
import { patch_rows_want, rows_nearby } from "../src/views/image/wants.js";
import { model_of, selection_of, side_of } from "./pictures.js";
import { drawn, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {import("../src/views/messages.js").ImagePicture} ImagePicture */

/** @param {any} recorded */
const decoded = ({ content, buffers }) =>
  /** @type {any} */ (
    decode(
      content,
      buffers.map((/** @type {string} */ b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0))),
    )
  );
const PLAIN_IMAGE = /** @type {ImagePicture} */ (decoded(image[0]));
const WINDOWS = /** @type {ImagePicture} */ (decoded(image[1]));

/** A class token and 2 × 3 patches. */
const SIDE = side_of(["class token", "a", "b", "c", "d", "e", "f"], {
  kinds: ["special", "", "", "", "", "", ""],
  patches: [null, [0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]],
});

describe("where items lie", () => {
  test("patches in the grid that they make", () => {
    const { queries, keys } = cells_in(PLAIN_IMAGE, { queries: SIDE, keys: SIDE }, 0);
    expect(queries).toBe(keys);
    expect(queries?.grid).toEqual([2, 3]);
    expect([...(queries?.cells ?? [])]).toEqual([-1, 0, 1, 2, 3, 4, 5]);
    expect([...(queries?.items ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("words beside the patches of another side", () => {
    const words = side_of(["what", "is"]);
    const { queries, keys } = cells_in(PLAIN_IMAGE, { queries: words, keys: SIDE }, 0);
    expect(queries).toBeNull();
    expect(keys?.grid).toEqual([2, 3]);
  });

  test("tokens of a window in the layer's own grid, moved in every second layer", () => {
    const side = side_of(Array.from({ length: 16 }, (_, i) => `${i}`));
    /** @param {number} layer */
    const of_layer = (layer) => cells_in(WINDOWS, { queries: side, keys: side }, layer).queries;
    // The sixth window of 4 × 4 in a grid of 16 × 16; then half a window further down and right.
    expect(of_layer(0)?.cells[0]).toBe(4 * 16 + 4);
    expect(of_layer(1)?.cells[0]).toBe(6 * 16 + 6);
    // Merged: the second of four windows in a grid of 8 × 8.
    expect(of_layer(2)?.grid).toEqual([8, 8]);
    expect(of_layer(2)?.cells[0]).toBe(4);
    expect(of_layer(0)?.items.filter((item) => item >= 0)).toHaveLength(16);
  });

  test("another window is another item of the batch, of as many layers need", () => {
    const [first, , third] = WINDOWS.layers;
    expect(token_at(WINDOWS, first, 4 * 16 + 4)).toEqual({ batch: 5, token: 0 });
    expect(token_at(WINDOWS, first, 0)).toEqual({ batch: 0, token: 0 });
    // In the third layer four items of the first one share a window.
    expect(token_at(WINDOWS, third, 5)).toEqual({ batch: 4, token: 1 });
    expect(token_at(WINDOWS, third, 64)).toBeNull();
  });

  test.each([
    [-1, "ArrowUp", 0],
    [0, "ArrowUp", 0],
    [0, "ArrowRight", 1],
    [2, "ArrowRight", 2],
    [1, "ArrowDown", 4],
    [4, "ArrowLeft", 3],
    [5, "ArrowDown", 5],
  ])("from cell %i by %s to %i", (cell, key, to) => {
    expect(moved([2, 3], cell, key)).toBe(to);
  });

  test("weights over them, and beside them", () => {
    const { keys } = cells_in(PLAIN_IMAGE, { queries: SIDE, keys: SIDE }, 0);
    const weights = Float32Array.from([0.25, 0.5, Number.NaN, 0.125, 0, 0, 0.125]);
    const found = spread(weights, keys);
    expect([...found.over]).toEqual([0.5, 0, 0.125, 0, 0, 0.125]);
    expect([found.top, found.inside, found.outside]).toEqual([0.5, 0.75, 0.25]);
    expect(rank_of(found.over, 0.125)).toBe(2);
    expect(place_in_words([2, 3], 4)).toBe("row 2, column 2");
    expect(spread(weights, null).outside).toBe(1);
  });

  test("a run of patches is one sign among the words", () => {
    const side = side_of(["see", "a", "b", "here"], { patches: [null, [0, 0], [0, 1], null] });
    const { queries } = cells_in(PLAIN_IMAGE, { queries: side, keys: side }, 0);
    expect(chips_of(side, queries)).toEqual([{ item: 0 }, { from: 1, to: 3 }, { item: 3 }]);
  });
});

describe("pixels", () => {
  const RGB = Uint8Array.from([255, 0, 0, 10, 20, 30]);

  test("without an overlay are the image's own", () => {
    expect([...faded(RGB, 0, "light")]).toEqual([255, 0, 0, 255, 10, 20, 30, 255]);
  });

  test("under one are greyer, and nearer to the ground", () => {
    const spread_of = (/** @type {ArrayLike<number>} */ p) =>
      Math.max(p[0], p[1], p[2]) - Math.min(p[0], p[1], p[2]);
    const [light, dark] = [faded(RGB, 1, "light"), faded(RGB, 1, "dark")];
    expect(spread_of(light)).toBeLessThan(60);
    expect(light[4]).toBeGreaterThan(100);
    expect(dark[0]).toBeLessThan(120);
  });

  test("of weights are one colour, clear at 0 and deepest at the largest", () => {
    const over = Float32Array.from([0, 0.25, 1]);
    const how = { scale: /** @type {const} */ ("linear"), top: 1, strength: 1 };
    const pixels = overlay(over, Int32Array.from([0, 1, 2]), { ...how, scheme: "light" });
    expect([3, 7, 11].map((i) => pixels[i])).toEqual([0, 59, 235]);
    expect([...pixels.slice(8, 11)]).toEqual(ink("light"));
    const none = overlay(over, Int32Array.from([0, 1, 2]), { ...how, strength: 0, scheme: "dark" });
    expect([3, 7, 11].map((i) => none[i])).toEqual([0, 0, 0]);
  });

  test("out of reach lie under the ground", () => {
    const how = { scale: /** @type {const} */ ("sqrt"), top: 1, strength: 1 };
    const pixels = overlay(Float32Array.of(0), Int32Array.of(-1), { ...how, scheme: "light" });
    expect([...pixels]).toEqual([255, 255, 255, 184]);
  });

  test("fewer of them are means", () => {
    const rgb = Uint8Array.from([0, 0, 0, 100, 50, 20, 200, 0, 0, 100, 50, 20]);
    expect(shrunk(rgb, [2, 2], 1)).toEqual({ rgb: Uint8Array.from([100, 25, 10]), size: [1, 1] });
    expect(shrunk(rgb, [2, 2], 2).rgb).toBe(rgb);
  });
});

describe("what is asked for", () => {
  /** @param {number} side @param {Partial<import("../src/state.js").Selection>} [selection] */
  const place_of = (side, selection = {}) => {
    const patches = Array.from({ length: side ** 2 }, (_, i) => [Math.floor(i / side), i % side]);
    const model = model_of(
      { query_len: side ** 2 },
      {
        tokens: {
          queries: side_of(
            patches.map((p) => p.join()),
            { patches: /** @type {any} */ (patches) },
          ),
        },
      },
    );
    const place = place_in(model, selection_of(selection));
    if (!place) throw new Error("no place");
    return { model, place };
  };

  test("the row of every head, as the kernel was recorded to answer it", () => {
    const { place } = place_of(4, { query: 5 });
    const want = patch_rows_want(place);
    expect(want?.key).toBe("patch_rows|encoder 0 |1 from 5");
    expect(
      Object.keys(want ?? {})
        .filter((name) => name !== "key")
        .sort(),
    ).toEqual(Object.keys(patch_rows[0].want).sort());
    expect(patch_rows_want(place_of(4, { query: null }).place)).toBeNull();
  });

  test("of a large head also those of patches nearby, and of the one under the pointer", () => {
    const { model, place } = place_of(20, { query: 45 });
    const keys = rows_nearby(place, model, { direction: "from", at: 7 }).map(({ key }) =>
      key.split("|").at(-1),
    );
    expect(keys).toEqual(["1.1 from 7", "1.1 from 25", "1.1 from 65"]);
    expect(rows_nearby(place_of(4, { query: 5 }).place, model, null)).toEqual([]);
  });
});

/** @param {Element} el */
const stage = (el) => one(el, ".aw-image-stage");

/** Where the pointer is, as shares of the stage, which jsdom has nowhere: every box is 100 × 100 here. */
const BOX = { left: 0, top: 0, width: 100, height: 100 };

/** @param {HTMLElement} element @param {string} type @param {number} across @param {number} down @param {MouseEventInit} [init] */
async function point(element, type, across, down, init = {}) {
  element.getBoundingClientRect = () => /** @type {DOMRect} */ (BOX);
  const where = { clientX: 100 * across, clientY: 100 * down, bubbles: true, ...init };
  element.dispatchEvent(new MouseEvent(type, where));
  await (type === "click" ? settled() : drawn());
}

/** @param {HTMLElement} element @param {string} key @param {KeyboardEventInit} [init] */
async function key_on(element, key, init = {}) {
  element.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init }),
  );
  await settled();
}

describe("the view", () => {
  test("says whose attention it is, and frames it", async () => {
    const { el } = await show("picture");
    expect(text(el, ".aw-image-said")).toMatch(/^Where row 3, column 4 looks:/);
    const frame = one(el, ".aw-patch-query");
    expect(frame.style.left).toBe("50%");
    expect(Number.parseFloat(frame.style.top)).toBeCloseTo(33.33, 1);
    expect(text(el, ".aw-image-note")).toBe(
      "The image as the model saw it: 96 × 96 pixels, 6 × 6 patches.",
    );
    expect(texts(el, ".aw-chips .aw-chip").map((t) => t.split(/\d/)[0])).toEqual(["class token"]);
    expect(el.querySelectorAll(".aw-image-head")).toHaveLength(4);
    expect(stage(el).getAttribute("aria-label")).toContain("6 × 6 patches");
  });

  test("hover peeks at another patch and tells the number under the pointer", async () => {
    const { el, model } = await show("picture");
    await point(stage(el), "pointermove", 0.05, 0.05);
    expect(text(el, ".aw-image-said")).toMatch(/^Where row 1, column 1 looks/);
    expect(text(el, ".aw-image-numbers")).toMatch(/^row 1, column 1: \S+ rank \d+ of 36/);
    expect(one(el, ".aw-patch-pointer").style.left).toBe("0%");
    expect(model.get("query")).toBe(16);
    stage(el).dispatchEvent(new MouseEvent("pointerleave"));
    await drawn();
    expect(text(el, ".aw-image-said")).toMatch(/^Where row 3, column 4 looks/);
  });

  test("a click selects; with Shift the other end", async () => {
    const { el, model } = await show("picture");
    await point(stage(el), "click", 0.95, 0.95);
    expect(model.get("query")).toBe(36);
    await point(stage(el), "click", 0.05, 0.05, { shiftKey: true });
    expect([model.get("query"), model.get("key")]).toEqual([36, 1]);
    expect(one(el, ".aw-patch-key").style.left).toBe("0%");
    expect(text(el, ".aw-image-numbers")).toMatch(/^row 1, column 1:/);
  });

  test("arrows move in four directions, Home goes to the class token", async () => {
    const { el, model } = await show("picture");
    const layer = model.get("layer");
    await key_on(stage(el), "ArrowDown");
    expect(model.get("query")).toBe(22);
    await key_on(stage(el), "ArrowLeft");
    expect(model.get("query")).toBe(21);
    await key_on(stage(el), "ArrowUp", { shiftKey: true });
    expect([model.get("query"), model.get("key")]).toEqual([21, 1]);
    await key_on(stage(el), "Home");
    expect([model.get("query"), model.get("key")]).toEqual([0, null]);
    expect(el.querySelector(".aw-patch-query")).toBeNull();
    expect(one(el, ".aw-chip").classList).toContain("aw-chip-query");
    await key_on(stage(el), "ArrowRight");
    expect(model.get("query")).toBe(1);
    expect(model.get("layer")).toBe(layer);
    // Elsewhere up and down are layers, as in every view.
    await press(el, "ArrowUp");
    expect(model.get("layer")).toBe(layer - 1);
  });

  test("turned round, who looks at a patch", async () => {
    const { el, model } = await show("picture", { direction: "to", key: 20, query: null });
    expect(text(el, ".aw-image-said")).toMatch(/^Who looks at row 4, column 2:/);
    expect(el.querySelector(".aw-patch-query")).toBeNull();
    await point(stage(el), "click", 0.05, 0.05);
    expect([model.get("key"), model.get("query")]).toEqual([1, null]);
  });

  test("a head of the strip is selected by a click", async () => {
    const { el, model } = await show("picture");
    const heads = el.querySelectorAll(".aw-image-head");
    expect(heads[1].getAttribute("aria-pressed")).toBe("true");
    /** @type {HTMLElement} */ (heads[3]).click();
    await settled();
    expect(model.get("head")).toBe(3);
  });

  test("words of a text stand beside its patches, with their numbers", async () => {
    const { el, model } = await show("picture_text");
    expect(text(el, ".aw-image-said")).toMatch(/^Where house looks/);
    expect(text(el, ".aw-chip-image")).toMatch(/^image, (<1|\d+) %$/);
    const chips = [...el.querySelectorAll(".aw-chip")];
    expect(chips).toHaveLength(18);
    expect(one(el, ".aw-chip-query").textContent).toMatch(/^house/);
    expect(chips.at(-1)?.classList).toContain("aw-chip-masked");
    expect(chips.at(-1)?.getAttribute("title")).toBe(".: masked");
    expect(chips[1].getAttribute("title")).toMatch(/^What: 0\.0\d+$/);
    /** @type {HTMLElement} */ (chips[1]).click();
    await settled();
    expect(model.get("query")).toBe(1);
    await point(stage(el), "click", 0.05, 0.05);
    expect(model.get("query")).toBe(7);
  });

  test("outside its window nothing is looked at; a click goes there", async () => {
    const { el, model } = await show("windows");
    expect(text(el, ".aw-image-said")).toContain("It sees only its own window");
    await point(stage(el), "pointermove", 0.01, 0.01);
    expect(text(el, ".aw-image-numbers")).toContain("outside the window; a click goes there");
    await point(stage(el), "click", 0.2, 0.2);
    // Row 4, column 4 of 16: in the window that begins at row 3, column 3 of this moved layer.
    expect([model.get("batch"), model.get("query")]).toEqual([0, 5]);
  });

  test("without a selection says what to do", async () => {
    const { el } = await show("picture", { query: null });
    expect(text(el, ".aw-image-said")).toBe("Choose a patch or a word.");
    expect(el.querySelector(".aw-image-heads")).toBeNull();
  });
});
