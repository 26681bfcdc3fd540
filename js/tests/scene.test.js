import { effect } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { make_fake_model } from "../dev/fake_kernel.js";
import { make_later } from "../src/later.js";
import { make_scene } from "../src/scene.js";
import { make_live_source } from "../src/source/live.js";
import { bind_state } from "../src/state.js";
import { make_ui } from "../src/ui.js";
import {
  lines_of,
  model_of,
  PLAIN,
  row_of,
  selection_of,
  sequence,
  side_of,
  tile_of,
} from "./pictures.js";

/** @typedef {import("../src/messages.js").Picture} Picture */

/** A picture as the kernel sends it. @param {Picture} picture */
function sent_as(picture) {
  const { shape, ...facts } = /** @type {any} */ (picture);
  const arrays = Object.entries(facts).filter(([, value]) => ArrayBuffer.isView(value));
  const is_main = (/** @type {string} */ name) => name !== "sums" && !name.endsWith("_sums");
  const content = {
    ...Object.fromEntries(Object.entries(facts).filter(([, value]) => !ArrayBuffer.isView(value))),
    arrays: arrays.map(([name, array]) => ({
      name,
      dtype: array.constructor.name.toLowerCase().replace("array", ""),
      shape: is_main(name) ? shape : [array.length],
    })),
  };
  return { content, buffers: arrays.map(([, array]) => array.buffer) };
}

/** Ends what the page of a test does. @type {(() => void)[]} */
const ends = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A scene whose kernel answers when the test says so. @param {Record<string, any>} traits */
function make_page(traits) {
  const scene = { tokens: ["a"], layers: [0], heads: 1 };
  const host = make_fake_model(scene, { ...selection_of({ stack: "" }), ...traits });
  host.send = (message) => {
    host.sent.push(message);
  };
  const source = make_live_source(host);
  const state = bind_state(host);
  const ui = make_ui();
  const page = make_scene(source, state, ui, make_later(source, null));
  // As the widget does: what is wanted is on a screen, and drawn.
  ends.push(effect(() => source.show("view", page.wants.value)));
  ends.push(
    effect(() => {
      page.strung.value;
    }),
    () => source.stop(),
  );
  /** @param {Picture} picture */
  const give = (picture) => {
    const { content, buffers } = sent_as(picture);
    host.emit("msg:custom", content, buffers);
  };
  /** The key of what is wanted. @param {Picture["kind"]} kind @param {string} [rest] */
  const key_of = (kind, rest = "") => {
    const found = page.wants.value.find((w) => w.kind === kind && w.key.includes(rest));
    if (!found) throw new Error(`No ${kind} of ${rest} is wanted.`);
    return found.key;
  };
  return { ...page, source, state, ui, give, key_of };
}

const HEAD = [
  [1, 0, 0],
  [0.5, 0.5, 0],
  [0.25, 0.25, 0.5],
];
const small = (/** @type {object} */ other = {}) =>
  model_of({ query_len: 3 }, { key: "model| 0 ", ...other });

/** Largest link of the query 2, of each head. @param {ReturnType<typeof make_page>} page */
const first_items = ({ strung }) =>
  strung.value?.strands.map((strand) => strand.links("from", 2).items[0]);

describe("heads drawn together", () => {
  /** @type {ReturnType<typeof make_page>} */
  let page;
  const turned = HEAD.map((row) => [...row].reverse());
  beforeEach(() => {
    page = make_page({
      heads: [
        [1, 0],
        [1, 1],
      ],
    });
    page.give(small());
    page.give(tile_of(HEAD, { key: page.key_of("tile", "|1.0 ") }));
  });

  test("are drawn when the last of them has come", () => {
    expect(page.strung.value).toBeNull();
    page.give(tile_of(turned, { key: page.key_of("tile", "|1.1 ") }));
    expect(first_items(page)).toEqual([2, 0]);
    expect(page.strung.value?.stale).toBe(false);
  });

  test("stay of one pass: the old ones, dimmed, until all of the new one are here", () => {
    page.give(tile_of(turned, { key: page.key_of("tile", "|1.1 ") }));
    page.give(small({ pass: 2 }));
    expect(page.strung.value).toMatchObject({ stale: false, model: { pass: 1 } });
    page.give(tile_of(turned, { pass: 2, key: page.key_of("tile", "|1.0 ") }));
    expect(first_items(page)).toEqual([2, 0]);
    expect(page.strung.value).toMatchObject({ stale: true, model: { pass: 1 } });
    page.give(tile_of(HEAD, { pass: 2, key: page.key_of("tile", "|1.1 ") }));
    expect(first_items(page)).toEqual([0, 2]);
    expect(page.strung.value).toMatchObject({ stale: false, model: { pass: 2 } });
  });

  test("remember what they have put in order while other things change", () => {
    page.give(tile_of(turned, { key: page.key_of("tile", "|1.1 ") }));
    const before = page.strung.value?.strands[0];
    page.state.choose({ mass: 0.5, query: 1 });
    expect(page.strung.value?.strands[0]).toBe(before);
    expect(page.strung.value?.place.query).toBe(1);
  });
});

describe("a reading", () => {
  const words = { ...PLAIN, words: true };
  const in_words = {
    ...{ stack: "encoder", batch: 0, pairs: false, notes: [], reading: words, keys: null },
    queries: side_of(["a", "bc"], {
      spans: [
        [0, 1],
        [1, 3],
      ],
    }),
  };

  test("is the one before until the kernel has told the new items", () => {
    const page = make_page({ query: 2, key: 1 });
    page.give(small());
    page.give(tile_of(HEAD, { key: page.key_of("tile") }));
    page.state.choose({ words: true });
    // What is on screen stays, whole and sharp, under its own tokens.
    expect(page.place.value).toMatchObject({ query: 2, key: 1, context: { reading: PLAIN } });
    expect(page.strung.value?.stale).toBe(false);
    expect(page.wants.value[0]).toMatchObject({ kind: "model", reading: words });

    page.give(small({ key: page.key_of("model"), tokens: in_words }));
    expect(page.place.value).toMatchObject({ query: 1, key: 1, context: { reading: words } });
    expect(page.strung.value).toMatchObject({
      stale: true,
      tokens: { queries: ["w0", "w1", "w2"] },
    });
    page.give(
      tile_of(
        [
          [1, 0],
          [0.25, 0.75],
        ],
        { key: page.key_of("tile", "words") },
      ),
    );
    expect(page.strung.value).toMatchObject({ stale: false, tokens: { queries: ["a", "bc"] } });
    // Back again: it is all here still.
    page.state.choose({ words: false });
    expect(page.strung.value).toMatchObject({
      stale: false,
      tokens: { queries: ["w0", "w1", "w2"] },
    });
  });

  test("that is not wished for any more when it comes is not shown", () => {
    const page = make_page({ query: 2 });
    page.give(small());
    page.state.choose({ words: true });
    const late = page.key_of("model");
    page.state.choose({ hide: ["first"] });
    page.give(small({ key: late, tokens: in_words }));
    expect(page.place.value).toMatchObject({ query: 2, context: { reading: PLAIN } });
    // But of a newer pass it is better than nothing.
    page.give(small({ pass: 2, key: late, tokens: in_words }));
    expect(page.place.value).toMatchObject({ query: 1, context: { reading: words } });
  });

  test("turns what is chosen on screen into tokens", () => {
    const page = make_page({ words: true });
    page.give(small({ key: page.key_of("model"), tokens: in_words }));
    page.select({ query: 1, key: 0 }, { direction: "to" });
    const { query, key, direction } = page.state;
    expect([query.value, key.value, direction.value]).toEqual([1, 0, "to"]);
    expect(page.place.value).toMatchObject({ query: 1, key: 0 });
  });

  test("shows the predictions of a word's last token", () => {
    const page = make_page({ words: true, query: 1 });
    page.give(small({ key: page.key_of("model"), tokens: in_words }));
    const candidates = ["x", "y", "z"].map((text) => [{ text, share: 0.5 }]);
    page.give({
      ...{ type: "picture", kind: "predictions", key: page.key_of("predictions"), pass: 1 },
      ...{ coarse: false, what: "next", at: [0, 3], of: 9, note: "", candidates },
    });
    expect(page.predictions.value).toMatchObject({ token: 2, candidates: [{ text: "z" }] });
    page.state.choose({ query: 0 });
    expect(page.predictions.value).toMatchObject({ token: 0, candidates: [{ text: "x" }] });
  });
});

describe("a long text", () => {
  const random = sequence(2);
  const rows = Array.from({ length: 300 }, () => Array.from({ length: 300 }, random));
  /** @param {Record<string, any>} [traits] */
  function long_page(traits = {}) {
    const page = make_page({ query: 7, key: null, ...traits });
    page.give(model_of({ query_len: 300 }, { key: page.key_of("model") }));
    page.give({ ...lines_of(rows, 54), key: page.key_of("lines", " from ") });
    return page;
  }

  test("is drawn from lists; the selected token's links are complete with its row", () => {
    const page = long_page();
    const count = (/** @type {number} */ at) =>
      page.strung.value?.strands[0].links("from", at).count;
    expect([count(7), count(8)]).toEqual([54, 54]);
    expect(page.row.value).toBeNull();
    page.give(row_of(rows[7], { at: 7, key: page.key_of("row", " from 7") }));
    expect([count(7), count(8)]).toEqual([300, 54]);
    expect(page.row.value).toMatchObject({ at: 7, direction: "from", facts: { visible: 300 } });
  });

  test("knows the other way only when that has come", () => {
    const page = long_page();
    const links = () => page.strung.value?.strands[0].links("to", 3).count;
    expect(links()).toBe(0);
    const columns = rows.map((_, k) => rows.map((row) => row[k]));
    page.give({ ...lines_of(columns, 54, "to"), key: page.key_of("lines", " to ") });
    expect(links()).toBe(54);
  });
});

describe("what is said", () => {
  test("is of the token under the pointer, where its row is at hand; else of the selected one", () => {
    const page = make_page({ query: 2 });
    page.give(small());
    page.give(tile_of(HEAD, { key: page.key_of("tile") }));
    expect(page.row.value).toMatchObject({ at: 2, direction: "from" });
    page.ui.peek.value = { direction: "from", at: 1 };
    expect(Array.from(page.row.value?.weights ?? [])).toEqual([0.5, 0.5, 0]);
    page.ui.peek.value = { direction: "to", at: 0 };
    expect(Array.from(page.row.value?.weights ?? [])).toEqual([1, 0.5, 0.25]);
    page.ui.peek.value = null;
    expect(page.row.value).toMatchObject({ at: 2, direction: "from" });
  });

  test("is nothing while what is on screen is of another head", () => {
    const page = make_page({ query: 2 });
    page.give(small());
    page.give(tile_of(HEAD, { key: page.key_of("tile") }));
    page.state.choose({ head: 3 });
    expect(page.strung.value?.stale).toBe(true);
    expect(page.row.value).toBeNull();
  });
});
