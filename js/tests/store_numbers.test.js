import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/store/stores.json" with { type: "json" };
import { make_store_model } from "../dev/store_scenes.js";
import {
  beta_at,
  blend_of_vectors,
  by_weight,
  cosine,
  dot,
  hard_argmax,
  middle_beta,
  nice_bound,
  place_of,
  regression_curve,
  scores_of,
  softargmax,
} from "../src/store/numbers.js";
import { blend_of_pictures } from "../src/store/picture.jsx";
import { place_labels } from "../src/store/plane.jsx";
import { ticks } from "../src/store/regression.jsx";
import { share_in_words, writer_of } from "../src/store/said.js";
import { bind_store } from "../src/store/state.js";

const INFINITY = Number.POSITIVE_INFINITY;

describe("the page computes what Python has recorded", () => {
  test.each(Object.entries(recorded))("%s", (_name, { traits, weights, result }) => {
    const store = bind_store(make_store_model(traits));
    const view = store.view.value;
    expect(view?.rows).toHaveLength(weights.length);
    weights.forEach((row, m) => {
      row.forEach((weight, n) => {
        expect(Math.abs((view?.rows[m][n] ?? Number.NaN) - weight)).toBeLessThan(1e-12);
      });
    });
    if (view?.kind === "number") {
      result.forEach((number, m) => {
        expect(dot(view.rows[m], /** @type {number[]} */ (view.values))).toBeCloseTo(
          /** @type {any} */ (number),
          12,
        );
      });
    }
    if (view?.kind === "vector") {
      result.forEach((vector, m) => {
        const blend = blend_of_vectors(view.rows[m], /** @type {number[][]} */ (view.values));
        blend.forEach((number, i) => {
          expect(number).toBeCloseTo(/** @type {any} */ (vector)[i], 12);
        });
      });
    }
    store.stop();
  });
});

describe("numbers of the store", () => {
  test("β = 0 is the mean, β = ∞ the largest, which equal ones share and hard attention does not", () => {
    expect(softargmax([3, 1, 3], 0)).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect(softargmax([3, 1, 3], INFINITY)).toEqual([0.5, 0, 0.5]);
    expect(hard_argmax([1, 3, 3])).toEqual([0, 1, 0]);
    expect(softargmax([1000, 999], 1)[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
    expect(softargmax([-1e6, -2e6], 1)).toEqual([1, 0]);
  });

  test("cosine is the product over both lengths, and none for a vector without direction", () => {
    expect(cosine([3, 4], [4, 3])).toBeCloseTo(24 / 25, 12);
    expect(cosine([0, 0], [1, 2])).toBeNaN();
  });

  test("distances give a Gaussian kernel; a narrow one passes through the points", () => {
    expect(scores_of([1], [[3], [1]], true)).toEqual([-2, -0]);
    const keys = [[0], [1], [2]];
    expect(regression_curve([0, 1, 2], keys, [5, -1, 2], 1e4, false)).toEqual([5, -1, 2]);
    expect(regression_curve([0.2], keys, [5, -1, 2], 0, false)[0]).toBeCloseTo(2, 12);
  });

  test("the slider goes from 0 to ∞, back and forth", () => {
    expect([beta_at(0, 4), beta_at(0.5, 4), beta_at(1, 4)]).toEqual([0, 4, INFINITY]);
    for (const beta of [0, 0.25, 4, 123, INFINITY]) {
      expect(beta_at(place_of(beta, 4), 4)).toBe(beta);
    }
    expect(middle_beta([[0, 0]], false)).toBe(1);
    expect(middle_beta([[3], [3]], true)).toBe(1);
    expect(middle_beta([[1, 1]], false)).toBe(2);
  });

  test("order, bounds and ticks", () => {
    expect(by_weight([0.2, 0.5, 0.2, 0.1])).toEqual([1, 0, 2, 3]);
    expect([0.9, 1, 1.2, 2.9, 9, 0].map(nice_bound)).toEqual([1, 1, 1.5, 3, 10, 1]);
    expect(nice_bound(0.031)).toBeCloseTo(0.04, 12);
    expect(ticks([-0.3, 6.1], 4)).toEqual([0, 2, 4, 6]);
    expect(ticks([0.11, 0.19], 4)).toEqual([0.12, 0.14, 0.16, 0.18]);
  });

  test("whole numbers are written whole where all are; a soft share is never nothing", () => {
    expect([10, -4, 46.6667].map(writer_of([10, 20, 40]))).toEqual(["10", "−4", "46.7"]);
    expect([10, 2].map(writer_of([10, 0.5]))).toEqual(["10.0", "2.00"]);
    expect(share_in_words(0, { hard: false, beta: 0.7 })).toBe("<1 %");
    expect(share_in_words(0, { hard: true, beta: 0.7 })).toBe("0 %");
    expect(share_in_words(0, { hard: false, beta: INFINITY })).toBe("0 %");
    expect(share_in_words(1, { hard: false, beta: 0.7 })).toBe("100 %");
  });

  test("pictures are blended pixel by pixel and stay opaque", () => {
    const picture = (/** @type {number[]} */ pixel) => ({
      width: 1,
      height: 1,
      data: Uint8ClampedArray.from(pixel),
    });
    const pictures = [picture([255, 0, 100, 255]), picture([0, 200, 100, 255])];
    expect([...blend_of_pictures([0.25, 0.75], pictures)]).toEqual([64, 150, 100, 255]);
  });
});

describe("names in the plane", () => {
  const point = (/** @type {string} */ name, /** @type {number} */ x, /** @type {number} */ y) => ({
    name,
    x,
    y,
    radius: 6,
    strong: false,
  });

  test("stand outwards of their points, and none covers another or a point", () => {
    const [right, left] = place_labels([point("right", 50, 0), point("left", -50, 0)], 200, 50);
    expect(right).toEqual({ x: 60, y: 4, anchor: "start" });
    expect(left).toEqual({ x: -60, y: 4, anchor: "end" });
    const crowd = Array.from({ length: 12 }, (_, i) => point(`entry ${i}`, 40 + i, 0));
    const placed = place_labels(crowd, 200, 50).filter((label) => label !== null);
    expect(placed.length).toBeGreaterThan(0);
    expect(placed.length).toBeLessThan(5);
  });

  test("one that would be cut by the edge stands inwards, and not on its own arrow", () => {
    const [label] = place_labels([point("a rather long name", 180, 0)], 200, 0);
    expect(label).toEqual({ x: 174, y: -10, anchor: "end" });
    const [below] = place_labels([point("down", 0, 100)], 200, 0);
    expect(below).toEqual({ x: 10, y: 104, anchor: "start" });
  });

  test("of a query is seen wherever there is room; what is written there already is left free", () => {
    const query = { ...point("query", 60, 0), radius: 11, kept: true };
    const crowd = Array.from({ length: 16 }, (_, i) => {
      const turn = (2 * Math.PI * i) / 16;
      return point("", 60 + 26 * Math.cos(turn), 26 * Math.sin(turn));
    });
    expect(place_labels([query, ...crowd], 200, 0)[0]).not.toBeNull();
    expect(place_labels([{ ...query, kept: false }, ...crowd], 200, 0)[0]).toBeNull();
    const sweet = { x: 60, y: -10, width: 60, height: 20 };
    const [label] = place_labels([point("key", 50, 0)], 200, 0, [sweet]);
    expect(label?.y).not.toBe(4);
  });
});
