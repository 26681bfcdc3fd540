import { describe, expect, test } from "vitest";
import {
  head_facts,
  is_exact,
  marks_in,
  mean_distance,
  rank_in_row,
  row_facts,
  row_of_tile,
  sentence_facts,
  tile_of_overview,
  value_at,
} from "../src/attention.js";
import { model_of, sequence, tile_of } from "./pictures.js";

/** @param {(number | null)[]} weights */
function row_of(weights) {
  return /** @type {import("../src/attention.js").Row} */ (row_of_tile(tile_of([weights]), 0));
}

/** A softmax row of random length with some keys masked. @param {() => number} random */
function random_row(random) {
  const length = 1 + Math.floor(30 * random());
  const visible = Array.from({ length }, (_, i) => i === 0 || random() > 0.3);
  const powers = visible.map((seen) => (seen ? Math.exp(6 * random()) : 0));
  const sum = powers.reduce((a, b) => a + b, 0);
  return row_of(powers.map((p, i) => (visible[i] ? p / sum : null)));
}

describe("rows", () => {
  test("hold for any row: order, sum, entropy, ranks", () => {
    const random = sequence(7);
    for (let round = 0; round < 200; round++) {
      const row = random_row(random);
      const facts = row_facts(row);
      expect(facts.sum).toBeCloseTo(1, 5);
      expect(facts.entropy).toBeGreaterThanOrEqual(0);
      expect(facts.entropy).toBeLessThanOrEqual(facts.most_entropy + 1e-6);
      expect(facts.order).toHaveLength(row.flags.filter((f) => f === 0).length);
      for (let i = 1; i < facts.order.length; i++) {
        expect(row.weights[facts.order[i - 1]]).toBeGreaterThanOrEqual(row.weights[facts.order[i]]);
      }
      const ranks = facts.order.map((key) => rank_in_row(row, facts, key));
      expect(ranks[0]).toBe(1);
      expect(Math.max(...ranks.map(Number))).toBeLessThanOrEqual(facts.order.length);

      const key = Math.floor(random() * row.weights.length);
      const { named, others, others_share } = sentence_facts(row, facts, key);
      expect(named.length + others).toBe(facts.order.length);
      expect(named.reduce((s, n) => s + n.share, 0) + others_share).toBeCloseTo(1, 5);
      expect(named.some((n) => n.key === key)).toBe(row.flags[key] === 0);
    }
  });

  test("entropy of an even row is log2 of its keys, of a certain one 0", () => {
    expect(row_facts(row_of([0.25, 0.25, 0.25, 0.25])).entropy).toBeCloseTo(2);
    expect(row_facts(row_of([0, 1, 0])).entropy).toBe(0);
  });

  test("mean distance counts tokens", () => {
    const row = row_of([0.5, 0, 0, 0.5]);
    expect(mean_distance(row, row_facts(row), 3)).toBeCloseTo(1.5);
  });

  test("equal weights share a rank; masked keys have none", () => {
    const row = row_of([0.4, 0.4, 0.2, null]);
    const facts = row_facts(row);
    expect([0, 1, 2, 3].map((key) => rank_in_row(row, facts, key))).toEqual([1, 1, 3, null]);
  });

  test("missing mass and NaN are seen", () => {
    const row = row_of([0.5, 0.38]);
    expect(sentence_facts(row, row_facts(row), null).missing).toBeCloseTo(0.12);
    const broken = row_facts(row_of([Number.NaN, 1]));
    expect(broken).toMatchObject({ not_numbers: 1, visible: 2, order: [1] });
  });
});

describe("tiles", () => {
  test("give rows only where they hold the exact numbers of all keys", () => {
    const tile = tile_of([
      [0.1, 0.9],
      [0.6, 0.4],
    ]);
    expect(Array.from(row_of_tile(tile, 1)?.weights ?? [])).toEqual(
      Array.from(Float32Array.from([0.6, 0.4])),
    );
    expect(row_of_tile({ ...tile, block: [1, 2] }, 1)).toBeNull();
    expect(row_of_tile({ ...tile, key_len: 3 }, 1)).toBeNull();
    expect(row_of_tile(tile, 2)).toBeNull();
  });

  test("decode bytes on the square-root scale and know what they reach", () => {
    const tile = tile_of([[0]], {
      rows: [4, 8],
      cols: [2, 4],
      block: [2, 2],
      encoding: "sqrt",
      max: 0.8,
      cells: Uint8Array.from([255, 128]),
      flags: Uint8Array.from([0, 1]),
      shape: [2, 1],
    });
    expect(is_exact(tile)).toBe(false);
    expect(value_at(tile, 5, 3)).toEqual({ value: 0.8, flag: 0, exact: false });
    expect(value_at(tile, 7, 2)?.value).toBeCloseTo(0.8 * (128 / 255) ** 2);
    expect(value_at(tile, 7, 2)?.flag).toBe(1);
    expect(value_at(tile, 3, 2)).toBeNull();
    expect(value_at(tile, 5, 4)).toBeNull();
    expect(marks_in(tile)).toEqual({ masked: true, not_numbers: false });
  });

  test("say what a head is like, leaving out rows without a choice", () => {
    const facts = head_facts(
      tile_of([
        [1, null, null],
        [0.75, 0.25, null],
        [0.25, 0.5, 0.25],
      ]),
    );
    expect(facts).toMatchObject({ rows: 2, first: 0.5, previous: 0.625, itself: 0.25 });
    expect(head_facts(tile_of([[1]]))).toBeNull();
    expect(head_facts(tile_of([[Number.NaN, 1]]))).toBeNull();
    const pooled = tile_of([[1, 1]], { block: [2, 1], query_len: 2, rows: [0, 2] });
    expect(head_facts(pooled)).toBeNull();
  });

  test("are stood in for by a thumbnail", () => {
    const { stacks } = model_of({ query_len: 30, key_len: 30 });
    /** @type {import("../src/messages.js").OverviewPicture} */
    const overview = {
      type: "picture",
      kind: "overview",
      key: "overview",
      pass: 1,
      coarse: false,
      layers: [0, 2],
      sampled: false,
      cells: Uint8Array.from({ length: 2 * 4 * 15 * 15 }, (_, i) => i % 256),
      max: Float32Array.from({ length: 8 }, (_, i) => i / 8),
      shape: [2, 4, 15, 15],
    };
    const tile = tile_of_overview(overview, 2, 1, stacks[0]);
    expect(tile).toMatchObject({ block: [2, 2], shape: [15, 15], max: 5 / 8, rows: [0, 30] });
    expect(tile?.cells[0]).toBe((5 * 225) % 256);
    expect(tile_of_overview(overview, 1, 0, stacks[0])).toBeNull();
  });
});
