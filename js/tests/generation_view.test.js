import { describe, expect, test, vi } from "vitest";
import recorded from "../../tests/fixtures/views/generation.json";
import { circles_layout, filled, source_filled } from "../src/views/generation/layout.js";
import { button, click, drawn, one, press, show, text, texts, type } from "./show.js";

const [{ content: refrain }, { content: translation }] = recorded;

/** The last message of a type that the page sent. @param {any} model @param {string} type */
const last_sent = (model, type) =>
  model.sent.findLast((/** @type {any} */ message) => message.type === type);

/** What is played is never settled. @param {Element} el */
async function press_p(el) {
  one(el, ".aw-root").dispatchEvent(new KeyboardEvent("keydown", { key: "p", bubbles: true }));
  await drawn();
}

describe("the view of a generation", () => {
  test("the text ends where the slider stands, and the newest token is marked", async () => {
    const { el, close } = await show("written");
    expect(texts(el, ".aw-generation-token")).toEqual(["new", "cat", "red", "sun"]);
    expect(text(el, ".aw-generation-newest")).toBe("sun");
    expect(text(el, ".aw-generation-text")).toMatch(/Song: old dog.*old dog new cat red sun$/);
    expect(text(el, ".aw-generation-count")).toBe("4 of 9");
    expect(text(el, ".aw-generation-said")).toMatch(
      /^sun was written, the likeliest with 99 %: .* from red most at sun \(0\.8\d+\)\.$/,
    );
    close();
  });

  test("candidates are listed, and what was written is marked wherever it stands", async () => {
    const { el, close } = await show("translated");
    const items = texts(el, ".aw-generation-candidates li");
    expect(items).toHaveLength(8);
    expect(text(el, ".aw-generation-chosen")).toMatch(/^✓ un ?3 %$/);
    expect(items[0]).toMatch(/^avec/);
    // The sixth was drawn from behind the list, the last is not among those known.
    await type(one(el, "input[type=range]"), "7");
    expect(texts(el, ".aw-generation-candidates li").at(-1)).toMatch(/^✓ dort/);
    expect(text(el, ".aw-generation-said")).toContain("the 14th likeliest");
    await type(one(el, "input[type=range]"), "9");
    expect(text(el, ".aw-generation-said")).toContain("not among the likeliest");
    close();
  });

  test("an encoder–decoder has its source, and a map over it", async () => {
    const { el, close } = await show("translated");
    expect(text(el, ".aw-generation-source")).toBe("the red house is far away");
    const maps = [...el.querySelectorAll(".aw-generation-map canvas")];
    expect(maps.map((map) => map.getAttribute("aria-label"))).toEqual([
      "5 of 9 rows; the newest is of avec.",
      "5 of 9 rows; the newest is of avec.",
    ]);
    close();
  });

  test.each([
    [" ", {}, 5],
    [" ", { shiftKey: true }, 3],
    ["PageDown", {}, 5],
    ["PageUp", {}, 3],
  ])("%j steps along what was written %o", async (key, init, written) => {
    const { el, model, close } = await show("written");
    await press(el, key, init);
    expect(model.get("written")).toBe(written);
    expect(model.get("query")).toBe(refrain.start + written - 2);
    close();
  });

  test("steps end at both ends", async () => {
    const { el, model, close } = await show("written", { written: 9 });
    await press(el, " ");
    expect(model.get("written")).toBe(9);
    expect(button(el, "+").disabled).toBe(true);
    await type(one(el, "input[type=range]"), "0");
    await press(el, " ", { shiftKey: true });
    expect(model.get("written")).toBe(0);
    expect(text(el, ".aw-generation-said")).toBe(
      "The prompt has 12 tokens; nothing is written yet.",
    );
    expect(text(el, ".aw-generation-candidates")).toContain("Nothing is written yet.");
    close();
  });

  test("a written token leads to its step", async () => {
    const { el, model, close } = await show("written");
    await click(button(el, "cat"));
    expect(model.get("written")).toBe(2);
    expect(text(el, ".aw-generation-newest")).toBe("cat");
    close();
  });

  test("p plays, from the beginning where all is there, and pauses again", async () => {
    const { el, model, close } = await show("written", { written: 9 });
    await press_p(el);
    expect(model.get("written")).toBe(0);
    expect(text(el, ".aw-generation-play")).toContain("Pause");
    await press_p(el);
    expect(text(el, ".aw-generation-play")).toContain("Play");
    close();
  });

  test("playing goes on by itself until all is there", async () => {
    const { el, model, close } = await show("written", { written: 8 });
    const frames = vi.spyOn(window, "requestAnimationFrame");
    await press_p(el);
    expect(model.get("written")).toBe(8);
    await vi.waitUntil(() => model.get("written") === 9, { timeout: 4000 });
    await drawn();
    expect(text(el, ".aw-generation-play")).toContain("Play");
    frames.mockClear();
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(frames).not.toHaveBeenCalled();
    frames.mockRestore();
    close();
  });

  test("those who want less motion see whole tokens", async () => {
    const before = window.matchMedia;
    window.matchMedia = /** @type {any} */ (
      (/** @type {string} */ query) => ({
        matches: query.includes("reduce"),
        addEventListener() {},
        removeEventListener() {},
      })
    );
    const { el, model, close } = await show("written", { written: 8 });
    const frames = vi.spyOn(window, "requestAnimationFrame");
    await press_p(el);
    frames.mockClear();
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(frames).not.toHaveBeenCalled();
    await vi.waitUntil(() => model.get("written") === 9, { timeout: 4000 });
    frames.mockRestore();
    window.matchMedia = before;
    close();
  });

  test("where nothing is written yet a button asks for it, as it is set", async () => {
    const { el, model, close } = await show("unwritten");
    expect(text(el, ".aw-generation-said")).toMatch(/^Let the model go on/);
    await type(one(el, "input[type=number]"), "7");
    await click(button(el, "Generate"));
    expect(last_sent(model, "generate")).toEqual({
      ...{ type: "generate", most: 7, temperature: null, seed: null },
    });
    expect(text(el, ".aw-generation-settings")).toBe("Stop0 of 7 written");
    await click(button(el, "Stop"));
    expect(last_sent(model, "stop")).toEqual({ type: "stop" });
    model.emit("msg:custom", { type: "writing", done: 3, of: 7, over: false });
    await drawn();
    expect(text(el, ".aw-generation-settings")).toBe("Stop3 of 7 written");
    model.emit("msg:custom", { type: "writing", done: 4, of: 7, over: true });
    await drawn();
    expect(text(el, ".aw-generation-go")).toBe("Generate");
    await click(button(el, "Drawn"));
    await type([...el.querySelectorAll("input")].at(-1) ?? el, "1.5");
    await click(button(el, "Generate"));
    expect(last_sent(model, "generate").temperature).toBe(1.5);
    close();
  });

  test("a model that does not write says why, and offers no button", async () => {
    const generation = {
      content: { ...nothing(), why_not: ["This model writes no text.", "It sees ahead."] },
      buffers: [],
    };
    const { el, close } = await show("unwritten", {}, { generation });
    expect(text(el, ".aw-generation-why")).toBe("This model writes no text. It sees ahead.");
    expect(el.querySelector(".aw-generation-go")).toBeNull();
    close();
  });

  test("a trait of a longer generation shows all of this one", async () => {
    const { el, close } = await show("written", { written: 400 });
    expect(text(el, ".aw-generation-count")).toBe("9 of 9");
    expect(text(el, ".aw-generation-said")).toContain("ended as that many were asked for");
    close();
  });
});

function nothing() {
  return { type: "picture", kind: "generation", steps: null, coarse: false, arrays: [] };
}

describe("circles", () => {
  const of_prompt = { start: 12, layers: 3, has_source: false };

  test("columns of the prompt fill together, those of the output one after the other", () => {
    const at = (/** @type {number} */ count, progress = 0) =>
      Array.from({ length: 15 }, (_, i) => filled({ ...of_prompt, count, progress }, i));
    expect(at(0, 0.5).slice(0, 12)).toEqual(new Array(12).fill(2));
    expect(at(0, 0.5)[12]).toBe(-1);
    expect(at(1).slice(11, 14)).toEqual([4, 0, -1]);
    expect(at(1, 0.25).slice(11, 14)).toEqual([4, 1, -1]);
    expect(at(3).slice(11)).toEqual([4, 4, 4, 0]);
  });

  test("a source fills before anything is written", () => {
    expect(source_filled({ count: 0, progress: 0.25 }, 2)).toBe(1);
    expect(source_filled({ count: 0, progress: 0.75 }, 2)).toBe(2);
    expect(source_filled({ count: 1, progress: 0 }, 2)).toBe(2);
    const at = { start: 1, layers: 3, has_source: true, count: 0 };
    expect(filled({ ...at, progress: 0.5 }, 0)).toBe(0);
    expect(filled({ ...at, progress: 0.75 }, 0)).toBe(2);
  });

  test.each([
    [320, 13, null],
    [900, 13, null],
    [900, 540, null],
    [360, 10, 600],
    [900, 8, 6],
  ])("in %i pixels the newest of %i columns is to be seen", (width, count, source) => {
    for (const newest of [0, Math.floor(count / 2), count - 1]) {
      const layout = circles_layout({
        ...{ width, height: 240, left: 80, large: false, newest, layers: 12, source_layers: 2 },
        source: source === null ? null : new Array(source).fill("a"),
        target: new Array(count).fill("b"),
      });
      const { first, count: shown, left } = layout.target;
      expect(first).toBeLessThanOrEqual(newest);
      expect(newest).toBeLessThan(first + shown);
      expect(left + (shown - 1) * layout.pitch + layout.radius).toBeLessThanOrEqual(width);
      expect(layout.bottom - 13 * layout.step - layout.radius).toBeGreaterThanOrEqual(0);
      expect(2 * layout.radius).toBeLessThan(layout.pitch);
    }
  });
});

test("the recorded translation was drawn, not always the likeliest", () => {
  expect(translation.steps.some(({ rank }) => rank !== 0)).toBe(true);
});
