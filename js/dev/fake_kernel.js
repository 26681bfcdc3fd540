/** Stands in for kernel and host: traits, and answers to wants from made-up attention. */

import block from "../../tests/fixtures/views/block.json";
import distances from "../../tests/fixtures/views/distances.json";
import filters from "../../tests/fixtures/views/filters.json";
import generation from "../../tests/fixtures/views/generation.json";
import heads from "../../tests/fixtures/views/heads.json";
import image from "../../tests/fixtures/views/image.json";
import joined from "../../tests/fixtures/views/joined.json";
import order from "../../tests/fixtures/views/order.json";
import positions from "../../tests/fixtures/views/positions.json";
import roll from "../../tests/fixtures/views/roll.json";
import scaling from "../../tests/fixtures/views/scaling.json";
import shapes from "../../tests/fixtures/views/shapes.json";
import steps from "../../tests/fixtures/views/steps.json";
import without from "../../tests/fixtures/views/without.json";
import weighed from "../../tests/fixtures/weighed.json";
import { MASKED, NOT_A_NUMBER, VISIBLE } from "../src/messages.js";
import { made_up_steps } from "./made_up_steps.js";

/**
 * @typedef {object} Scene
 * @property {string[]} tokens
 * @property {string[]} [keys]  Of cross-attention.
 * @property {number[]} layers  Their numbers.
 * @property {number} heads
 * @property {number} [kv_heads]
 * @property {boolean} [causal]
 * @property {string} [name]
 * @property {string} [stack]
 * @property {number} [batch_size]
 * @property {boolean} [has_tokenizer]
 * @property {number} [sink]  Share of every row that goes to no token.
 * @property {[number, number][]} [nan]  Cells that are not numbers.
 * @property {{status: string, note: string, check: number | null}} [check]
 * @property {number} [delay]  Milliseconds until an answer.
 * @property {string[]} [gaps]  Before each token; a space where none are given.
 * @property {string[]} [kinds]  "special", "padding" or "" of each token.
 * @property {number[]} [segments]  Sentence of a pair.
 * @property {number[]} [words]  Number of the word each token is a piece of.
 * @property {{text: string, share: number}[]} [candidates]  What comes next, wherever.
 * @property {string} [what]  What the candidates are: "next" where nothing is given.
 * @property {Partial<import("../src/messages.js").PassFacts>} [passes]  As if some were kept.
 * @property {string[]} [notes]  On how tokens are read.
 * @property {boolean} [live]  Whether the model's passes are followed; they are, if not told.
 * @property {([number, number] | null)[]} [patches]  Where tokens are those of an image.
 * @property {string[]} [offers]  Views of which only some passes have a picture.
 * @property {number} [d]  Numbers in a query, key or value.
 * @property {Partial<import("../src/views/messages.js").StepsPicture>} [steps]  What is otherwise in them.
 * @property {string} [why_not_measured]  Of heads that have no number.
 * @property {any} [generation]  What is sent of it, in place of the first that was recorded.
 * @property {boolean} [silent]  Answers nothing after the first model picture.
 */

/** @typedef {import("../src/messages.js").Reading} Reading */

/** As `python -m tests.record_views` wrote it, by kind. @type {Record<string, any[]>} */
const RECORDED = {
  block,
  distances,
  filters,
  generation,
  image,
  heads,
  joined,
  order,
  positions,
  roll,
  scaling,
  shapes,
  steps,
  without,
};

/** @param {unknown} one @param {unknown} other */
const is_same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** A number in [0, 1) that only depends on its arguments. @param {...number} parts */
function noise(...parts) {
  let hash = 2166136261;
  for (const part of parts) {
    hash = Math.imul(hash ^ (part + 0x9e37), 16777619);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** Heads of one of a few habits, with noise, as in trained models. @param {Scene} scene @param {number} layer @param {number} head @param {number} pass */
function head_weights(scene, layer, head, pass) {
  const keys = scene.keys ?? scene.tokens;
  const [rows, cols] = [scene.tokens.length, keys.length];
  /** Of patches: from the middle of the image, where a token is none. @param {number} i */
  const patch = (i) => scene.patches?.[i] ?? [2.5, 2.5];
  // The last head is the one that finds the noun of a pronoun.
  const finds_noun = layer === scene.layers.at(-1) && head === scene.heads - 1;
  const habit = finds_noun ? 5 : Math.floor(noise(layer, head) * 6);
  const sharpness = 1 + 5 * noise(layer, head, 1);
  const weights = new Float32Array(rows * cols);
  const flags = new Uint8Array(rows * cols);
  for (let q = 0; q < rows; q++) {
    const last = scene.causal ? q + cols - rows : cols - 1;
    const at = (q / Math.max(1, rows - 1)) * (cols - 1);
    let sum = 0;
    for (let k = 0; k < cols; k++) {
      const i = q * cols + k;
      if (k > last) {
        flags[i] = MASKED;
        continue;
      }
      let score = noise(layer, head, q, k, pass) + 0.6 * noise(layer, head, k);
      const distance = scene.patches
        ? 3 * Math.hypot(patch(q)[0] - patch(k)[0], patch(q)[1] - patch(k)[1])
        : Math.abs(k - at);
      if (habit === 0 && Math.round(at - k) === 1) score += sharpness;
      if (habit === 1 && distance < 0.5) score += sharpness;
      if (habit === 2 || (k === 0 && !finds_noun)) score += k === 0 ? sharpness * 0.7 : 0;
      if (habit === 3) score += noise(layer, head, k, 7) ** 6 * sharpness;
      if (habit === 4) score -= distance * 0.15 * sharpness;
      if (finds_noun && k === 0) score += 1.9;
      if (finds_noun && keys[k] === "animal") {
        score += scene.tokens[q] === "it" ? 3.6 : 2.2;
      }
      weights[i] = Math.exp(score);
      sum += weights[i];
    }
    for (let k = 0; k < cols; k++) weights[q * cols + k] *= (1 - (scene.sink ?? 0)) / (sum || 1);
  }
  for (const [q, k] of scene.nan ?? []) flags[q * cols + k] = NOT_A_NUMBER;
  return { weights, flags, rows, cols };
}

/** @param {Float32Array} weights @param {number} rows @param {number} cols @param {number} size */
function thumbnail(weights, rows, cols, size) {
  const [br, bc] = [Math.ceil(rows / size), Math.ceil(cols / size)];
  const [n, m] = [Math.ceil(rows / br), Math.ceil(cols / bc)];
  const cells = new Float32Array(n * m);
  for (let q = 0; q < rows; q++) {
    for (let k = 0; k < cols; k++) {
      const i = Math.floor(q / br) * m + Math.floor(k / bc);
      cells[i] = Math.max(cells[i], weights[q * cols + k]);
    }
  }
  const max = cells.reduce((a, b) => Math.max(a, b), 0);
  return { n, m, max, bytes: Uint8Array.from(cells, (w) => Math.round(255 * Math.sqrt(w / max))) };
}

/**
 * A host's model, with a kernel behind it.
 *
 * @param {Scene} scene
 * @param {Record<string, any>} traits
 */
export function make_fake_model(scene, traits = {}) {
  const keys = () => scene.keys ?? scene.tokens;
  const stack = scene.stack ?? (scene.keys ? "cross" : scene.causal ? "decoder" : "encoder");
  /** @type {Record<string, any>} */
  const values = {
    text: scene.tokens.slice(1, -1).join(" "),
    stack,
    layer: scene.layers.at(-1),
    head: scene.heads - 1,
    query: 0,
    key: null,
    batch: 0,
    step: null,
    ...{ view: "lines", stage: "softmax", remove: "head", encoding: "model", joined: {} },
    ...{ written: 0, heads: [], mean: false, direction: "from", scale: "sqrt", mass: 0.9 },
    ...{ words: false, hide: [], renormalise: false, pair: null, measure: null, sort: false },
    ...{ weigh: "pattern", target: null },
    ...traits,
  };
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  const listeners = new Map();
  /** @param {string} event @param {...any} args */
  const emit = (event, ...args) => {
    for (const listener of [...(listeners.get(event) ?? [])]) listener(...args);
  };
  let pass = 1;
  /** @type {Map<string, any[]>} */
  const lists = new Map();
  /** @type {any[]} */
  const sent = [];
  const cache = new Map();
  /** @param {number} layer @param {number} head */
  const of_head = (layer, head) => {
    const name = `${layer} ${head} ${pass}`;
    if (!cache.has(name)) cache.set(name, head_weights(scene, layer, head, pass));
    return cache.get(name);
  };

  /** Mean over heads, in items. @param {[number, number][]} heads @param {Reading} reading */
  const weights_of = (heads, reading) => {
    const all = heads.map(([layer, head]) => of_head(layer, head));
    if (all.length === 1) return read(all[0], reading);
    const weights = all[0].weights.map(
      (/** @type {number} */ _, /** @type {number} */ i) =>
        all.reduce((sum, { weights }) => sum + weights[i], 0) / all.length,
    );
    return read({ ...all[0], weights }, reading);
  };

  /** @param {string[]} texts */
  const kinds_of = (texts) =>
    scene.kinds ?? texts.map((text) => (/^\[.+\]$|^<.+>$/.test(text) ? "special" : ""));

  /**
   * Tokens of each item: pieces merged to words, some hidden.
   *
   * @param {string[]} texts
   * @param {Reading} reading
   * @param {0 | 1} of  Queries or keys.
   */
  const spans_of = (texts, { words, hide, pair }, of) => {
    const kinds = kinds_of(texts);
    /** @type {[number, number][]} */
    const spans = [];
    texts.forEach((_, i) => {
      const hidden = hide.includes(kinds[i]) || (i === 0 && hide.includes("first"));
      if (hidden || (pair && scene.segments?.[i] !== pair[of])) return;
      const last = spans.at(-1);
      const goes_on = words && i > 0 && scene.words?.[i] === scene.words?.[i - 1];
      if (goes_on && scene.words && last?.[1] === i && !kinds[i] && !kinds[i - 1]) last[1] = i + 1;
      else spans.push([i, i + 1]);
    });
    return spans;
  };

  /** @param {string[]} texts @param {Reading} reading @param {0 | 1} of */
  const side = (texts, reading, of) => {
    const spans = spans_of(texts, reading, of);
    const gaps = scene.gaps ?? texts.map((_, i) => (i ? " " : ""));
    const kinds = kinds_of(texts);
    return {
      texts: spans.map(([start, stop]) =>
        texts
          .slice(start, stop)
          .map((text, i) => (i ? gaps[start + i] : "") + text)
          .join(""),
      ),
      gaps: spans.map(([start]) => gaps[start]),
      spans,
      kinds: spans.map(([start]) => kinds[start]),
      segments: scene.segments ? spans.map(([start]) => scene.segments?.[start] ?? 0) : null,
      patches: scene.patches ? spans.map(([start]) => scene.patches?.[start] ?? null) : null,
    };
  };

  /**
   * A head in items: sums over the tokens of a key, means over those of a query.
   *
   * @param {{weights: Float32Array, flags: Uint8Array, rows: number, cols: number}} head
   * @param {Reading} reading
   */
  const read = (head, reading) => {
    const { words, hide, pair, renormalise } = reading;
    if (!words && hide.length === 0 && !pair) return head;
    const queries = spans_of(scene.tokens, reading, 0);
    const across = spans_of(keys(), reading, 1);
    const weights = new Float32Array(queries.length * across.length);
    const flags = new Uint8Array(weights.length).fill(MASKED);
    queries.forEach(([first, last], r) => {
      for (let q = first; q < last; q++) {
        const cells = across.map(([start, stop]) => {
          const from = q * head.cols + start;
          const own = head.weights.subarray(from, from + stop - start);
          return {
            sum: own.reduce((a, b) => a + b, 0),
            flag: Math.min(...flags_at(from, stop - start)),
          };
        });
        const all = cells.reduce((sum, cell) => sum + cell.sum, 0);
        cells.forEach(({ sum, flag }, c) => {
          const at = r * across.length + c;
          weights[at] += sum / (renormalise && all > 0 ? all : 1) / (last - first);
          flags[at] = Math.min(flags[at], flag);
        });
      }
    });
    return { weights, flags, rows: queries.length, cols: across.length };

    /** @param {number} from @param {number} length */
    function flags_at(from, length) {
      return head.flags.subarray(from, from + length);
    }
  };

  /** @param {any} facts @param {Record<string, [Float32Array | Int32Array | Uint8Array, number[]]>} [arrays] */
  const picture = (facts, arrays = {}) => {
    const entries = Object.entries(arrays).map(([name, [array, shape]]) => ({
      name,
      dtype: array.constructor.name.toLowerCase().replace("array", ""),
      shape,
    }));
    const buffers = Object.values(arrays).map(([array]) => new DataView(array.slice().buffer));
    emit(
      "msg:custom",
      { type: "picture", pass, coarse: false, ...facts, arrays: entries },
      buffers,
    );
  };

  /** @type {Record<string, (want: any) => void>} */
  const answers = {
    model: ({ key, batch, reading }) =>
      picture({
        key,
        kind: "model",
        name: scene.name ?? "MiniLM",
        text: values.text,
        has_tokenizer: scene.has_tokenizer ?? true,
        offers: scene.offers ?? [],
        live: scene.live ?? true,
        step: 0,
        stacks: [
          {
            name: stack,
            kind: scene.keys ? "cross" : "self",
            causal: scene.causal ?? false,
            query_len: scene.tokens.length,
            key_len: keys().length,
            batch_size: scene.batch_size ?? 1,
            layers: scene.layers.map((layer) => ({
              layer,
              heads: scene.heads,
              kv_heads: scene.kv_heads ?? scene.heads,
              module: `${stack}.layer.${layer}.attention.self`,
              source: "transformers",
              dtype: "float32",
            })),
          },
        ],
        passes: { shown: pass, newest: pass, kept: [pass], paused: false, ...scene.passes },
        tokens: {
          stack,
          batch: Math.min(batch, (scene.batch_size ?? 1) - 1),
          reading,
          queries: side(scene.tokens, reading, 0),
          keys: scene.keys || reading.pair ? side(keys(), reading, 1) : null,
          pairs: new Set(scene.segments ?? []).size > 1,
          notes: scene.notes ?? [],
        },
      }),
    predictions: ({ key, at }) =>
      picture({
        key,
        kind: "predictions",
        what: scene.what ?? "next",
        at,
        of: 50257,
        note: "",
        candidates: Array.from({ length: at[1] - at[0] }, () => scene.candidates ?? []),
      }),
    check: ({ key }) =>
      picture({
        key,
        kind: "check",
        ...(scene.check ?? {
          status: "exact",
          note: "Weights are computed from the queries and keys the model itself used.",
          check: 4e-7,
        }),
      }),
    overview: ({ key, size, reading }) => {
      const heads = scene.layers.flatMap((layer) =>
        Array.from({ length: scene.heads }, (_, head) => {
          const { weights, rows, cols } = weights_of([[layer, head]], reading);
          return thumbnail(weights, rows, cols, size);
        }),
      );
      const [{ n, m }] = heads;
      const cells = new Uint8Array(heads.length * n * m);
      heads.forEach((head, i) => {
        cells.set(head.bytes, i * n * m);
      });
      const shape = [scene.layers.length, scene.heads];
      picture(
        { key, kind: "overview", layers: scene.layers, sampled: false },
        {
          cells: [cells, [...shape, n, m]],
          max: [Float32Array.from(heads, (head) => head.max), shape],
        },
      );
    },
    heads: (want) => {
      const { content } = RECORDED.heads.find((made) => made.want.repeated === want.repeated);
      if (scene.name === "stories" && scene.layers.length === 3) {
        answer_as_recorded(want);
        return;
      }
      const { arrays: _, measures, ...facts } = content;
      const shape = [measures.length, scene.layers.length, scene.heads];
      /** @type {Record<string, number>} */
      const most = { nats: 3.2, tokens: 41, "": 14 };
      const values = measures.flatMap((/** @type {any} */ one, /** @type {number} */ m) =>
        scene.layers.flatMap((layer) =>
          Array.from({ length: scene.heads }, (_, head) => {
            if (scene.why_not_measured) return Number.NaN;
            return (most[one.unit] ?? 1) * noise(m, layer, head) ** 4;
          }),
        ),
      );
      const why = scene.why_not_measured ?? "";
      picture(
        {
          ...{ ...facts, key: want.key, layers: scene.layers },
          ...(why && { on: "text", said_twice: null }),
          measures: measures.map((/** @type {any} */ one) => ({ ...one, why })),
        },
        { values: [Float32Array.from(values), shape] },
      );
    },
    tile: ({ key, heads, rows, cols, size, reading }) => {
      const whole = weights_of(heads, reading);
      const [r0, r1] = rows ?? [0, whole.rows];
      const [c0, c1] = cols ?? [0, whole.cols];
      const block = [Math.ceil((r1 - r0) / size[0]), Math.ceil((c1 - c0) / size[1])];
      const [h, w] = [Math.ceil((r1 - r0) / block[0]), Math.ceil((c1 - c0) / block[1])];
      const cells = new Float32Array(h * w);
      const flags = new Uint8Array(h * w).fill(MASKED);
      const row_sums = new Float32Array(r1 - r0);
      const col_sums = new Float32Array(c1 - c0);
      for (let q = r0; q < r1; q++) {
        for (let k = c0; k < c1; k++) {
          const from = q * whole.cols + k;
          const to = Math.floor((q - r0) / block[0]) * w + Math.floor((k - c0) / block[1]);
          if (whole.flags[from] === NOT_A_NUMBER) {
            flags[to] = NOT_A_NUMBER;
            continue;
          }
          if (whole.flags[from] === VISIBLE && flags[to] === MASKED) flags[to] = VISIBLE;
          cells[to] = Math.max(cells[to], whole.weights[from]);
          row_sums[q - r0] += whole.weights[from];
          col_sums[k - c0] += whole.weights[from];
        }
      }
      const max = cells.reduce((a, b) => Math.max(a, b), 0);
      const exact = cells.length <= 65_536;
      const bytes = Uint8Array.from(cells, (v) => Math.round(255 * Math.sqrt(v / max)));
      picture(
        {
          key,
          kind: "tile",
          rows: [r0, r1],
          cols: [c0, c1],
          block,
          max,
          encoding: exact ? "linear" : "sqrt",
          query_len: whole.rows,
          key_len: whole.cols,
        },
        {
          cells: [exact ? cells : bytes, [h, w]],
          flags: [flags, [h, w]],
          row_sums: [row_sums, [r1 - r0]],
          col_sums: [col_sums, [c1 - c0]],
        },
      );
    },
    row: ({ key, heads, direction, at, reading }) => {
      const { weights, flags } = list_of(weights_of(heads, reading), direction, at);
      const sum = weights.reduce((a, b) => a + b, 0);
      const n = weights.length;
      picture(
        { key, kind: "row", direction, at, sum },
        { weights: [weights, [n]], flags: [flags, [n]] },
      );
    },
    patch_rows: ({ key, layer, direction, at, reading }) => {
      const heads = Array.from({ length: scene.heads }, (_, head) =>
        list_of(weights_of([[layer, head]], reading), direction, at),
      );
      const n = heads[0].weights.length;
      const weights = Float32Array.from(heads.flatMap((head) => [...head.weights]));
      picture(
        { key, kind: "patch_rows", stack, layer, direction, at },
        { weights: [weights, [scene.heads, n]] },
      );
    },
    steps: (want) => {
      const is_recorded = RECORDED.steps.some(
        ({ want: made, content }) =>
          content.key_len === scene.tokens.length &&
          is_same([made.heads, made.query], [want.heads, want.query]),
      );
      if (is_recorded && scene.name === "stories" && !scene.steps) {
        answer_as_recorded(want);
        return;
      }
      const [[layer, head]] = want.heads;
      const row = list_of(of_head(layer, head), "from", want.query);
      const { facts, arrays } = made_up_steps({ ...row, noise, scene, want });
      picture({ key: want.key, kind: "steps", ...facts }, arrays);
    },
    lines: ({ key, heads, direction, count, reading }) => {
      const whole = weights_of(heads, reading);
      const [lists, of] =
        direction === "from" ? [whole.rows, whole.cols] : [whole.cols, whole.rows];
      const n = Math.min(count, of);
      const tokens = new Int32Array(lists * n).fill(-1);
      const weights = new Float32Array(lists * n);
      const sums = new Float32Array(lists);
      for (let at = 0; at < lists; at++) {
        const row = list_of(whole, direction, at).weights;
        const order = [...row.keys()].filter((i) => row[i] > 0).sort((a, b) => row[b] - row[a]);
        order.slice(0, n).forEach((i, place) => {
          tokens[at * n + place] = i;
          weights[at * n + place] = row[i];
        });
        sums[at] = row.reduce((a, b) => a + b, 0);
      }
      picture(
        { key, kind: "lines", direction, of, count: n },
        { tokens: [tokens, [lists, n]], weights: [weights, [lists, n]], sums: [sums, [lists]] },
      );
    },
  };

  /** One row or column. @param {ReturnType<typeof read>} head @param {string} direction @param {number} at */
  function list_of({ weights, flags, rows, cols }, direction, at) {
    const from = direction === "from";
    const length = from ? cols : rows;
    const index = (/** @type {number} */ i) => (from ? at * cols + i : i * cols + at);
    return {
      weights: Float32Array.from({ length }, (_, i) => weights[index(i)]),
      flags: Uint8Array.from({ length }, (_, i) => flags[index(i)]),
    };
  }

  /** Views with a picture of their own are shown the bundled model's. @param {any} want */
  const answer_as_recorded = (want) => {
    const own = is_recorded(want) && weighed.filter((made) => made.want.kind === want.kind);
    const all = /** @type {any[]} */ (own || RECORDED[want.kind]);
    const fits = all.find((/** @type {any} */ made) =>
      Object.entries(made.want).every(([name, value]) => is_same(value, want[name])),
    );
    const { content, buffers } = (want.kind === "generation" && scene.generation) || fits || all[0];
    emit(
      "msg:custom",
      { ...content, key: want.key, pass },
      buffers.map((/** @type {string} */ text) =>
        Uint8Array.from(atob(text), (c) => c.charCodeAt(0)),
      ),
    );
  };

  /** More than the pattern, of the bundled model: one head of it, and all small. @param {any} want */
  const is_recorded = (want) =>
    scene.name === "stories" && scene.layers.length === 3 && Boolean(want.reading?.weigh);

  const brought = new Map();
  /** @param {any} want */
  const answer = (want) => {
    if (scene.silent && want.kind !== "model") return;
    if (brought.get(want.key) === pass) return;
    brought.set(want.key, pass);
    if (want.kind in answers && !is_recorded(want)) answers[want.kind](want);
    else answer_as_recorded(want);
  };
  /** @param {() => void} then */
  const later = (then) => {
    // At once, but never before the message is on its way.
    if (scene.delay === 0) queueMicrotask(then);
    else setTimeout(then, scene.delay ?? 30);
  };

  return {
    sent,
    listeners,
    emit,

    /** @param {string} name */
    get: (name) => values[name],
    /** @param {string} name @param {any} value */
    set(name, value) {
      if (values[name] === value) return;
      values[name] = value;
      emit(`change:${name}`);
    },
    save_changes() {},
    /** @param {string} event @param {(...args: any[]) => void} listener */
    on(event, listener) {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all.add(listener));
    },
    /** @param {string} event @param {(...args: any[]) => void} listener */
    off(event, listener) {
      listeners.get(event)?.delete(listener);
    },
    /** @param {any} message */
    send(message) {
      sent.push(message);
      if (message.type === "run") {
        later(() => {
          values.text = message.text;
          scene.tokens = ["[CLS]", ...message.text.split(" "), "[SEP]"];
          emit("change:text");
          this.new_pass();
        });
        return;
      }
      lists.set(message.view, message.wants);
      const wanted = new Set([...lists.values()].flat().map((want) => want.key));
      for (const key of [...brought.keys()]) if (!wanted.has(key)) brought.delete(key);
      if (message.again) for (const want of message.wants) brought.delete(want.key);
      later(() => message.wants.forEach(answer));
    },

    /** A forward pass has ended: all that is shown is brought again. */
    new_pass() {
      pass += 1;
      brought.clear();
      cache.clear();
      for (const want of [...lists.values()].flat()) if (!want.prefetch) answer(want);
    },
    /** @param {string | null} key @param {string} title @param {string} detail */
    make_trouble: (key, title, detail) =>
      emit("msg:custom", { type: "trouble", key, title, detail }),
  };
}
