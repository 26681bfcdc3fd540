import { effect } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";
import kernel from "../../tests/fixtures/messages/kernel.json";
import steps from "../../tests/fixtures/views/steps.json";
import { make_fake_model } from "../dev/fake_kernel.js";
import { make_later } from "../src/later.js";
import { links_of_lines, links_of_row, links_of_tile } from "../src/links.js";
import { decode } from "../src/messages.js";
import { make_scene } from "../src/scene.js";
import { make_live_source } from "../src/source/live.js";
import { bind_state } from "../src/state.js";
import { make_ui } from "../src/ui.js";

/** @typedef {import("../src/messages.js").Picture} Picture */
/** @typedef {import("../src/messages.js").Side} Side */

/**
 * What the kernel sends, as `python -m tests.record_messages` wrote it; pytest reads it as well.
 *
 * @type {{content: any, buffers: Uint8Array[]}[]}
 */
const from_kernel = [...kernel, ...steps].map(({ content, buffers }) => ({
  content,
  buffers: buffers.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))),
}));
const recorded = from_kernel.filter(({ content }) => content.type === "picture");
const decoded = recorded.map(({ content, buffers }) => decode(content, buffers));

/** @template {Picture["kind"]} Kind @param {Kind} kind */
const of_kind = (kind) =>
  /** @type {Extract<Picture, {kind: Kind}>[]} */ (decoded.filter((p) => p.kind === kind));

/** @param {Side} side */
function check_side({ texts, gaps, spans, kinds, segments }) {
  for (const list of [gaps, spans, kinds, segments ?? texts]) {
    expect(list).toHaveLength(texts.length);
  }
  expect(kinds.every((kind) => ["", "special", "padding"].includes(kind))).toBe(true);
  // In order, each with a token at least.
  let last = 0;
  for (const [start, stop] of spans) {
    expect(start).toBeGreaterThanOrEqual(last);
    expect(stop).toBeGreaterThan(start);
    last = stop;
  }
}

/** Pictures of a single view have recordings of their own. @type {Partial<Record<Picture["kind"], (picture: any) => void>>} */
const checks = {
  model({ passes, stacks, tokens }) {
    expect(passes.kept).toContain(passes.shown);
    expect(stacks.map((/** @type {any} */ s) => s.name)).toContain(tokens.stack);
    check_side(tokens.queries);
    if (tokens.keys) check_side(tokens.keys);
    expect(Object.keys(tokens.reading).sort()).toEqual(["hide", "pair", "renormalise", "words"]);
  },
  check: ({ status, note }) => expect([typeof status, typeof note]).toEqual(["string", "string"]),
  overview({ shape, cells, max }) {
    expect(shape).toEqual([2, 3, 3, 3]);
    expect(cells).toBeInstanceOf(Uint8Array);
    expect(max).toHaveLength(6);
  },
  tile({ shape: [h, w], rows, cols, block, flags, row_sums, col_sums }) {
    expect(h).toBe(Math.ceil((rows[1] - rows[0]) / block[0]));
    expect(w).toBe(Math.ceil((cols[1] - cols[0]) / block[1]));
    expect(flags).toHaveLength(h * w);
    expect(row_sums).toHaveLength(rows[1] - rows[0]);
    expect(col_sums).toHaveLength(cols[1] - cols[0]);
  },
  row({ weights, flags, direction }) {
    expect(weights).toBeInstanceOf(Float32Array);
    expect(flags).toHaveLength(weights.length);
    expect(["from", "to"]).toContain(direction);
  },
  lines({ shape: [lists, n], of, count, tokens, weights, sums }) {
    expect(n).toBe(count);
    expect(count).toBeLessThanOrEqual(of);
    expect(tokens).toBeInstanceOf(Int32Array);
    expect(sums).toHaveLength(lists);
    for (let at = 0; at < lists; at++) {
      const own = [...weights.subarray(at * n, (at + 1) * n)];
      expect(own.toSorted((a, b) => b - a)).toEqual(own);
    }
  },
  steps({ weights, masked, row, window, k, d, key_len }) {
    expect(weights).toHaveLength(row[1] - row[0]);
    expect(masked).toHaveLength(weights.length);
    expect(k).toHaveLength((window[1] - window[0]) * d);
    expect(row[1]).toBeLessThanOrEqual(key_len);
  },
  predictions: ({ at, candidates }) => expect(candidates).toHaveLength(at[1] - at[0]),
};

describe("the page reads the kernel's", () => {
  test.each(recorded)("$content.kind of $content.key", ({ content, buffers }) => {
    const picture = decode(content, buffers);
    expect(picture.pass).toBe(1);
    const check = checks[picture.kind];
    expect(check).toBeDefined();
    check?.(picture);
  });

  test("numbers alike, whether they come as a tile, a row or lists", () => {
    const [tile] = of_kind("tile");
    for (let at = 0; at < 6; at++) {
      const exact = links_of_tile(tile, "from", at);
      const listed = links_of_lines(of_kind("lines")[0], at);
      const few = listed.count;
      for (const name of /** @type {const} */ (["items", "weights"])) {
        const all = (/** @type {import("../src/links.js").Links} */ links) =>
          Array.from(links[name]).slice(0, few);
        expect(all(listed)).toEqual(all(exact));
      }
      expect(listed.sum).toBeCloseTo(exact.sum, 6);
    }
    // Head 0.1 has a NaN at query 3, key 4.
    const [row] = of_kind("row");
    expect([row.direction, row.at, row.flags[4]]).toEqual(["from", 3, 2]);
    const [, to] = of_kind("lines");
    expect(links_of_row(row).sum).toBeNaN();
    expect([to.direction, ...Array.from(to.sums, Number.isNaN)]).toEqual([
      ...["to", false, false, false, false, true, false],
    ]);
  });

  test("words and hidden tokens as items", () => {
    const texts = of_kind("model").map(({ tokens }) => tokens.queries.texts);
    expect(texts).toEqual([
      ["[CLS]", "The", "anim", "al", "[SEP]", "<b>&"],
      ["The", "animal", "<b>&"],
      ["[CLS]", "The", "animal", "[SEP]"],
    ]);
    const [plain, words, pair] = of_kind("model");
    expect(words.tokens.queries.spans).toEqual([
      [1, 2],
      [2, 4],
      [5, 6],
    ]);
    expect([plain.tokens.keys, words.tokens.keys, plain.tokens.pairs]).toEqual([null, null, true]);
    expect(pair.tokens.keys?.texts).toEqual(["<b>&"]);
  });

  test("trouble as it is", () => {
    const troubles = from_kernel.filter(({ content }) => content.type === "trouble");
    expect(troubles.length).toBeGreaterThan(1);
    for (const { content } of troubles) {
      expect(Object.keys(content).sort()).toEqual(["detail", "key", "title", "type"]);
    }
  });
});

/** The recorded model as if its text were long. @param {any} content */
function long_one(content) {
  const [stack] = content.stacks;
  const ids = Array.from({ length: 300 }, (_, i) => i);
  const queries = {
    ...{ texts: ids.map(String), gaps: ids.map(() => " "), kinds: ids.map(() => "") },
    ...{ spans: ids.map((i) => [i, i + 1]), segments: null },
  };
  const tokens = { ...content.tokens, queries, keys: null };
  return { ...content, pass: 2, stacks: [{ ...stack, query_len: 300, key_len: 300 }], tokens };
}

/** All that a reader's way through the recorded model makes the page send. */
function way_of_a_reader() {
  vi.useFakeTimers();
  const host = make_fake_model(
    { tokens: ["a"], layers: [0], heads: 1 },
    { stack: "attention", layer: 1, head: 2, query: 3, key: 0 },
  );
  const [{ content: plain }, { content: words }] = from_kernel;
  /** The model of the newest pass, in the reading that is asked for. @type {any} */
  let newest = null;
  /** @param {any[]} wants */
  const answer = (wants) => {
    const asked = newest ? wants.filter(({ kind }) => kind === "model") : [];
    for (const { key, reading } of asked) {
      const { tokens, ...facts } = reading.words ? words : newest;
      host.emit("msg:custom", { ...facts, key, tokens: { ...tokens, reading } }, []);
    }
  };
  host.send = (message) => {
    host.sent.push(message);
    if (message.type === "wants") setTimeout(answer, 0, message.wants);
  };
  /** A pass has ended. @param {any} content */
  const draw = (content) => {
    newest = content;
    answer(host.sent.at(-1).wants);
  };
  const source = make_live_source(host);
  const state = bind_state(host);
  const ui = make_ui();
  const { wants } = make_scene(source, state, ui, make_later(source, null));
  let shown = "";
  const stop = effect(() => {
    const list = wants.value.map(({ key }) => key).join();
    if (list !== shown) source.show("recorded", wants.value);
    shown = list;
  });

  /** @type {(() => void)[]} */
  const steps = [
    () => draw(plain),
    () => state.choose({ head: 0 }),
    () =>
      state.choose({
        heads: [
          [0, 1],
          [1, 0],
        ],
      }),
    () => state.choose({ mean: true }),
    () => state.choose({ words: true, hide: ["special"], renormalise: true }),
    () => state.choose({ view: "steps" }),
    () => state.choose({ layer: 0, view: "grid" }),
    () => state.choose({ words: false, hide: [], renormalise: false, heads: [], mean: false }),
    // As if the text were long: rows and lines are asked for, and parts of the head.
    () => draw(long_one(plain)),
    () => state.choose({ view: "lines" }),
    () => state.choose({ direction: "to", query: null }),
    () => state.choose({ view: "matrix" }),
    () => {
      ui.zoom.value = { rows: [0, 4], cols: [1, 5] };
    },
    () => source.run("another text"),
    () => source.close("recorded"),
  ];
  for (const step of steps) {
    vi.advanceTimersByTime(200);
    step();
  }
  vi.advanceTimersByTime(200);
  stop();
  source.stop();
  vi.useRealTimers();
  return host.sent;
}

test("the page still asks for what was recorded", async () => {
  // If this is meant to change: `npm run record`; pytest then sees whether the kernel answers it.
  const sent = way_of_a_reader();
  expect(new Set(sent.flatMap((m) => m.wants ?? []).map((want) => want.kind))).toEqual(
    new Set([
      "model",
      "check",
      "overview",
      "tile",
      "row",
      "lines",
      "predictions",
      "steps",
      "script",
    ]),
  );
  const messages = sent.filter((message) => message.type === "wants");
  await expect(`${JSON.stringify(messages, null, 1)}\n`).toMatchFileSnapshot(
    "../../tests/fixtures/messages/page.json",
  );
});
