import { beforeEach, describe, expect, test } from "vitest";
import { arc, ink, joined_layout, labelled, links_of, middle } from "../src/views/joined/layout.js";
import { click, one, press, settled, show, text, texts } from "./show.js";

beforeEach(() => document.body.replaceChildren());

/** @param {any} model */
const asked = (model) =>
  model.sent.at(-1).wants.find((/** @type {any} */ want) => want.kind === "joined");

const GIVEN = { width: 800, height: 400, source: 9, target: 12, large: false };
const LABELS = { source_label: 60, target_label: 80 };

describe("where the words stand", () => {
  test("from left to right without overlap, the shorter side in the middle", () => {
    const layout = joined_layout({ ...GIVEN, ...LABELS });
    const boxes = [layout.encoder, layout.source, layout.cross, layout.target, layout.decoder];
    for (let i = 1; i < boxes.length; i++) {
      expect(boxes[i].left).toBe(boxes[i - 1].left + boxes[i - 1].width);
    }
    expect(layout.decoder.left + layout.decoder.width).toBeLessThanOrEqual(800);
    expect(layout.tops.target).toBe(0);
    expect(layout.tops.source).toBe(1.5 * layout.rows.target);
    expect(middle(layout, "source", 8)).toBeLessThan(400);
  });

  test("however many words there are, all are on screen; few are not stretched", () => {
    const long = joined_layout({ ...GIVEN, ...LABELS, source: 1500 });
    expect(middle(long, "source", 1499)).toBeLessThan(400);
    expect(middle(long, "target", 11)).toBeLessThan(400);
    const short = joined_layout({ ...GIVEN, ...LABELS, source: 2, target: 2 });
    expect(short.rows.source).toBeLessThan(40);
  });

  test("where labels have no room, those that matter have theirs", () => {
    expect(labelled(5, 20, 18, [3]).size).toBe(5);
    const few = labelled(100, 2, 18, [50, 52]);
    expect(few.has(50)).toBe(true);
    expect(few.has(52)).toBe(false);
    const sorted = [...few].sort((a, b) => a - b);
    expect(sorted.every((at, i) => i === 0 || at - sorted[i - 1] >= 9)).toBe(true);
    expect(sorted.length).toBeGreaterThan(8);
  });

  test("arcs stay in their room, wider for words further away", () => {
    const reach = (/** @type {number} */ to) =>
      Number(arc(100, 0, to, 200, "right").match(/C([\d.]+)/)?.[1]);
    expect(reach(200)).toBeGreaterThan(reach(20));
    // A cubic curve comes to three quarters of its control points.
    expect(0.75 * reach(200)).toBeLessThanOrEqual(100);
  });

  test("stronger links are wider, and the strongest drawn last", () => {
    expect(ink(0.9)["stroke-width"]).toBeGreaterThan(ink(0.1)["stroke-width"]);
    expect(links_of([0.2, 0.001, 0.7]).map(({ at }) => at)).toEqual([0, 2]);
  });
});

describe("the joined view", () => {
  test("says what is written and where it looked, in words", async () => {
    const { el } = await show("joined");
    const said = text(el, ".aw-joined-said");
    expect(said).toMatch(/^To write rouge after maison, the decoder looks \d+ % at red/);
    expect(texts(el, ".aw-joined-source bdi").slice(0, 4)).toEqual([
      "the",
      "small",
      "red",
      "house",
    ]);
    expect(texts(el, ".aw-joined-word.aw-is-query bdi")).toEqual(["maison"]);
    expect(texts(el, ".aw-joined-word.aw-joined-later bdi")[0]).toBe("rouge");
  });

  test("draws the three kinds of attention", async () => {
    const { el } = await show("joined");
    for (const kind of ["encoder", "cross", "decoder"]) {
      expect(one(el, `.aw-joined-${kind}`).querySelectorAll("path").length).toBeGreaterThan(0);
    }
  });

  test("gives exact numbers to those who point or listen", async () => {
    const { el } = await show("joined");
    const red = [...el.querySelectorAll(".aw-joined-source button")][2];
    expect(red.getAttribute("title")).toMatch(
      /^red: [\d.]+ of the cross-attention; in the encoder/,
    );
    expect(red.getAttribute("aria-label")).toBe(red.getAttribute("title"));
  });

  test("asks for the token and the heads of the selected stack, and for all of the others", async () => {
    const { model } = await show("joined");
    expect(asked(model)).toMatchObject({ at: 3, cross: [[1, 0]], encoder: null, decoder: null });
    expect(asked(model).source).toBeNull();
  });

  test("keeps the heads that were chosen for the stacks that are not selected", async () => {
    const { model } = await show("joined", { joined: { encoder: [[0, 1]] } });
    expect(asked(model)).toMatchObject({ encoder: [[0, 1]], cross: [[1, 0]], decoder: null });
  });

  test("goes to another word by a click or a key", async () => {
    const { el, model } = await show("joined");
    await click([...el.querySelectorAll(".aw-joined-words button")].at(-1) ?? el);
    expect(model.get("query")).toBe(10);
    await press(el, "ArrowLeft");
    expect(model.get("query")).toBe(9);
    expect(asked(model).at).toBe(9);
  });

  test("chooses the stack whose heads are selected by its name", async () => {
    const { el, model } = await show("joined");
    await click([...el.querySelectorAll(".aw-joined-band")][2]);
    expect(model.get("stack")).toBe("decoder");
    expect(model.get("joined")).toEqual({ cross: [[1, 0]] });
    expect(model.get("mean")).toBe(true);
    expect(model.get("heads")).toEqual([0, 1, 2, 3].map((head) => [1, head]));
    await settled();
    expect(texts(el, ".aw-joined-band b")).toEqual(["Encoder", "Cross-attention", "Decoder"]);
  });

  test("says so where the word is the model's own guess", async () => {
    const { el } = await show("joined", { query: 10 });
    expect(text(el, ".aw-joined-said")).toMatch(/^What it would write next, .* after ‘\.’ \(guess/);
  });
});
