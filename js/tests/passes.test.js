import { describe, expect, test } from "vitest";
import { button, click, one, press, settled, show, text, texts } from "./show.js";

const KEPT = { shown: 5, newest: 7, kept: [2, 5, 6, 7], paused: true };

/** @param {Element} el @param {"before" | "after"} which */
const arrow = (el, which) =>
  /** @type {HTMLButtonElement} */ (one(el, `[aria-label="The pass ${which}"]`));

describe("passes", () => {
  test("are not spoken of while there is one, nor where nothing is live", async () => {
    expect((await show("minilm")).el.querySelector(".aw-passes")).toBeNull();
    const { el, model } = await show("minilm");
    model.new_pass();
    await settled();
    expect(text(el, ".aw-passes")).toContain("live · pass 2");
  });

  test("of texts that were typed are stepped through, with nothing to pause", async () => {
    const passes = { shown: 2, newest: 2, kept: [1, 2], paused: false };
    const { el, model } = await show("minilm", {}, { passes, live: false });
    expect(text(el, ".aw-passes")).toMatch(/pass 2/);
    expect(text(el, ".aw-passes")).not.toMatch(/live|Pause/);
    await click(arrow(el, "before"));
    expect(model.get("step")).toBe(1);
    const one_pass = { shown: 2, newest: 2, kept: [2], paused: false };
    const other = await show("minilm", {}, { passes: one_pass, live: false });
    expect(other.el.querySelector(".aw-passes")).toBeNull();
  });

  test("Pause stays at the one on screen", async () => {
    const passes = { shown: 7, newest: 7, kept: [5, 6, 7], paused: false };
    const { el, model } = await show("minilm", {}, { passes });
    expect(text(el, ".aw-passes > span")).toBe("live · pass 7");
    expect(arrow(el, "after").disabled).toBe(true);
    expect(button(el, "Pause").getAttribute("aria-pressed")).toBe("false");
    await click(button(el, "Pause"));
    expect(model.get("step")).toBe(7);
  });

  test("Follow goes on with the newest", async () => {
    const { el, model } = await show("minilm", { step: 5 }, { passes: KEPT });
    expect(text(el, ".aw-passes > span")).toBe("paused · pass 5 of 7");
    expect(button(el, "Follow").getAttribute("aria-pressed")).toBe("true");
    await click(button(el, "Follow"));
    expect(model.get("step")).toBeNull();
  });

  test("the arrows go to those that are kept, not to numbers between", async () => {
    const { el, model, scene } = await show("minilm", { step: 5 }, { passes: KEPT });
    await click(arrow(el, "before"));
    expect(model.get("step")).toBe(2);
    await click(arrow(el, "after"));
    expect(model.get("step")).toBe(6);
    // Python shows it.
    scene.passes = { ...KEPT, shown: 2 };
    model.new_pass();
    await settled();
    expect(text(el, ".aw-passes > span")).toBe("paused · pass 2 of 7");
    expect([arrow(el, "before").disabled, arrow(el, "after").disabled]).toEqual([true, false]);
    await click(arrow(el, "before"));
    expect(model.get("step")).toBe(6);
  });

  test("an earlier pass is left by its arrow also while live", async () => {
    const passes = { shown: 7, newest: 7, kept: [5, 6, 7], paused: false };
    const { el, model } = await show("minilm", {}, { passes });
    await click(arrow(el, "before"));
    expect(model.get("step")).toBe(6);
  });

  test("p pauses and follows", async () => {
    // A newer one has ended, and is not on screen yet.
    const passes = { shown: 6, newest: 7, kept: [5, 6, 7], paused: false };
    const { el, model } = await show("minilm", {}, { passes });
    await press(el, "p");
    expect(model.get("step")).toBe(6);
    await press(el, "p");
    expect(model.get("step")).toBeNull();
  });

  test("paused, Space steps passes, not tokens, both ways and not beyond the ends", async () => {
    const passes = { shown: 5, newest: 7, kept: [2, 5, 7], paused: true };
    const { el, model, scene } = await show("minilm", { step: 5 }, { passes });
    await press(el, " ");
    expect(model.get("step")).toBe(7);
    await press(el, "PageUp");
    expect(model.get("step")).toBe(2);
    scene.passes = { ...passes, shown: 2 };
    model.new_pass();
    await settled();
    await press(el, " ", { shiftKey: true });
    expect(model.get("step")).toBe(2);
    expect(model.get("query")).toBe(10);
    // The arrow keys still step tokens.
    await press(el, "ArrowRight");
    expect(model.get("query")).toBe(11);
  });
});

describe("predictions", () => {
  const CANDIDATES = [
    { text: "was", share: 0.62 },
    { text: "is", share: 0.081 },
    { text: "\n", share: 0.012 },
    { text: "has", share: 0.004 },
  ];
  const line = (/** @type {Element} */ el) => text(el, ".aw-predictions");

  test("say what the model would write next, three of them, and of how many", async () => {
    const { el } = await show("small", { query: 9 }, { candidates: CANDIDATES });
    const token = text(el, ".aw-column-query .aw-is-query bdi");
    expect(line(el)).toBe(`Next after ${token}: was 62 %, is 8 %, ↵ 1 % of 50,257`);
    expect(texts(el, ".aw-predictions .aw-marked")).toEqual(["↵"]);
  });

  test.each([
    ["masked", /^In place of \S+: was 62 %/],
    ["token classes", /^\S+ is: was 62 %/],
    ["classes", /^The text is: was 62 %/],
  ])("are said for what they are: %s", async (what, words) => {
    const { el } = await show("small", { query: 9 }, { what, candidates: CANDIDATES });
    expect(line(el)).toMatch(words);
  });

  test("of an image do not speak of a text", async () => {
    const made = { what: "classes", offers: ["image"], candidates: CANDIDATES };
    const { el } = await show("small", { query: 9 }, made);
    expect(line(el)).toMatch(/^The image is: was 62 %/);
  });

  test("come for a run of tokens: a step asks for nothing but the next run's", async () => {
    const { el, model } = await show("small", { query: 13, key: null }, { candidates: CANDIDATES });
    const wanted = () =>
      model.sent.at(-1).wants.filter((/** @type {any} */ w) => w.kind === "predictions");
    expect(wanted()).toMatchObject([{ at: [0, 16], count: 5 }]);
    const sent = model.sent.length;
    await press(el, "ArrowRight");
    expect(line(el)).toMatch(/^Next after/);
    expect(model.sent).toHaveLength(sent);
  });

  test("of a word are those of its last piece", async () => {
    const long = {
      tokens: "a b c d e f g h i j k l m n o p q".split(" "),
      gaps: Array(17).fill(""),
      words: [...Array(13).keys(), 13, 13, 13, 13],
    };
    const traits = { query: 13, key: null, words: true };
    const { model } = await show("words", traits, { ...long, candidates: CANDIDATES });
    await settled();
    const wants = model.sent.at(-1).wants;
    expect(wants.find((/** @type {any} */ w) => w.kind === "predictions").at).toEqual([16, 32]);
  });

  test("are not there for cross-attention, without a token, or without any", async () => {
    expect(line((await show("cross", {}, { candidates: CANDIDATES })).el)).toBe("");
    expect(line((await show("small", { query: null }, { candidates: CANDIDATES })).el)).toBe("");
    expect(line((await show("small")).el)).toBe("");
  });

  test("that cannot be had are said to be missing, and why", async () => {
    const { el, model } = await show("sixty", { key: null });
    expect(line(el)).toMatch(/^Next after/);
    const { send } = model;
    model.send = (message) => {
      for (const { key, kind } of message.wants) {
        if (kind === "predictions") model.make_trouble(key, "No logits.", "Run the model itself.");
      }
      const wants = message.wants.filter((/** @type {any} */ w) => w.kind !== "predictions");
      send.call(model, { ...message, wants });
    };
    // Into the next run of tokens.
    await press(el, "End");
    expect(line(el)).toBe("No logits.");
    expect(one(el, ".aw-predictions").title).toBe("Run the model itself.");
    // It is no trouble of the picture's.
    expect(el.querySelector(".aw-trouble")).toBeNull();
  });
});
