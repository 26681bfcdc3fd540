import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/views/positions.json";
import { decode } from "../src/messages.js";
import { bias_of, biases, rotary_score, turned } from "../src/views/positions/formulas.js";
import {
  cosines,
  grey_pixels,
  of_model,
  of_paper,
  signed,
  sine_or_cosine,
} from "../src/views/positions/numbers.js";
import { painted } from "./setup.js";
import { button, click, drawn, one, press, settled, show, text, texts, type } from "./show.js";

/** @typedef {import("../src/views/messages.js").PositionsPicture} PositionsPicture */

const [{ content, buffers }] = recorded;
const bytes = buffers.map((buffer) => Uint8Array.from(atob(buffer), (c) => c.charCodeAt(0)));
const LEARNED = /** @type {PositionsPicture} */ (decode(content, bytes));

/** A picture as the kernel would send it. @param {Partial<PositionsPicture>} facts @returns {PositionsPicture} */
const picture_of = (facts) => ({
  ...{ type: "picture", kind: "positions", key: "k", pass: 1, coarse: false },
  ...{ stack: "decoder", tokens: 17, found: "none", said: "Looked for: pe.", path: "", parts: [] },
  ...{ positions: null, width: null, grid: null, shape: [] },
  ...facts,
});

const open = () => show("stories", { view: "positions" });

/** Shown in place of the recorded picture. @param {Awaited<ReturnType<typeof show>>} shown @param {Partial<PositionsPicture>} facts */
async function send({ model }, facts) {
  const want = model.sent.at(-1).wants.find((/** @type {any} */ { kind }) => kind === "positions");
  const named = /** @type {[string, Float32Array | Int32Array][]} */ (
    Object.entries(facts).filter(([, value]) => ArrayBuffer.isView(value))
  );
  const plain = Object.entries(facts).filter(([, value]) => !ArrayBuffer.isView(value));
  const { shape, ...rest } = picture_of(Object.fromEntries(plain));
  const arrays = named.map(([name, array]) => ({
    name,
    dtype: array instanceof Int32Array ? "int32" : "float32",
    shape: name === "encoding" ? shape : [array.length],
  }));
  model.emit(
    "msg:custom",
    { ...rest, key: want.key, arrays },
    named.map(([, array]) => array),
  );
  await settled();
}

describe("the sine and cosine of the paper", () => {
  test("are those of Vaswani et al. 2017", () => {
    // PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(the same), by hand for d = 4.
    const by_hand = [
      [0, 1, 0, 1],
      [0.8414709848, 0.5403023059, 0.0099998333, 0.9999500004],
      [0.9092974268, -0.4161468365, 0.0199986667, 0.9998000067],
    ];
    by_hand.forEach((row, position) => {
      row.forEach((value, dimension) => {
        expect(sine_or_cosine(position, dimension, 4)).toBeCloseTo(value, 9);
      });
    });
    expect(sine_or_cosine(63, 126, 128)).toBeCloseTo(Math.sin(63 / 10000 ** (126 / 128)), 12);
  });

  test("come in the size of the model's own rows, and are as similar as they are near", () => {
    const { rows, cols, values, similarity } = of_paper(LEARNED);
    expect([rows, cols]).toEqual([64, 128]);
    expect(values[5 * 128 + 37]).toBeCloseTo(sine_or_cosine(5, 37, 128), 6);
    const same = /** @type {Float32Array} */ (similarity);
    // Σ cos((i − j) / 10000^(2k/d)) over the pairs: it depends on the distance alone.
    for (const [i, j] of [
      [3, 3],
      [3, 9],
      [40, 46],
    ]) {
      let sum = 0;
      for (let k = 0; k < 64; k++) sum += Math.cos((i - j) / 10_000 ** ((2 * k) / 128));
      expect(same[i * 64 + j]).toBeCloseTo(sum / 64, 5);
    }
  });

  test("show the columns that are shown of a wide model", () => {
    const columns = Int32Array.of(0, 1, 510, 511);
    const encoding = new Float32Array(8);
    const made = of_paper(
      picture_of({ found: "learned", width: 512, encoding, columns, shape: [2, 4] }),
    );
    expect([made.rows, made.columns]).toEqual([2, [0, 1, 510, 511]]);
    expect(made.values[6]).toBeCloseTo(Math.sin(1 / 10_000 ** (510 / 512)), 7);
  });
});

describe("positions from formulas", () => {
  test("a bias of ALiBi is the same along every diagonal", () => {
    // Press et al. 2022, figure 3, with a slope of 1/2.
    const by_hand = [0, -0.5, -1, -0.5, 0, -0.5, -1, -0.5, 0];
    expect([...biases(3, 0.5)]).toEqual(by_hand);
    expect(bias_of(-6, 0.25)).toBe(-1.5);
  });

  test("a pair is turned anticlockwise and keeps its length", () => {
    const [x, y] = turned([3, 4], Math.PI / 2);
    expect(x).toBeCloseTo(-4, 12);
    expect(y).toBeCloseTo(3, 12);
    expect(Math.hypot(...turned([3, 4], 1.3))).toBeCloseTo(5, 12);
  });

  test("a rotary score is that of the distance alone", () => {
    const [q, k] = /** @type {[number, number][]} */ ([
      [0.9, -0.4],
      [0.2, 1.1],
    ]);
    // Su et al. 2021, equation 12: Re[(q₁ + iq₂)(k₁ − ik₂) e^(i(t − s)ω)].
    const expected =
      (0.9 * 0.2 - 0.4 * 1.1) * Math.cos(1.8) - (-0.4 * 0.2 - 0.9 * 1.1) * Math.sin(1.8);
    for (const start of [0, 5, 40]) {
      expect(rotary_score(q, k, 0.3, start + 6, start)).toBeCloseTo(expected, 12);
    }
    expect(rotary_score(q, k, 0.3, 7, 0)).not.toBeCloseTo(expected, 3);
  });
});

test("cosines are those of the rows, and 0 of a row without length", () => {
  const made = cosines(Float32Array.of(1, 0, 1, 1, 0, 0), 3);
  const root = Math.SQRT1_2;
  const expected = [1, root, 0, root, 1, 0, 0, 0, 0];
  expected.forEach((value, i) => {
    expect(made[i]).toBeCloseTo(value, 6);
  });
});

test("greys run from the ground to the ink with zero in the middle", () => {
  const greys = (/** @type {"light" | "dark"} */ scheme) =>
    Array.from(grey_pixels(Float32Array.of(-2, -1, 0, 1, 2), 1, scheme), (pixel) => pixel & 255);
  expect(greys("light")).toEqual([252, 252, 140, 28, 28]);
  expect(greys("dark")).toEqual([16, 16, 128, 240, 240]);
});

test.each([
  [0.0001, "0"],
  [-0.21349, "−0.213"],
  [1, "1"],
  [-64, "−64"],
  [123.4, "123"],
])("%f is written %s", (value, words) => {
  expect(signed(value)).toBe(words);
});

describe("the view of positions", () => {
  test("says what the model has, and draws every number of it", async () => {
    const { el } = await open();
    expect(text(el, ".aw-positions .aw-taught-said")).toBe(
      "Each of the 64 positions has a row of 128 numbers: learned, added to the embeddings (places.weight).",
    );
    const [map, similarity] = el.querySelectorAll(".aw-grey-map canvas");
    const model = /** @type {NonNullable<ReturnType<typeof of_model>>} */ (of_model(LEARNED));
    expect(painted.get(map)).toEqual(grey_pixels(model.values, model.top, "light"));
    expect(painted.get(similarity)).toEqual(
      grey_pixels(/** @type {Float32Array} */ (model.similarity), model.similar, "light"),
    );
    expect(el.querySelectorAll(".aw-row-bars rect")).toHaveLength(128);
    expect(text(el, ".aw-positions .aw-taught-note")).toContain("This text has 17 tokens.");
  });

  test("opens at the selected token, and goes along with it", async () => {
    const { el, model } = await open();
    expect(text(el, ".aw-positions-slider")).toBe("position 14 it");
    await press(el, "ArrowLeft");
    expect(text(el, ".aw-positions-slider")).toBe("position 13 so");
    await type(one(el, "input[aria-label=position]"), "3");
    await settled();
    expect(model.get("query")).toBe(3);
    await type(one(el, "input[aria-label=position]"), "40");
    expect(model.get("query")).toBe(3);
    expect(text(el, ".aw-positions-slider")).toBe("position 40");
  });

  test("gives exact numbers of what the sliders or the pointer are at", async () => {
    const { el } = await open();
    const encoding = /** @type {Float32Array} */ (LEARNED.encoding);
    const similarity = /** @type {Float32Array} */ (LEARNED.similarity);
    const [said, pair] = [".aw-positions-encoding", ".aw-positions-similarity"].map(
      (part) => `${part} .aw-map-said > span`,
    );
    await type(one(el, "input[aria-label=dimension]"), "37");
    expect(text(el, said)).toBe(`position 14, dimension 37: ${signed(encoding[14 * 128 + 37])}`);
    await type(one(el, "input[aria-label='the other position']"), "2");
    expect(text(el, pair)).toBe(`positions 14 and 2: ${signed(similarity[14 * 64 + 2])}`);
    const map = one(el, ".aw-positions-encoding .aw-grey-map");
    map.getBoundingClientRect = () =>
      /** @type {any} */ ({ left: 0, top: 0, width: 128, height: 64 });
    map.dispatchEvent(new MouseEvent("pointermove", { clientX: 5.5, clientY: 9.5, bubbles: true }));
    await drawn();
    expect(text(el, said)).toBe(`position 9, dimension 5: ${signed(encoding[9 * 128 + 5])}`);
    map.dispatchEvent(new MouseEvent("pointerleave"));
    await drawn();
    expect(text(el, said)).toContain("position 14, dimension 37");
    await click(map, { clientX: 5.5, clientY: 9.5 });
    expect(text(el, said)).toContain("position 9, dimension 5");
  });

  test("draws the paper's in place of the model's, of the same size", async () => {
    const { el } = await open();
    await click(button(el, "sine and cosine of the paper"));
    const [map] = el.querySelectorAll(".aw-grey-map canvas");
    expect(painted.get(map)).toEqual(grey_pixels(of_paper(LEARNED).values, 1, "light"));
    expect(text(el, ".aw-positions .aw-taught-said")).toContain("Vaswani et al. 2017");
    expect(text(el, ".aw-positions .aw-taught-note")).toContain("concatenate");
  });

  test("angles of rotary positions are told as such", async () => {
    const shown = await open();
    const encoding = Float32Array.from({ length: 128 }, (_, i) => Math.cos(Math.floor(i / 2)));
    await send(shown, {
      ...{ found: "rotary", path: "rotary_emb", parts: ["rotary_emb"], width: 4, shape: [64, 2] },
      ...{ encoding, angles: Float32Array.of(1, 0.01), similarity: new Float32Array(4096).fill(1) },
    });
    const { el } = shown;
    expect(text(el, ".aw-positions .aw-taught-said")).toContain("depends on the distance alone");
    expect(texts(el, ".aw-positions .aw-heading")).toEqual([
      "cos(position · angle)",
      "Mean of cos((i − j) · angle)",
    ]);
    expect(text(el, ".aw-positions-encoding .aw-map-said")).toContain("position 14, pair 0");
    expect(text(el, ".aw-positions .aw-taught-note")).not.toContain("concatenate");
  });

  test("biases stand by head and distance, and have no similarity", async () => {
    const shown = await open();
    await send(shown, {
      ...{
        found: "relative bias",
        path: "bias",
        parts: ["bias", "other"],
        width: 2,
        shape: [2, 3],
      },
      encoding: Float32Array.of(-1, 0.5, 0, 2, -3, 0.25),
      distances: Int32Array.of(-2, -1, 0),
    });
    const { el, model } = shown;
    expect(text(el, ".aw-positions-slider")).toBe("head 0");
    await type(one(el, "input[aria-label=head]"), "1");
    await type(one(el, "input[aria-label=distance]"), "1");
    expect(text(el, ".aw-map-said > span")).toBe("head 1, distance −1: −3");
    expect(model.get("query")).toBe(14);
    expect(el.querySelector(".aw-positions-similarity")).toBeNull();
    expect(text(el, ".aw-positions .aw-taught-note")).toContain("Found as well: other.");
  });

  test("vectors of distances stand by distance, which is no token", async () => {
    const shown = await open();
    await send(shown, {
      ...{ found: "relative keys", path: "distance.weight", parts: ["distance.weight"] },
      ...{ positions: 64, width: 2, shape: [3, 2] },
      encoding: Float32Array.of(1, 0, 0, 1, -1, 0.5),
      columns: Int32Array.of(0, 1),
      similarity: Float32Array.of(1, 0, -0.9, 0, 1, 0.4, -0.9, 0.4, 1),
    });
    const { el, model } = shown;
    expect(text(el, ".aw-positions .aw-taught-said")).toBe(
      "Relative keys: a query is held against each key, and against r, a vector of 2 numbers for each of 64 distances (distance.weight).",
    );
    expect(text(el, ".aw-positions-slider")).toBe("distance 0");
    await type(one(el, "input[aria-label=distance]"), "2");
    expect(text(el, ".aw-map-said > span")).toBe("distance 2, dimension 0: −1");
    expect(model.get("query")).toBe(14);
    const notes = text(el, ".aw-positions .aw-taught-note");
    expect(notes).toContain("The first 3 of 64 distances.");
    expect(notes).not.toContain("concatenate");
  });

  test("patches of a picture are drawn where they lie", async () => {
    const shown = await open();
    const similarity = Float32Array.from({ length: 25 }, (_, i) => i / 25);
    await send(shown, {
      ...{ found: "learned", said: "learned", path: "pos", parts: ["pos"], positions: 5, width: 2 },
      ...{ encoding: new Float32Array(10), columns: Int32Array.of(0, 1), shape: [5, 2] },
      ...{ similarity, grid: /** @type {[number, number, number]} */ ([2, 2, 1]) },
    });
    const { el } = shown;
    await type(one(el, "input[aria-label=position]"), "2");
    expect(text(el, ".aw-positions-patches h3")).toBe("Patch 1, over the picture");
    const canvas = one(el, ".aw-positions-patches canvas");
    expect(painted.get(canvas)).toEqual(grey_pixels(similarity.subarray(11, 15), 23 / 25, "light"));
    await type(one(el, "input[aria-label=position]"), "0");
    expect(text(el, ".aw-positions-patches h3")).toBe("Class token, over the picture");
    // All patches with all others: four maps of two by two, row by row of all four.
    const rows = [
      ...[6, 7, 11, 12],
      ...[8, 9, 13, 14],
      ...[16, 17, 21, 22],
      ...[18, 19, 23, 24],
    ].map((i) => i / 25);
    const maps = one(el, ".aw-positions-all canvas");
    expect(painted.get(maps)).toEqual(grey_pixels(Float32Array.from(rows), 23 / 25, "light"));
    expect(el.querySelector(".aw-map-of-maps > .aw-map-cell")).toBeNull();
    const at = { clientX: 0.9, clientY: 0.1, bubbles: true };
    one(el, ".aw-positions-all .aw-grey-map").dispatchEvent(new MouseEvent("click", at));
    await settled();
    expect(one(el, ".aw-map-of-maps > .aw-map-cell")).not.toBeNull();
  });

  test("where nothing was found it says what was looked for, and shows the paper's", async () => {
    const shown = await open();
    await send(shown, { found: "none", said: "Looked for: pe." });
    const { el } = shown;
    expect(text(el, ".aw-positions .aw-taught-said")).toMatch(/^No positions were found/);
    expect(text(el, ".aw-positions .aw-taught-note")).toContain("Looked for: pe.");
    expect(texts(el, ".aw-positions .aw-segment")).toEqual([
      ...["sine and cosine of the paper", "relative", "rotary"],
    ]);
    expect(el.querySelectorAll(".aw-row-bars rect")).toHaveLength(128);
  });

  test("which one is shown is a trait, so that a lesson can set it", async () => {
    const { el, model } = await open();
    model.set("encoding", "relative");
    await settled();
    expect(text(el, ".aw-positions .aw-taught-said")).toContain("the distance t − s alone");
    expect(text(el, ".aw-positions .aw-segment[aria-pressed=true]")).toBe("relative");
    await click(button(el, "rotary"));
    expect(model.get("encoding")).toBe("rotary");
    await click(button(el, "this model"));
    expect(text(el, ".aw-positions .aw-taught-said")).toContain("learned");
  });

  test("a relative bias is drawn and worked out for the slope that is chosen", async () => {
    const { el, model } = await show("stories", { view: "positions", encoding: "relative" });
    // None is above 0: that is the darkest.
    const greys_of = (/** @type {number} */ slope) =>
      grey_pixels(
        biases(17, slope).map((b) => 1 + b / 4),
        1,
        "light",
      );
    const [map] = el.querySelectorAll(".aw-grey-map canvas");
    expect(painted.get(map)).toEqual(greys_of(0.25));
    await type(one(el, "input[aria-label='position s']"), "8");
    expect(text(el, ".aw-formula-said")).toMatch(/^b\(14 − 8\) = −m · 6 = −1.50: .* eb = 0.223/);
    await type(one(el, "input[aria-label=slope]"), "8");
    expect(text(el, ".aw-formula-said")).toContain("= −3:");
    expect(painted.get(map)).toEqual(greys_of(0.5));
    await type(one(el, "input[aria-label='position t']"), "9");
    expect(model.get("query")).toBe(9);
    expect(text(el, ".aw-formula-said")).toContain("b(9 − 8)");
  });

  test("rotary arrows keep their score when both move together", async () => {
    const { el, model } = await show("stories", { view: "positions", encoding: "rotary" });
    const rows = () =>
      [...el.querySelectorAll(".aw-score-table tbody tr")].map((row) => texts(row, "td"));
    await type(one(el, "input[aria-label='position s']"), "8");
    const [here, next, later, apart] = rows();
    expect([here, next, later].map(([t, s]) => `${t} ${s}`)).toEqual(["14 8", "15 9", "34 28"]);
    for (const [, , distance, score] of [next, later])
      expect([distance, score]).toEqual(here.slice(2));
    expect(apart.slice(0, 3)).toEqual(["15", "8", "7"]);
    expect(apart[3]).not.toBe(here[3]);
    const arrow = () => one(el, ".aw-turned-key .aw-arrow-head").getAttribute("transform");
    const before = arrow();
    await click(one(el, "[aria-label='Both one position on']"));
    expect(model.get("query")).toBe(15);
    expect(rows()[0]).toEqual(["15", "9", "6", here[3]]);
    expect(arrow()).not.toBe(before);
  });

  test("a diagonal beyond the scale is said to be so", async () => {
    const { el } = await open();
    expect(text(el, ".aw-positions-similarity .aw-map-said")).toContain("diagonal: 1");
    expect(texts(el, ".aw-slider-name, .aw-map-slider > span")).toEqual([
      ...["dimension", "other position"],
    ]);
  });
});
