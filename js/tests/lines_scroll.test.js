import { afterEach, describe, expect, test, vi } from "vitest";
import { stroked } from "./setup.js";
import { click, column, one, press, settled, show, text, texts } from "./show.js";

const LONG = Array.from({ length: 300 }, (_, i) => `t${i}`);

/** @param {Element} el @param {"query" | "key"} side */
const in_sight = (el, side) => texts(column(el, side), "bdi");

/** @param {Element} column @param {number} top */
async function scroll(column, top) {
  column.scrollTop = top;
  column.dispatchEvent(new Event("scroll"));
  await settled();
}

/** Widths of the selected token's lines. @param {Element} el */
const widths = (el) =>
  (stroked.get(one(el, ".aw-links")) ?? [])
    .filter(({ what }) => what === "stroke")
    .map(({ lineWidth }) => lineWidth);

describe("a long text", () => {
  test("has only the rows in sight on the page, and scrolls each column by itself", async () => {
    const { el } = await show("long", { query: 0, key: 0 }, { tokens: LONG });
    const first = in_sight(el, "query");
    expect(first[0]).toBe("t0");
    expect(first.length).toBeLessThan(25);
    expect(el.querySelectorAll(".aw-column.aw-scrolls")).toHaveLength(2);
    await scroll(column(el, "query"), 24 * 100);
    expect(in_sight(el, "query")[0]).toBe("t100");
    expect(in_sight(el, "key")[0]).toBe("t0");
    expect(column(el, "query").querySelector(".aw-is-query")).toBeNull();
  });

  test("brings the selected token into sight, and with it what it looks at most", async () => {
    const { el } = await show("long", { query: 200, key: 40 }, { tokens: LONG });
    expect(in_sight(el, "query")).toContain("t200");
    expect(in_sight(el, "key")).toContain("t40");
    await press(el, "End");
    expect(in_sight(el, "query")).toContain("t299");
    await press(el, "Escape");
    const strongest =
      text(el, ".aw-sentence")
        .match(/% at (t\d+)/g)
        ?.map((s) => s.slice(5)) ?? [];
    expect(in_sight(el, "key").some((token) => strongest.includes(token))).toBe(true);
  });

  test("says what ends out of sight, and goes there", async () => {
    const { el } = await show("long", { query: 200, key: 40, mass: 1 }, { tokens: LONG });
    const button = [...el.querySelectorAll(".aw-unseen")].find((b) =>
      b.textContent?.endsWith("below"),
    );
    expect(button?.textContent).toMatch(/^↓ \d+ % below$/);
    const before = in_sight(el, "key");
    await click(/** @type {Element} */ (button));
    expect(in_sight(el, "key")).not.toEqual(before);
    expect(in_sight(el, "query")).toContain("t200");
  });

  test("scrolls both columns with the wheel over the lines, until both are at their end", async () => {
    const { el } = await show("long", { query: 0, key: 0 }, { tokens: LONG });
    const wheel = (/** @type {number} */ deltaY) => {
      const event = new WheelEvent("wheel", { deltaY, bubbles: true, cancelable: true });
      one(el, ".aw-lines-between").dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(wheel(240)).toBe(true);
    expect([column(el, "query").scrollTop, column(el, "key").scrollTop]).toEqual([240, 240]);
    // A page around it scrolls when there is nothing to scroll here.
    expect(wheel(0)).toBe(false);
  });

  test("a short one does not scroll", async () => {
    const { el } = await show("minilm");
    expect(el.querySelector(".aw-scrolls, .aw-unseen")).toBeNull();
  });
});

describe("from head to head", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test("lines move over where the reader likes motion, and end exact", async () => {
    const media = { matches: false, addEventListener() {}, removeEventListener() {} };
    vi.stubGlobal("matchMedia", () => media);
    const { el } = await show("minilm", { head: 3, mass: 1 });
    const before = widths(el);
    const moved = press(el, "]");
    await new Promise((resolve) => setTimeout(resolve, 90));
    const on_the_way = widths(el);
    await moved;
    await new Promise((resolve) => setTimeout(resolve, 150));
    const after = widths(el);
    expect(after).not.toEqual(before);
    expect(on_the_way).not.toEqual(before);
    expect(on_the_way).not.toEqual(after);
    vi.unstubAllGlobals();
    const still = await show("minilm", { head: 4, mass: 1 });
    expect(after).toEqual(widths(still.el));
  });

  test("and jump where not", async () => {
    const { el } = await show("minilm", { head: 3, mass: 1 });
    const moved = press(el, "]");
    const seen = new Set([JSON.stringify(widths(el))]);
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      seen.add(JSON.stringify(widths(el)));
    }
    await moved;
    expect(seen.size).toBe(2);
  });
});
