/** The steps of a made-up row of weights: queries, keys and values that lead to just these. */

import { MASKED } from "../src/messages.js";

const LOWEST = -3.4028234663852886e38;
const KEYS_SHOWN = 64;

/**
 * @param {object} given
 * @param {Float32Array} given.weights  Of the row.
 * @param {Uint8Array} given.flags
 * @param {(...parts: number[]) => number} given.noise
 * @param {{heads: number, kv_heads?: number, d?: number,
 *   steps?: Partial<import("../src/views/messages.js").StepsPicture>}} given.scene
 * @param {import("../src/views/messages.js").StepsWant} given.want
 * @returns {{facts: Record<string, unknown>, arrays: Record<string, [any, number[]]>}}
 */
export function made_up_steps({ weights, flags, noise, scene, want }) {
  const { query, heads: asked } = want;
  const [[layer, head]] = asked;
  const d = scene.d ?? 32;
  const [length, scale] = [weights.length, 1 / Math.sqrt(d)];
  const { heads } = scene;
  const kv_heads = scene.kv_heads ?? heads;
  /** @param {number[]} parts @param {number} size */
  const vector = (parts, size) =>
    Float32Array.from(
      { length: size },
      (_, i) => 3 * (noise(...parts, i) + noise(...parts, -i) - 1),
    );

  const q = vector([layer, head, query, 1], d);
  const square = q.reduce((sum, x) => sum + x * x, 0);
  const heaviest = weights.reduce((best, w, i) => (w > weights[best] ? i : best), 0);
  const first = Math.max(0, Math.min(heaviest - KEYS_SHOWN / 2, length - KEYS_SHOWN));
  const [start, stop] = want.keys ?? [first, Math.min(length, first + KEYS_SHOWN)];
  const all = Float32Array.from(weights, (w) => (w > 0 ? Math.log(w) + 4 : -2));
  const of = (/** @type {number} */ key) => {
    const k = vector([layer, head, key, 2], d);
    const dot = k.reduce((sum, x, i) => sum + x * q[i], 0);
    const missing = (all[key] / scale - dot) / square;
    return k.map((x, i) => x + missing * q[i]);
  };
  const shown = Array.from({ length: stop - start }, (_, i) => start + i);
  const values = Array.from({ length }, (_, key) => vector([layer, head, key, 3], d));
  const output = new Float32Array(d);
  values.forEach((v, key) => {
    v.forEach((x, i) => {
      output[i] += weights[key] * x;
    });
  });
  const heads_out = Float32Array.from({ length: heads * d }, (_, i) =>
    Math.floor(i / d) === head ? output[i % d] : noise(layer, query, i) - 0.5,
  );
  const added = Float32Array.from(flags, (flag) => (flag === MASKED ? LOWEST : 0));
  const scores = all.map((score, i) => (flags[i] === MASKED ? LOWEST : score));
  const max = scores.reduce((a, b) => Math.max(a, b));
  /** @param {Float32Array[]} vectors */
  const joined = (vectors) => Float32Array.from(vectors.flatMap((one) => [...one]));
  const made = {
    ...{ stack: want.stack, layer, head, query, batch: want.batch, module: `layers.${layer}` },
    ...{ attention: "self", dtype: "float32", heads, kv_heads },
    kv_head: Math.floor((head * kv_heads) / heads),
    ...{ query_len: length, key_len: length, d, dv: d, window: [start, stop], row: [0, length] },
    ...{ has_products: true, why_no_products: "", why_no_scores: "", scale, softcap: null },
    added_is: flags.includes(MASKED) ? ["mask"] : [],
    ...{ max, sum: scores.reduce((sum, s) => sum + Math.exp(s - max), 0) },
    ...{ sink: null, sink_is_known: false, weights_sum: weights.reduce((a, b) => a + b, 0) },
    ...{ heaviest, sees_nothing: false, dropout: "", after_softmax: "", error: 2e-7 },
    ...{ why_no_output: "", why_no_projection: "", heads_out_are_own: true },
    projection: {
      name: "o_proj",
      path: `layers.${layer}.o_proj`,
      size: 256,
      bias: false,
      remark: "",
    },
    ...{ q, k: joined(shown.map(of)), v: joined(shown.map((key) => values[key])) },
    ...{ dot: all.map((s) => s / scale), scaled: all, added, scores, weights, masked: flags },
    ...{ output, own_output: output, heads_out },
    projected: vector([layer, query, 5], 256),
    part: vector([layer, query, head, 6], 256).map((x) => x / 3),
    ...scene.steps,
  };
  const entries = Object.entries(made);
  const is_array = (/** @type {[string, unknown]} */ [, value]) => ArrayBuffer.isView(value);
  return {
    facts: Object.fromEntries(entries.filter((one) => !is_array(one) && one[1] !== undefined)),
    arrays: Object.fromEntries(
      entries
        .filter(is_array)
        .map(([name, array]) => [name, [array, [/** @type {any} */ (array).length]]]),
    ),
  };
}
