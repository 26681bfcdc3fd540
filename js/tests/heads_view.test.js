import { describe, expect, test } from "vitest";
import { colours_of_heads } from "../src/draw/colours.js";
import { stroked } from "./setup.js";
import { button, click, column, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {Awaited<ReturnType<typeof show>>} Page */

const TWO = [
  [5, 3],
  [5, 11],
];

/** @param {Element} el @param {number} layer @param {number} head */
const thumbnail = (el, layer, head) => one(el, `[aria-label="layer ${layer}, head ${head}"]`);

/** Heads of the tiles on screen, as last asked for. @param {Page} page */
const asked = ({ model }) =>
  model.sent
    .at(-1)
    .wants.filter((/** @type {any} */ w) => w.kind === "tile" && !w.prefetch)
    .map((/** @type {any} */ w) => w.heads);

/** @param {Page} page */
const chosen = ({ model }) => ["layer", "head", "heads", "mean"].map((name) => model.get(name));

/** @param {Page} page */
const chips = ({ el }) => texts(el, ".aw-head-chip");

/** Colours of the selected token's lines. @param {Page} page */
const line_colours = ({ el }) => [
  ...new Set(
    (stroked.get(one(el, ".aw-links")) ?? [])
      .filter(({ what }) => what === "stroke")
      .map(({ strokeStyle }) => strokeStyle),
  ),
];

describe("a thumbnail", () => {
  test("selects its head alone", async () => {
    const page = await show("minilm");
    await click(thumbnail(page.el, 2, 3));
    expect(chosen(page)).toEqual([2, 3, [], false]);
    expect(text(page.el, ".aw-sentence")).toMatch(/^Layer 2, head 3: it looks/);
    expect(thumbnail(page.el, 2, 3).getAttribute("aria-selected")).toBe("true");
  });

  test("with Shift draws its head together with the selected one, and once more alone", async () => {
    const page = await show("minilm");
    expect(line_colours(page)).toHaveLength(1);
    await click(thumbnail(page.el, 5, 3), { shiftKey: true });
    expect(chosen(page)).toEqual([5, 11, TWO, false]);
    expect(chips(page)).toEqual(["5.3", "5.11"]);
    expect(asked(page)).toEqual([[[5, 3]], [[5, 11]]]);
    expect(line_colours(page)).toEqual(
      colours_of_heads(/** @type {[number, number][]} */ (TWO), "light"),
    );
    const swatches = page.el.querySelectorAll(".aw-head.aw-together");
    expect([...swatches].map((head) => head.getAttribute("aria-label"))).toEqual([
      "layer 5, head 3",
      "layer 5, head 11",
    ]);
    await click(thumbnail(page.el, 5, 3), { shiftKey: true });
    expect(chosen(page)).toEqual([5, 11, [[5, 11]], false]);
    expect(chips(page)).toEqual([]);
  });

  test("toggles its head at its lower right corner, the swatch", async () => {
    const page = await show("minilm");
    const head = thumbnail(page.el, 4, 0);
    head.getBoundingClientRect = () =>
      /** @type {DOMRect} */ ({ left: 100, top: 50, right: 120, bottom: 70 });
    await click(head, { clientX: 115, clientY: 66, detail: 1 });
    expect(chosen(page)).toEqual([
      5,
      11,
      [
        [4, 0],
        [5, 11],
      ],
      false,
    ]);
    await click(head, { clientX: 115, clientY: 66, detail: 1 });
    expect(chosen(page)).toEqual([5, 11, [[5, 11]], false]);
    await click(head, { clientX: 115, clientY: 55, detail: 1 });
    expect(chosen(page).slice(0, 2)).toEqual([4, 0]);
    // A click by the keyboard has no place, so it is not on the swatch.
    await click(head, { clientX: 115, clientY: 66, detail: 0 });
    expect(page.model.get("heads")).toEqual([[5, 11]]);
    await click(thumbnail(page.el, 5, 3));
    expect(chosen(page).slice(0, 2)).toEqual([5, 3]);
  });

  test("twice is that head alone", async () => {
    const page = await show("minilm", { heads: TWO, mean: true });
    const head = thumbnail(page.el, 5, 3);
    await click(head);
    head.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await settled();
    expect(chosen(page)).toEqual([5, 3, [], false]);
  });

  test("of another head leaves the set as it was: back in it, all are drawn again", async () => {
    const page = await show("minilm", { heads: TWO });
    await click(thumbnail(page.el, 1, 1));
    expect(asked(page)).toEqual([[[1, 1]]]);
    expect(chips(page)).toEqual([]);
    await click(thumbnail(page.el, 5, 3));
    expect(asked(page)).toEqual([[[5, 3]], [[5, 11]]]);
    expect(one(page.el, ".aw-head-chip.aw-chosen").textContent).toBe("5.3");
  });

  test("in the grid opens its lines at a double click, or Enter", async () => {
    const { el, model } = await show("minilm", { view: "grid" });
    expect(el.querySelector(".aw-lines, .aw-cells")).toBeNull();
    thumbnail(el, 1, 0).dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await settled();
    expect(model.get("view")).toBe("lines");
    const other = await show("minilm", { view: "grid" });
    const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
    thumbnail(other.el, 1, 0).dispatchEvent(enter);
    await settled();
    expect(["layer", "head", "view"].map((n) => other.model.get(n))).toEqual([1, 0, "lines"]);
  });
});

describe("heads drawn together", () => {
  test("have their percentages in their own colours", async () => {
    const page = await show("minilm", { heads: TWO });
    const shares = [...column(page.el, "key").querySelectorAll(".aw-row-shares span")];
    const colours = new Set(shares.map((s) => /** @type {HTMLElement} */ (s).style.color));
    expect(colours.size).toBe(2);
    const alone = await show("minilm");
    const plain = [...column(alone.el, "key").querySelectorAll(".aw-row-shares span")];
    expect(plain.every((s) => /** @type {HTMLElement} */ (s).style.color === "")).toBe(true);
  });

  test("are selected by a click, left out by Shift; the selection goes to one that stays", async () => {
    const heads = [[2, 0], ...TWO];
    const page = await show("minilm", { heads });
    expect(chips(page)).toEqual(["2.0", "5.3", "5.11"]);
    await click(button(page.el, "5.3"));
    expect(chosen(page)).toEqual([5, 3, heads, false]);
    await click(button(page.el, "5.3"), { shiftKey: true });
    expect(chosen(page)).toEqual([
      2,
      0,
      [
        [2, 0],
        [5, 11],
      ],
      false,
    ]);
    await click(button(page.el, "5.11"), { shiftKey: true });
    expect(chosen(page)).toEqual([2, 0, [[2, 0]], false]);
    expect(chips(page)).toEqual([]);
  });

  test("a chip twice is that head alone, as is the button for the selected one", async () => {
    const page = await show("minilm", { heads: TWO, mean: true });
    // The second click of a double click leaves nothing out.
    await click(button(page.el, "5.3"), { detail: 2 });
    expect(page.model.get("heads")).toEqual(TWO);
    button(page.el, "5.3").dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await settled();
    expect(chosen(page)).toEqual([5, 3, [], false]);
    const other = await show("minilm", { heads: TWO, mean: true });
    await click(button(other.el, "only 5.11"));
    expect(chosen(other)).toEqual([5, 11, [], false]);
  });

  test("Mean draws them as one, by one picture, and says so", async () => {
    const page = await show("minilm", { heads: TWO });
    expect(button(page.el, "Mean").getAttribute("aria-pressed")).toBe("false");
    await click(button(page.el, "Mean"));
    expect(page.model.get("mean")).toBe(true);
    expect(button(page.el, "Mean").getAttribute("aria-pressed")).toBe("true");
    expect(asked(page)).toEqual([TWO]);
    expect(line_colours(page)).toHaveLength(1);
    expect(text(page.el, ".aw-sentence")).toMatch(/^The mean of 2 heads: it looks/);
    await click(button(page.el, "Mean"));
    expect(asked(page)).toEqual([[[5, 3]], [[5, 11]]]);
  });

  test("may be all of a layer, and step through the layers together", async () => {
    const page = await show("minilm", { layer: 4, head: 2 });
    await click(button(page.el, "all 12 heads of layer 4"));
    expect(page.model.get("heads")).toEqual(Array.from({ length: 12 }, (_, head) => [4, head]));
    expect(asked(page)).toHaveLength(12);
    await press(page.el, "ArrowDown");
    expect([page.model.get("layer"), page.model.get("head")]).toEqual([5, 2]);
    expect(page.model.get("heads")).toEqual(Array.from({ length: 12 }, (_, head) => [5, head]));
    // Of several layers they stay where they are.
    const mixed = await show("minilm", {
      heads: [
        [4, 0],
        [5, 11],
      ],
    });
    await press(mixed.el, "ArrowUp");
    expect(mixed.model.get("heads")).toEqual([
      [4, 0],
      [5, 11],
    ]);
  });

  test("are gathered by s: each head on the way, and out again", async () => {
    const page = await show("minilm");
    await press(page.el, "s");
    await press(page.el, "[");
    expect(chips(page)).toEqual([]);
    await press(page.el, "s");
    expect(page.model.get("heads")).toEqual([
      [5, 11],
      [5, 10],
    ]);
    expect(chips(page)).toHaveLength(2);
    await press(page.el, "s");
    expect(page.model.get("heads")).toEqual([[5, 11]]);
    expect([page.model.get("layer"), page.model.get("head")]).toEqual([5, 11]);
  });

  test("that Python chooses are drawn at once", async () => {
    const page = await show("minilm");
    page.model.set("heads", TWO);
    await settled();
    expect(chips(page)).toEqual(["5.3", "5.11"]);
    expect(line_colours(page)).toHaveLength(2);
  });
});
