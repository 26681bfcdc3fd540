import { describe, expect, test, vi } from "vitest";
import { make_fake_model } from "../dev/fake_kernel.js";
import { SCENES } from "../dev/scenes.js";
import { palette, ramp_step } from "../src/draw/colours.js";
import make_widget from "../src/widget.js";
import { laid_out, observing, painted } from "./setup.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

/**
 * A widget on the page, with the made-up kernel answering at once.
 *
 * @param {string} name  Of a scene.
 * @param {Record<string, any>} [traits]
 * @param {Partial<import("../dev/fake_kernel.js").Scene>} [other]
 */
async function show(name, traits = {}, other = {}) {
  const made = SCENES[name]();
  const model = make_fake_model(
    { ...made.scene, delay: 0, ...other },
    { ...made.traits, ...traits },
  );
  const widget = make_widget();
  const stop = widget.initialize({ model });
  const ending = new AbortController();
  const el = document.createElement("div");
  document.body.append(el);
  const close = widget.render({ model, el, signal: ending.signal });
  await settled();
  return { model, widget, el, close, stop, ending };
}

/** @param {Element} el @param {string} selector */
const text = (el, selector) => el.querySelector(selector)?.textContent ?? "";
/** @param {Element} el @param {string} selector */
const texts = (el, selector) => [...el.querySelectorAll(selector)].map((e) => e.textContent);
/** @param {Element} el @param {string} key @param {KeyboardEventInit} [init] */
async function press(el, key, init = {}) {
  const target = el.querySelector(".aw-root") ?? el;
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  await settled();
  return event;
}

describe("what is said", () => {
  test("model, status, sentence, reading and labels", async () => {
    const { el } = await show("minilm");
    expect(text(el, ".aw-model")).toBe("MiniLM encoder · 6 layers × 12 heads");
    expect(text(el, ".aw-status")).toContain("exact check 4·10⁻⁷");
    expect(text(el, ".aw-note")).toContain("the queries and keys the model itself used");
    expect(text(el, ".aw-sentence")).toMatch(
      /^Layer 5, head 11: it looks \d+ % at animal, \d+ % at \[CLS\], \d+ % at \w+; the other 12 tokens share \d+ %\.$/,
    );
    expect(text(el, ".aw-pair")).toBe("it → animal");
    expect(text(el, ".aw-rank")).toBe("rank 1 of 15 in its row");
    expect(text(el, ".aw-legend")).toContain("square root scale");
    expect(texts(el, ".aw-row-label")).toHaveLength(15);
    expect(text(el, ".aw-is-query")).toBe("it");
    expect(text(el, ".aw-is-key")).toBe("animal");
    expect(el.querySelector(".aw-live")).toBeNull();
  });

  test("the sentence is announced, the picture described, every head named", async () => {
    const { el } = await show("minilm");
    expect(el.querySelector(".aw-sentence")?.getAttribute("aria-live")).toBe("polite");
    const canvas = el.querySelector(".aw-cells");
    expect(canvas?.getAttribute("role")).toBe("img");
    expect(canvas?.getAttribute("aria-label")).toBe(
      "Attention of layer 5, head 11: 15 queries by 15 keys.",
    );
    const heads = [...el.querySelectorAll(".aw-head")];
    expect(heads).toHaveLength(72);
    expect(heads.filter((head) => head.getAttribute("tabindex") === "0")).toHaveLength(1);
    expect(heads.at(-1)?.getAttribute("aria-label")).toBe("layer 5, head 11");
    expect(heads.at(-1)?.getAttribute("aria-selected")).toBe("true");
    expect(el.querySelectorAll("[id]")).toHaveLength(0);
  });

  test("key/value groups are bracketed and said", async () => {
    const { el } = await show("gqa");
    expect(text(el, ".aw-model")).toContain("30 layers × 9 heads, 3 key/value heads");
    expect(el.querySelectorAll(".aw-bracket")).toHaveLength(3);
    expect((await show("minilm")).el.querySelectorAll(".aw-bracket")).toHaveLength(0);
  });

  test("layers without attention are a gap with their numbers; no tokenizer, no text box", async () => {
    const { el } = await show("gaps");
    expect(texts(el, ".aw-missing")).toEqual([
      "0–2no attention",
      "4–6no attention",
      "8–10no attention",
    ]);
    expect(text(el, ".aw-sentence")).toContain("12 % goes to no token (the sink)");
    expect(el.querySelector(".aw-text-line")).toBeNull();
    expect(el.querySelector(".aw-help")).not.toBeNull();
    expect(text(el, ".aw-status")).toContain("unchecked");
  });

  test("NaN is named, counted and explained", async () => {
    const { el } = await show("nan");
    expect(text(el, ".aw-sentence")).toBe(
      "Layer 5, head 11: 15 of 15 weights of cross are not a number (NaN).",
    );
    expect(text(el, ".aw-number")).toBe("NaN");
    expect(text(el, ".aw-legend")).toContain("not a number");
  });

  test("cross-attention, a batch, one token, one query over many keys", async () => {
    const cross = (await show("cross")).el;
    expect(text(cross, ".aw-stepper")).toContain("Item 1 of 4");
    expect(text(cross, ".aw-is-query")).toBe("Tier");
    const one = (await show("one")).el;
    expect(text(one, ".aw-sentence")).toBe("Layer 3, head 2: hello looks 100 % at hello.");
    const decoding = (await show("decoding")).el;
    expect(text(decoding, ".aw-rank")).toContain("of 60 in its row");
  });

  test("tokens are text, never markup, and keep their full text within reach", async () => {
    const { el } = await show("scripts", { query: 9 });
    expect(text(el, ".aw-is-query")).toBe("<b>bold</b>");
    expect(el.querySelector(".aw-labels b")).toBeNull();
    expect(texts(el, ".aw-row-label")).toContain("↵↵");
    const long = (await show("scripts", { query: 11 })).el.querySelector(".aw-is-query");
    expect(long?.textContent).toContain("…");
    expect(long?.getAttribute("title")).toContain("pneumonoultramicroscopicsilicovolcanoconiosis");
  });

  test("a masked key is said to be hidden", async () => {
    const { el } = await show("small", { query: 2, key: 9 });
    expect(text(el, ".aw-number")).toBe("masked");
    expect(text(el, ".aw-sentence")).toMatch(/; the mask hides \S+\.$/);
  });
});

describe("what is drawn", () => {
  test("each cell is the colour of the kernel's number", async () => {
    const { el, model } = await show("minilm");
    const canvas = /** @type {HTMLCanvasElement} */ (el.querySelector(".aw-cells"));
    const image = /** @type {Uint32Array} */ (painted.get(canvas));
    const tiles = /** @type {any[]} */ ([]);
    model.on("msg:custom", (content, buffers) => {
      if (content.kind === "tile") tiles.push({ content, buffers });
    });
    model.send({ ...model.sent.at(-1), again: true });
    const { content, buffers } = tiles[0];
    const weights = new Float32Array(buffers[0].buffer);
    const { ramp } = palette("light");
    const cell = canvas.width / 15;
    for (let q = 0; q < 15; q++) {
      for (let k = 0; k < 15; k++) {
        const x = Math.floor((k + 0.5) * cell);
        const y = Math.floor((q + 0.5) * cell);
        const step = ramp_step(weights[q * 15 + k], content.max);
        expect(image[y * canvas.width + x]).toBe(ramp[step]);
      }
    }
  });

  test("follows the host into the dark", async () => {
    const { el } = await show("minilm");
    const root = /** @type {HTMLElement} */ (el.querySelector(".attnwidget"));
    expect(root.dataset.scheme).toBe("light");
    document.body.dataset.jpThemeLight = "false";
    await settled();
    expect(root.dataset.scheme).toBe("dark");
    delete document.body.dataset.jpThemeLight;
    document.body.className = "vscode-dark";
    await settled();
    expect(root.dataset.scheme).toBe("dark");
    document.body.className = "";
    await settled();
    expect(root.dataset.scheme).toBe("light");
  });

  test("hidden first and shown later; narrow, then tiny", async () => {
    Object.assign(laid_out, { width: 0, height: 0 });
    const hidden = await show("minilm");
    expect(hidden.el.querySelector(".aw-cells")).toBeNull();
    expect(text(hidden.el, ".aw-sentence")).toContain("it looks");

    Object.assign(laid_out, { width: 600, height: 420 });
    const narrow = (await show("minilm")).el;
    expect(narrow.querySelector(".aw-narrow")).not.toBeNull();
    expect(narrow.querySelectorAll(".aw-head")).toHaveLength(72);

    Object.assign(laid_out, { width: 380, height: 420 });
    const tiny = (await show("minilm")).el;
    expect(tiny.querySelectorAll(".aw-head")).toHaveLength(12);
    expect(text(tiny, ".aw-stepper")).toContain("Layer 5");
  });

  test("a new pass of another text is drawn under its own tokens", async () => {
    const { el, model } = await show("minilm", { query: 2, key: 1 });
    const input = /** @type {HTMLInputElement} */ (el.querySelector(".aw-text"));
    input.value = "birds sing";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(text(el, ".aw-text-box")).toBe("not run yet");
    el.querySelector("form")?.requestSubmit();
    await settled();
    expect(model.sent).toContainEqual({ type: "run", text: "birds sing" });
    expect(texts(el, ".aw-row-label")).toEqual(["[CLS]", "birds", "sing", "[SEP]"]);
    expect(text(el, ".aw-sentence")).toContain("sing looks");
    expect(text(el, ".aw-live")).toBe("live · pass 2");
    expect(input.value).toBe("birds sing");
  });
});

describe("keys and clicks", () => {
  test("step tokens, layers, heads and views, and stop at the ends", async () => {
    const { el, model } = await show("minilm", { layer: 4, head: 10, query: 13 });
    const traits = () => ["layer", "head", "query", "key", "view"].map((name) => model.get(name));
    await press(el, "ArrowRight");
    await press(el, "ArrowRight");
    await press(el, "ArrowDown");
    await press(el, "ArrowDown");
    await press(el, "]");
    await press(el, "]");
    await press(el, "ArrowLeft", { shiftKey: true });
    expect(traits()).toEqual([5, 11, 14, 1, "matrix"]);
    await press(el, "Home");
    await press(el, "Escape");
    await press(el, "v");
    expect(traits()).toEqual([5, 11, 0, null, "grid"]);
  });

  test("are ours alone, and only ours", async () => {
    const { el, model } = await show("minilm");
    const heard = vi.fn();
    document.body.addEventListener("keydown", heard);
    expect((await press(el, "ArrowRight")).defaultPrevented).toBe(true);
    expect(heard).not.toHaveBeenCalled();
    expect((await press(el, "Tab")).defaultPrevented).toBe(false);
    expect((await press(el, "ArrowRight", { ctrlKey: true })).defaultPrevented).toBe(false);
    expect(heard).toHaveBeenCalledTimes(2);

    const query = model.get("query");
    const input = /** @type {HTMLElement} */ (el.querySelector(".aw-text"));
    const typed = new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true });
    input.dispatchEvent(typed);
    expect(model.get("query")).toBe(query);
    expect(heard).toHaveBeenCalledTimes(2);
    expect(el.querySelector("[data-lm-suppress-shortcuts]")).not.toBeNull();
    document.body.removeEventListener("keydown", heard);
  });

  test("? opens the list of keys, Esc closes it and keeps the key", async () => {
    const { el, model } = await show("minilm");
    await press(el, "?");
    expect(text(el, ".aw-help-pane")).toContain("token that looks (query)");
    await press(el, "Escape");
    expect(el.querySelector(".aw-help-pane")).toBeNull();
    expect(model.get("key")).toBe(2);
  });

  test("a thumbnail selects its head, a cell its query and key, a listed key itself", async () => {
    const { el, model } = await show("minilm");
    /** @type {HTMLElement} */ (el.querySelector('[aria-label="layer 2, head 3"]')).click();
    await settled();
    expect([model.get("layer"), model.get("head")]).toEqual([2, 3]);
    expect(text(el, ".aw-sentence")).toMatch(/^Layer 2, head 3: it looks/);

    const canvas = /** @type {HTMLCanvasElement} */ (el.querySelector(".aw-cells"));
    canvas.getBoundingClientRect = () =>
      /** @type {DOMRect} */ ({ left: 0, top: 0, width: 150, height: 150 });
    const at = { clientX: 45, clientY: 71, button: 0, bubbles: true };
    canvas.dispatchEvent(new MouseEvent("pointermove", at));
    await settled();
    expect(text(el, ".aw-tip")).toMatch(/^the → t|^\S+ → \S+0\.\d+/);
    canvas.dispatchEvent(new MouseEvent("pointerdown", at));
    canvas.dispatchEvent(new MouseEvent("pointerup", at));
    await settled();
    expect([model.get("query"), model.get("key")]).toEqual([7, 4]);

    const [, second] = el.querySelectorAll(".aw-large");
    /** @type {HTMLElement} */ (second).click();
    await settled();
    expect(text(el, ".aw-rank")).toBe("rank 2 of 15 in its row");
  });

  test("zoom shows a part, and all again", async () => {
    const { el } = await show("sixty");
    await press(el, "+");
    await press(el, "+");
    expect(el.querySelector(".aw-cells.aw-zoomed")).not.toBeNull();
    expect(text(el, ".aw-is-query")).not.toBe("");
    expect(text(el, ".aw-show-all")).toBe("Show all");
    await press(el, "0");
    expect(el.querySelector(".aw-show-all")).toBeNull();
  });

  test("the grid opens a head as matrix", async () => {
    const { el, model } = await show("minilm", { view: "grid" });
    expect(el.querySelector(".aw-cells")).toBeNull();
    const head = /** @type {HTMLElement} */ (el.querySelector('[aria-label="layer 1, head 0"]'));
    head.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await settled();
    expect(model.get("view")).toBe("matrix");
  });
});

describe("trouble and waiting", () => {
  test("trouble stands in the picture's place, in two lines; the text line stays", async () => {
    const { el, model } = await show("minilm");
    model.make_trouble(null, "IndexError was raised.", "Shorten the text.");
    await settled();
    expect(texts(el, ".aw-trouble p")).toEqual(["IndexError was raised.", "Shorten the text."]);
    expect(el.querySelector(".aw-main-picture.aw-dimmed .aw-cells")).not.toBeNull();
    expect(el.querySelector(".aw-text")).not.toBeNull();
    model.new_pass();
    await settled();
    expect(el.querySelector(".aw-trouble")).toBeNull();
  });

  test("trouble before any picture, and with one picture only", async () => {
    const { el, model } = await show("minilm");
    const { key } = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "tile");
    model.make_trouble(key, "Overwritten.", "Capture with copy=True.");
    await settled();
    expect(text(el, ".aw-trouble-title")).toBe("Overwritten.");
    await press(el, "[");
    expect(el.querySelector(".aw-trouble")).toBeNull();
  });

  test("a kernel that does not answer: the cache goes on, and the reader is told", async () => {
    const { el, model } = await show("minilm");
    model.send = () => {};
    await press(el, "ArrowLeft");
    expect(text(el, ".aw-sentence")).toContain("because looks");
    await press(el, "[");
    // Fetched ahead.
    expect(text(el, ".aw-sentence")).toContain("Layer 5, head 10: because looks");
    await press(el, "[");
    // Not fetched: the thumbnail stands in, and says nothing exact.
    expect(text(el, ".aw-sentence")).toBe("Layer 5, head 9: because …");
    expect(el.querySelector(".aw-cells")).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 1600));
    expect(text(el, ".aw-words")).toBe("waiting for the kernel");
  });
});

describe("life and death", () => {
  test("two widgets from one import keep apart", async () => {
    const [a, b] = [await show("minilm"), await show("small")];
    await press(a.el, "ArrowLeft");
    expect(a.model.get("query")).toBe(9);
    expect(b.model.get("query")).toBe(9);
    await press(b.el, "ArrowUp");
    expect(a.model.get("layer")).toBe(5);
    expect(b.model.get("layer")).toBe(2);
    expect(text(a.el, ".aw-name")).toBe("MiniLM");
    expect(text(b.el, ".aw-name")).toBe("stories");
  });

  test("one widget shown twice: one selection, two views, two lists", async () => {
    const { widget, model, el } = await show("minilm");
    const second = document.createElement("div");
    document.body.append(second);
    const close = widget.render({ model, el: second });
    await settled();
    await press(second, "[");
    expect(text(el, ".aw-sentence")).toBe(text(second, ".aw-sentence"));
    expect(new Set(model.sent.map((message) => message.view)).size).toBe(2);
    await press(second, "?");
    expect(el.querySelector(".aw-help-pane")).toBeNull();
    close();
    expect(second.childElementCount).toBe(0);
    expect(model.sent.at(-1).wants).toEqual([]);
    await press(el, "[");
    expect(text(el, ".aw-sentence")).toContain("head 9");
  });

  test("an aborted view leaves no listener, observer or element, and says it wants nothing", async () => {
    const added = vi.spyOn(window, "addEventListener");
    const removed = vi.spyOn(window, "removeEventListener");
    observing.clear();
    const { model, el, ending, stop, close } = await show("minilm");
    expect(observing.size).toBeGreaterThan(0);
    ending.abort();
    expect(el.childElementCount).toBe(0);
    expect(observing.size).toBe(0);
    const hides = (/** @type {any} */ spy) =>
      spy.mock.calls.filter((/** @type {any[]} */ [name]) => name === "pagehide").length;
    expect(hides(removed)).toBe(hides(added));
    expect(model.sent.at(-1)).toMatchObject({ type: "wants", wants: [] });
    const count = model.sent.length;
    close();
    expect(model.sent).toHaveLength(count);
    stop();
    expect([...model.listeners.values()].every((all) => all.size === 0)).toBe(true);
    model.new_pass();
    model.set("layer", 0);
    await settled();
    expect(model.sent).toHaveLength(count);
  });
});
