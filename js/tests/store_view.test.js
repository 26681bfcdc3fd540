import { describe, expect, test } from "vitest";
import { make_store_model, STORE_SCENES } from "../dev/store_scenes.js";
import make_widget from "../src/widget.js";
import { observing } from "./setup.js";
import { button, click, one, press, settled, show, text, texts, type } from "./show.js";

/** @param {string} name @param {Record<string, any>} [traits] */
async function show_store(name, traits = {}) {
  const model = make_store_model({ ...STORE_SCENES[name], ...traits });
  const widget = make_widget();
  const stop = widget.initialize({ model });
  const el = document.createElement("div");
  document.body.append(el);
  const close = widget.render({ model, el });
  await settled();
  return { model, widget, el, close, stop };
}

/** @param {Element} el @param {string} kind @param {number} x @param {number} y */
async function point(el, kind, x, y) {
  one(el, ".aw-plane svg").dispatchEvent(
    new MouseEvent(kind, { clientX: x, clientY: y, bubbles: true, button: 0 }),
  );
  await settled();
}

/** Where a vector is drawn: in jsdom the plane is 1000 × 430 at the top left. @param {number[]} vector @param {number} bound */
const place = ([x, y], bound) => {
  const scale = (430 / 2 - 22) / bound;
  return /** @type {const} */ ([500 + x * scale, 215 - y * scale]);
};

const attention = (/** @type {Element} */ el) => texts(el, ".aw-attention span");
const sentence = (/** @type {Element} */ el) => text(el, ".aw-sentence");

describe("the key-value store on the page", () => {
  test("opens on the recipe book, with everything said", async () => {
    const { el } = await show_store("recipes");
    expect(sentence(el)).toBe(
      "lasagne takes 64 % from Lasagna, 33 % from Pizza, 3 % from Gazpacho; the other 3 entries share <1 %.",
    );
    expect(attention(el)).toEqual(["64 %", "33 %", "<1 %", "<1 %", "<1 %", "3 %"]);
    expect(texts(el, ".aw-blend-bar span").slice(0, 2)).toEqual(["Lasagna 64 %", "Pizza 33 %"]);
    expect(texts(el, ".aw-plane-label")).toContain("Tiramisu");
    expect(texts(el, ".aw-plane-axes text")).toEqual(["savoury", "sweet", "cold", "warm"]);
  });

  test("the query is dragged; it loses its name, and the kernel hears of it", async () => {
    const { el, model } = await show_store("recipes");
    await point(el, "pointerdown", ...place([-1.8, 1], 4));
    await point(el, "pointermove", ...place([2, 2], 4));
    expect(sentence(el)).toMatch(/^The query takes 9\d % from Pancakes/);
    await point(el, "pointerup", 0, 0);
    expect(model.get("query")[0].map(Math.round)).toEqual([2, 2]);
    expect(model.get("query_names")).toEqual([""]);
    expect(model.saved).toBeGreaterThan(0);
    await point(el, "pointermove", ...place([-2, -2], 4));
    expect(sentence(el)).toMatch(/Pancakes/);
  });

  test("a key is dragged to the query; a click into the plane calls the query there", async () => {
    const { el, model } = await show_store("recipes");
    await point(el, "pointerdown", ...place(model.get("keys")[4], 4));
    await point(el, "pointermove", ...place([-4, 2], 4));
    await point(el, "pointerup", 0, 0);
    expect(model.get("keys")[4].map(Math.round)).toEqual([-4, 2]);
    expect(sentence(el)).toMatch(/^lasagne takes \d+ % from Ice cream/);
    await point(el, "pointerdown", ...place([0, -3.5], 5));
    expect(model.get("query")[0].map((/** @type {number} */ n) => Math.round(2 * n) / 2)).toEqual([
      0, -3.5,
    ]);
  });

  test("arrow keys move the query, Space walks the flow, h switches hard attention", async () => {
    const { el, model } = await show_store("recipes");
    await press(el, "ArrowRight");
    await press(el, "ArrowUp", { shiftKey: true });
    expect(model.get("query")).toEqual([[-1.725, 1.375]]);
    const seen = [];
    for (let i = 0; i < 4; i++) {
      await press(el, " ");
      seen.push([model.get("step"), text(el, ".aw-arithmetic"), attention(el).length]);
    }
    expect(seen.map(([step]) => step)).toEqual(["scores", "scale", "softargmax", "blend"]);
    expect(seen.map(([, , count]) => count)).toEqual([0, 0, 6, 6]);
    expect(seen[0][1]).toContain("q·Lasagna = (−1.73)·(−2.70) + 1.38·1.10 = 6.17");
    expect(seen[0][1]).toContain("the cosine 0.96");
    await press(el, "h");
    expect(model.get("hard")).toBe(true);
    expect(sentence(el)).toBe("The query takes all from Lasagna.");
    const typed = await press(el, "x");
    expect(typed.defaultPrevented).toBe(false);
  });

  test("β goes from the mean of all to ∞, and says so", async () => {
    const { el, model } = await show_store("ties", { beta: 1 });
    const slider = one(el, ".aw-beta input");
    await type(slider, "0");
    expect(model.get("beta")).toBe(0);
    expect(attention(el)).toEqual(["33 %", "33 %", "33 %"]);
    await type(slider, "1000");
    expect(model.get("beta")).toBe("inf");
    expect(text(el, ".aw-beta-value")).toContain("β = ∞");
    expect(attention(el)).toEqual(["50 %", "0 %", "50 %"]);
    expect(texts(el, "td.aw-cell-scaled").filter((cell) => cell !== "")).toEqual(["–", "–", "–"]);
    await click(button(el, "Hard"));
    expect(attention(el)).toEqual(["100 %", "0 %", "0 %"]);
    await press(el, " ", { shiftKey: true });
    expect(text(el, ".aw-arithmetic")).toContain("of 2 alike the first");
  });

  test("1/√d is marked on the slider and met exactly; at its end there is no mark", async () => {
    const { el, model } = await show_store("recipes", { beta: 1 });
    const mark = one(el, ".aw-beta-tick");
    expect(mark.getAttribute("aria-label")).toBe("1/√d = 0.71 is marked on the slider");
    const place = Number(/** @type {HTMLElement} */ (mark).style.getPropertyValue("--aw-place"));
    await type(one(el, ".aw-beta input"), String(1000 * place));
    expect(model.get("beta")).toBe(1 / Math.sqrt(2));
    expect(text(el, ".aw-beta-value")).toBe("β = 0.707 = 1/√d");
    expect((await show_store("large")).el.querySelector(".aw-beta-tick")).toBeNull();
    expect((await show_store("regression")).el.querySelector(".aw-beta-tick")).toBeNull();
  });

  test("entries are added, renamed, duplicated and removed, never the last", async () => {
    const { el, model } = await show_store("ties");
    await click(button(el, "Add entry"));
    expect(model.get("keys")).toHaveLength(4);
    expect(model.get("values")[3]).toBe(0);
    await type(one(el, '[aria-label="name of entry 4"]'), "mine");
    await type(one(el, '[aria-label="value of mine"]'), "7.5");
    expect([model.get("names")[3], model.get("values")[3]]).toEqual(["mine", 7.5]);
    await type(one(el, '[aria-label="value of mine"]'), "");
    expect(model.get("values")[3]).toBe(7.5);
    await click(button(el, "Duplicate"));
    expect(model.get("names").slice(3)).toEqual(["mine", "mine 2"]);
    for (let i = 0; i < 4; i++) await click(button(el, "Remove"));
    expect(model.get("keys")).toHaveLength(1);
    expect(/** @type {HTMLButtonElement} */ (button(el, "Remove")).disabled).toBe(true);
  });

  test("three-number keys: whole numbers come back, equal keys share, three queries at once", async () => {
    const { el, model } = await show_store("numbers");
    expect(texts(el, ".aw-cell-result b")).toEqual(["10", "30", "46.7"]);
    await click(button(el, "query 2"));
    expect(sentence(el)).toMatch(/^Query 2 takes 50 % from B, 50 % from C.*: 30 comes back\.$/);
    await type(one(el, '[aria-label="number 2 of query 2"]'), "0");
    await type(one(el, '[aria-label="number 3 of query 2"]'), "5");
    expect(model.get("query")[1]).toEqual([0, 0, 5]);
    expect(texts(el, ".aw-cell-result b")[1]).toBe("80");
    await click(button(el, "Remove query"));
    expect(model.get("query")).toHaveLength(2);
  });

  test("regression: a point is dragged, and the curve follows", async () => {
    const { el, model } = await show_store("regression");
    const curve = () => one(el, ".aw-curve").getAttribute("d");
    const before = curve();
    const at = one(el, ".aw-point circle");
    const [x, y] = ["cx", "cy"].map((name) => Number(at.getAttribute(name)));
    await point(el, "pointerdown", x, y);
    await point(el, "pointermove", x + 10, y - 40);
    await point(el, "pointerup", 0, 0);
    expect(model.get("keys")[0][0]).toBeGreaterThan(0.3);
    expect(model.get("values")[0]).toBeGreaterThan(1.2);
    expect(curve()).not.toBe(before);
    expect(text(el, ".aw-beta-value")).toContain("width 0.35");
  });

  test("predict first: nothing is given away before the reader has answered", async () => {
    const { el, model } = await show_store("recipes");
    await click(button(el, "Predict first"));
    expect(model.get("predict")).toBe(true);
    expect(sentence(el)).toBe("Predict: which entry gives most to lasagne?");
    expect(el.textContent).not.toMatch(/\d %/);
    await press(el, " ");
    await press(el, " ");
    expect(attention(el)).toEqual([]);
    await click(button(el, "Pizza"));
    expect(sentence(el)).toMatch(/^You said Pizza \(33 %\)\. lasagne takes 64 % from Lasagna/);
    await click(button(el, "Again"));
    expect(sentence(el)).toContain("Predict:");
  });

  test("predict a number", async () => {
    const { el } = await show_store("numbers", { predict: true });
    expect(el.querySelector(".aw-cell-result b")).toBeNull();
    await type(one(el, ".aw-answer"), "12");
    one(el, ".aw-answers").dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await settled();
    expect(sentence(el)).toBe("You said 12. Query 1 takes all from A: 10 comes back.");
  });

  test("another screen brings its example with it", async () => {
    const { el, model } = await show_store("recipes");
    await click(button(el, "Numbers"));
    expect(model.get("keys")).toEqual(STORE_SCENES.numbers.keys);
    expect(model.get("axes")).toBeUndefined();
    await click(button(el, "Regression"));
    expect(model.get("screen")).toBe("regression");
    expect(el.querySelector(".aw-curve")).not.toBeNull();
  });

  test("own data has only the screens it can be drawn on", async () => {
    const { el } = await show_store("vectors");
    expect(texts(el, ".aw-segmented button")).toEqual(["Soft", "Hard"]);
    expect(el.querySelectorAll(".aw-strip.aw-of-value")).toHaveLength(8);
    const { el: pictures } = await show_store("pictures");
    expect(texts(pictures, ".aw-segmented button")).toEqual(["Plane", "Numbers", "Soft", "Hard"]);
    expect(pictures.querySelectorAll("img.aw-thumb")).toHaveLength(3);
    expect(pictures.querySelector("canvas.aw-blended")).not.toBeNull();
  });

  test("names are text, never markup", async () => {
    const { el } = await show_store("hostile");
    expect(sentence(el)).toContain("64 % from <b>bold</b>");
    expect(el.querySelector(".aw-sentence b b")).toBeNull();
  });

  test("the kernel sets several traits in one message, and half of one is not drawn", async () => {
    const { el, model } = await show_store("recipes");
    model.tell({ keys: [[1, 0]], values: ["x"], names: ["one"] });
    await settled();
    expect(sentence(el)).toBe("lasagne takes all from one.");
    model.tell({ keys: [[1, 0, 0]] });
    await settled();
    expect(sentence(el)).toBe("lasagne takes all from one.");
    model.tell({ query: [[2, 0, 0]], beta: "inf" });
    await settled();
    expect(texts(el, ".aw-beta-value b")).toEqual(["∞"]);
  });

  test("shown twice it keeps step; beside an explorer both keep apart; closed it leaves nothing", async () => {
    const { widget, model, el, stop } = await show_store("recipes");
    const explorer = await show("minilm");
    const second = document.createElement("div");
    document.body.append(second);
    const close = widget.render({ model, el: second });
    await settled();
    await press(second, "ArrowDown");
    await press(second, "h");
    expect(sentence(el)).toBe(sentence(second));
    expect(text(explorer.el, ".aw-name")).toBe("MiniLM");
    const observed = observing.size;
    close();
    expect(second.childElementCount).toBe(0);
    expect(observing.size).toBeLessThan(observed);
    stop();
    expect([...model.listeners.values()].every((all) => all.size === 0)).toBe(true);
  });

  test("a drag is sent a few times, its end for certain", async () => {
    const { el, model } = await show_store("many");
    /** @type {number[][]} */
    const sent = [];
    model.save_changes = () => {
      sent.push(model.get("keys")[0]);
    };
    await point(el, "pointerdown", 500, 215);
    for (let i = 0; i < 30; i++) {
      one(el, ".aw-plane svg").dispatchEvent(
        new MouseEvent("pointermove", { clientX: 500 + i, clientY: 200, bubbles: true }),
      );
    }
    await settled();
    expect(sent.length).toBeLessThan(6);
    expect(sent.at(-1)).toEqual(model.get("keys")[0]);
    expect(sent.at(-1)).not.toEqual(sent[0]);
  });
});

describe("a question in words", () => {
  test("goes to the kernel, which says what is wrong with it", async () => {
    const { el, model } = await show_store("recipes", { _asks: true });
    const field = one(el, '[aria-label="Ask in words, as lasagne"]');
    await click(button(el, "Ask"));
    expect(model.sent, "nothing is written yet").toEqual([]);
    await type(field, "something warm");
    await click(button(el, "Ask"));
    expect(model.sent).toEqual([{ type: "ask", at: 0, text: "something warm" }]);
    model.hear({ type: "answer", title: "embed raised KeyError.", detail: "Mend it." });
    await settled();
    expect(text(el, "[role=alert]")).toBe("embed raised KeyError. Mend it.");
    model.hear({ type: "answer", title: "", detail: "" });
    await settled();
    expect(el.querySelector("[role=alert]")).toBeNull();
  });

  test("can only be asked where there is a function to embed it", async () => {
    const { el } = await show_store("recipes");
    expect(el.querySelector(".aw-text-line")).toBeNull();
  });
});

test("? shows the keys, and Esc or ? closes them", async () => {
  const { el } = await show_store("recipes");
  await press(el, "?");
  expect(texts(el, ".aw-help-pane dd")).toContain("hard or soft attention");
  await press(el, "Escape");
  expect(el.querySelector(".aw-help-pane")).toBeNull();
  await click(one(el, '[aria-label="Keys"]'));
  expect(el.querySelector(".aw-help-pane")).not.toBeNull();
  await press(el, "?");
  expect(el.querySelector(".aw-help-pane")).toBeNull();
});
