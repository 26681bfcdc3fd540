import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/weighed.json";
import { row_facts, row_of_tile, sentence_facts, value_at } from "../src/attention.js";
import { paint_thumbnail, paint_tile } from "../src/draw/cells.js";
import { palette } from "../src/draw/colours.js";
import { draw_links } from "../src/draw/curves.js";
import { scale_of_tile, steps_of_tile } from "../src/draw/scale.js";
import { count_for_mass, links_of_lines, links_of_tile, strand_of } from "../src/links.js";
import { decode } from "../src/messages.js";
import { context_of } from "../src/place.js";
import { heads_for_and_against } from "../src/views/weighed/direct.js";
import { percent, weight_in_words } from "../src/words.js";
import { tile_of } from "./pictures.js";
import { make_recorder } from "./recorder.js";
import { button, click, settled, show, text, texts } from "./show.js";

/** @param {string} kind @param {string} weigh @param {unknown} [target] @returns {any} */
function picture_of(kind, weigh, target) {
  const found = recorded.find(({ want }) => {
    const reading = /** @type {any} */ (want).reading;
    const is_target = JSON.stringify(reading?.target) === JSON.stringify(target);
    return want.kind === kind && reading?.weigh === weigh && is_target;
  });
  if (!found) throw new Error(`Nothing was recorded of ${kind} ${weigh}.`);
  const bytes = found.buffers.map((b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0)));
  return decode(found.content, bytes);
}

const SLEPT = [14, 307];
const TILE = picture_of("tile", "gradient", SLEPT);
const SIGNED = tile_of(
  [
    [0.5, -2],
    [0, 1],
  ],
  { signed: true, min: -2, max: 1 },
);
const candidates = [
  { text: "slept", share: 0.97, id: 307 },
  { text: "played", share: 0.01, id: 261 },
];
/** @param {Record<string, any>} [traits] */
const open = (traits = {}) =>
  show("stories", { view: "matrix", weigh: "gradient", target: SLEPT, ...traits }, { candidates });

describe("numbers with a sign", () => {
  test("are written with a real minus sign", () => {
    expect(weight_in_words(-2.166)).toBe("−2.17");
    expect(weight_in_words(-0.00001234)).toBe("−1.23·10⁻⁵");
    expect(weight_in_words(12.34)).toBe("12.3");
    expect(percent(-0.61)).toBe("−61 %");
    expect(percent(-0.001)).toBe("> −1 %");
  });

  test("count by their size, and keep their sign", () => {
    const row = /** @type {NonNullable<ReturnType<typeof row_of_tile>>} */ (row_of_tile(SIGNED, 0));
    const facts = row_facts(row);
    expect(facts.order).toEqual([1, 0]);
    expect(facts.sum).toBeCloseTo(2.5);
    const { named } = sentence_facts({ ...row, whole: facts.sum }, facts, null);
    expect(named).toEqual([
      { key: 1, share: -0.8 },
      { key: 0, share: 0.2 },
    ]);
    const links = links_of_tile(SIGNED, "from", 0);
    expect(Array.from(links.items)).toEqual([1, 0]);
    expect(Array.from(links.weights)).toEqual([-2, 0.5]);
    expect(count_for_mass(links, 0.8)).toBe(1);
  });

  test("come out of a byte as they went in", () => {
    const bytes = { ...SIGNED, encoding: /** @type {const} */ ("signed sqrt") };
    bytes.cells = Uint8Array.from([128 + 63.5, 1, 128, 128 + 90], Math.round);
    expect(value_at(bytes, 0, 0)?.value).toBeCloseTo(0.5, 1);
    expect(value_at(bytes, 0, 1)?.value).toBe(-2);
    expect(value_at(bytes, 1, 0)?.value).toBe(0);
  });

  test("are told as shares of what their token has, with how much that is", () => {
    const tile = {
      ...SIGNED,
      row_sums: Float32Array.of(2.5, 1),
      col_sums: Float32Array.of(0.5, 3),
    };
    const strand = strand_of([[0, 0]], tile, true);
    const [first, second] = [0, 1].map((at) => strand?.links("from", at));
    expect(Array.from(first?.weights ?? [], (w) => w.toFixed(2))).toEqual(["-0.80", "0.20"]);
    expect(first?.part).toBe(1);
    expect(second?.part).toBeCloseTo(0.4);
    expect(second?.sum).toBe(1);
  });

  test("have colours of their own, and those below 0 are striped", () => {
    const colours = palette("light", true);
    const pixels = { data: new Uint32Array(16 * 16), width: 16, height: 16 };
    const scale = scale_of_tile("linear", SIGNED, false);
    expect(scale.top).toBe(2);
    const steps = steps_of_tile(SIGNED, scale);
    const region = /** @type {const} */ ({ rows: [0, 2], cols: [0, 2] });
    paint_tile(pixels, SIGNED, /** @type {any} */ (region), colours, { gap: 0, unit: 1, steps });
    const column = (/** @type {number} */ x) =>
      new Set(Array.from({ length: 8 }, (_, y) => pixels.data[y * 16 + x]));
    expect(column(12)).toEqual(new Set([colours.ground, colours.negative?.[255]]));
    expect(column(3)).toEqual(new Set([colours.ramp[steps[0]]]));
    const small = { data: new Uint32Array(64), width: 8, height: 8 };
    const cells = Uint8Array.of(1, 255, 128, 128);
    paint_thumbnail(small, cells, [2, 2], { x: 0, y: 0, side: 8 }, colours, "sqrt", false);
    expect(new Set(small.data)).toEqual(
      new Set([colours.ground, colours.negative?.[255], colours.ramp[255]]),
    );
  });

  test("are dashed as lines where they are below 0", () => {
    const strand = strand_of([[0, 0]], { ...SIGNED, row_sums: Float32Array.of(2.5, 1) }, true);
    const context = /** @type {any} */ (make_recorder());
    /** @type {string[]} */
    const looks = [];
    let dashes = "solid";
    context.setLineDash = (/** @type {number[]} */ list) => {
      dashes = list.length ? "dashed" : "solid";
    };
    context.stroke = () => looks.push(`${context.strokeStyle} ${dashes}`);
    const columns = { width: 9, height: 9, row: 3, queries: 0, keys: 0 };
    const look = { direction: /** @type {const} */ ("from"), at: 0, mass: 1, colours: ["ink"] };
    draw_links(context, 1, { ...columns, seen: [0, 2] }, /** @type {any} */ ([strand]), {
      ...look,
      widest: 4,
      signs: { above: "purple", below: "ochre" },
    });
    expect(looks).toEqual(["purple solid", "ochre dashed"]);
  });
});

test("the pattern goes without saying in a key, anything else is named", () => {
  const plain = { batch: 0, words: false, hide: [], renormalise: false, pair: null };
  const name = (/** @type {any} */ more) => context_of({ ...plain, ...more }, "").name;
  expect(name({ weigh: "pattern", target: SLEPT })).toBe(" 0 ");
  expect(name({ weigh: "values", target: SLEPT })).toBe(" 0 values");
  expect(name({ weigh: "gradient", target: SLEPT })).toBe(" 0 gradient 14,307");
  expect(name({ weigh: "gradient", target: [3, null] })).toBe(" 0 gradient 3,");
  expect(name({ weigh: "gradient", target: null, words: true })).toBe(" 0 words gradient");
});

test("recorded lines hold the largest of each row of the recorded tile, with their signs", () => {
  const lines = picture_of("lines", "gradient", SLEPT);
  const links = links_of_lines(lines, 14);
  const whole = links_of_tile(TILE, "from", 14);
  expect(Array.from(links.items).slice(0, links.count)).toEqual(
    Array.from(whole.items).slice(0, links.count),
  );
  expect(links.weights[0]).toBe(TILE.cells[14 * 17 + links.items[0]]);
  expect(links.sum).toBeCloseTo(whole.sum, 5);
});

describe("what is said", () => {
  test.each([
    ["values", "of what its values bring at it, by size, 99 % comes from animal"],
    ["output", "of what the head adds at it, by size, 99 % comes from animal"],
    ["gradient", "for the logit of slept after it, at it: animal −2.17"],
    ["rollout", "Rollout up to layer 2, all heads: at it there is 15 % of"],
  ])("of %s are shares or signs, and no looks", async (weigh, said) => {
    const { el } = await open({ weigh });
    expect(text(el, ".aw-sentence")).toContain(said);
    expect(text(el, ".aw-sentence")).not.toContain("looks");
    expect(text(el, ".aw-sentence")).not.toContain("sink");
    expect(text(el, ".aw-reading-note")).toMatch(/does not say|knows nothing/);
    expect(el.querySelector(".aw-looks")).toBeNull();
  });

  test("where nothing reaches the logit", async () => {
    const { el } = await open({ query: 3, key: null });
    expect(text(el, ".aw-sentence")).toContain("no look of didn't counts");
  });

  test("is of the pattern as before", async () => {
    const { el } = await open({ weigh: "pattern" });
    expect(text(el, ".aw-sentence")).toContain("looks");
    expect(el.querySelector(".aw-reading-note")).toBeNull();
  });
});

describe("the page", () => {
  test("chooses what is weighed, and asks for it under a name of its own", async () => {
    const { el, model } = await open({ weigh: "pattern", target: null });
    const select = /** @type {HTMLSelectElement} */ (el.querySelector("select[aria-label=Weigh]"));
    expect([...select.options].map((option) => option.textContent)).toEqual([
      "Pattern",
      "× size of value",
      "× what is added",
      "× gradient",
      "Rollout",
    ]);
    select.value = "output";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    await settled();
    expect(model.get("weigh")).toBe("output");
    const { wants } = model.sent.findLast((/** @type {any} */ one) => one.type === "wants");
    const tile = wants.find((/** @type {any} */ want) => want.kind === "tile");
    expect(tile.key).toMatch(/^tile\| 0 output\|/);
    expect(tile.reading.weigh).toBe("output");
    expect(tile.reading).not.toHaveProperty("target");
  });

  test("a click on a candidate asks about its logit", async () => {
    const { el, model } = await open();
    expect(button(el, "slept").getAttribute("aria-pressed")).toBe("true");
    click(button(el, "played"));
    await settled();
    expect(model.get("target")).toEqual([14, 261]);
    expect(text(el, ".aw-predictions")).toContain("played");
  });

  test("candidates are mere words beside the pattern", async () => {
    const { el } = await open({ weigh: "pattern" });
    expect(text(el, ".aw-predictions")).toContain("slept");
    expect(el.querySelector(".aw-candidate")).toBeNull();
  });

  test("the legend has both signs, the reading the exact number with its own", async () => {
    const { el } = await open();
    expect(texts(el, ".aw-ramp-ends > span")).toEqual(["−2.17", "0", "2.17"]);
    expect(text(el, ".aw-number")).toBe("−2.17");
    expect(el.querySelector(".aw-share-bar.aw-minus")).not.toBeNull();
  });

  test("the grid lists heads for and against the chosen logit, and they can be selected", async () => {
    const { el, model } = await open({ view: "grid" });
    const direct = picture_of("direct", "gradient", SLEPT);
    const { pro, contra } = heads_for_and_against(direct);
    expect(pro[0].adds).toBe(Math.max(...direct.heads));
    expect(contra[0].adds).toBe(Math.min(...direct.heads));
    expect(text(el, ".aw-direct")).toContain("Heads that speak for slept");
    expect(texts(el, ".aw-direct-list li")[0]).toBe(
      `${pro[0].layer}.${pro[0].head}+${pro[0].adds.toFixed(2)}`,
    );
    expect(text(el, ".aw-direct")).toContain(`−${(-contra[0].adds).toFixed(2)}`);
    click(button(el, new RegExp(`^${pro[0].layer}\\.${pro[0].head}`)));
    await settled();
    expect([model.get("layer"), model.get("head")]).toEqual([pro[0].layer, pro[0].head]);
  });
});
