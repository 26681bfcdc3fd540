import { beforeEach, describe, expect, test } from "vitest";
import of_explorer from "../../tests/fixtures/tours/explorer.json";
import of_store from "../../tests/fixtures/tours/store.json";
import { make_store_model, STORE_SCENES } from "../dev/store_scenes.js";
import make_widget from "../src/widget.js";
import { button, click, one, press, settled, show, text, texts, type } from "./show.js";

/** Tours as Python has recorded them: tests/record_tours.py. */

const led = (/** @type {number} */ stop = 0) => show("stories", { tour: of_explorer, stop });

async function store(stop = 0) {
  const model = make_store_model({ ...STORE_SCENES.recipes, tour: of_store, stop });
  const widget = make_widget();
  widget.initialize({ model });
  const el = document.createElement("div");
  document.body.append(el);
  widget.render({ model, el });
  await settled();
  return { model, el };
}

/** @param {Element} el */
const said = (el) => text(el, ".aw-tour-words");
/** @param {any} model @param {...string} names */
const traits = (model, ...names) => names.map((name) => model.get(name));

beforeEach(() => document.body.replaceChildren());

describe("a tour", () => {
  test("says what its stop says, with colours and formulas, and how far it is", async () => {
    const { el } = await led();
    expect(said(el)).toContain("The word it could mean two things.");
    expect(text(el, ".aw-tour-words strong")).toBe("it");
    expect(text(el, ".aw-tour-words .aw-of-query")).toBe("query");
    expect(text(el, ".aw-tour-title")).toBe("Who is it?");
    expect(text(el, ".aw-tour-number")).toBe("1 of 5");
    expect(one(el, ".aw-tour-progress [aria-current]").getAttribute("aria-label")).toBe("Stop 1");
    const other = await led(2);
    const math = one(other.el, ".aw-tour-words math");
    expect(math.namespaceURI).toBe("http://www.w3.org/1998/Math/MathML");
    expect(math.querySelectorAll("mfrac")).toHaveLength(1);
  });

  test("goes on by Space and back by Shift+Space, and shows what each stop sets", async () => {
    const { el, model } = await led(2);
    await press(el, "PageUp");
    expect(traits(model, "stop", "view")).toEqual([1, "text"]);
    await press(el, " ", { shiftKey: true });
    expect(traits(model, "stop", "view", "layer", "query")).toEqual([0, "lines", 2, 14]);
    await press(el, " ");
    expect(traits(model, "stop", "view")).toEqual([1, "text"]);
    expect(el.querySelector(".aw-paper")).not.toBeNull();
    await press(el, "PageUp");
    await press(el, "PageUp");
    expect(model.get("stop"), "there is none before the first").toBe(0);
  });

  test("by its buttons, and to any stop by its progress line", async () => {
    const { el, model } = await led();
    await click(button(el, /^Next/));
    expect(model.get("stop")).toBe(1);
    await click(button(el, "Back"));
    expect(model.get("stop")).toBe(0);
    await click(one(el, '[aria-label="Stop 4"]'));
    expect(traits(model, "stop", "layer")).toEqual([3, 0]);
    expect(text(el, ".aw-tour-words code")).toBe("two");
    expect(texts(el, ".aw-tour-words li")).toEqual(["a list", "of two"]);
  });

  test("of another text, only the kernel can say what is shown", async () => {
    const { el, model } = await led(3);
    await press(el, " ");
    expect(traits(model, "stop", "layer", "query")).toEqual([4, 2, 14]);
    expect(said(el)).toBe("Another text.");
    expect(button(el, "The end").getAttribute("aria-disabled")).toBe("true");
    await press(el, " ");
    expect(model.get("stop")).toBe(4);
  });

  test("points at a part of the widget", async () => {
    const { el } = await led(1);
    expect(one(el, ".aw-root").dataset.highlight).toBe("heads");
    await click(button(el, "Back"));
    expect(one(el, ".aw-root").dataset.highlight).toBeUndefined();
  });

  test("can be put away and taken up again where it was; Space is then the widget's", async () => {
    const { el, model } = await led(0);
    await press(el, " ");
    await press(el, "2");
    await click(button(el, "Hide"));
    expect(el.querySelector(".aw-tour")).toBeNull();
    expect(one(el, ".aw-root").dataset.highlight).toBeUndefined();
    await press(el, " ");
    expect(model.get("stop")).toBe(1);
    await click(button(el, /^Go on with the tour: Who is it\?, stop 2 of 5/));
    expect(text(el, ".aw-verdict")).toContain("Right.");
  });

  test("follows Python, to another stop and another tour", async () => {
    const { el, model } = await led(0);
    model.set("stop", 3);
    await settled();
    expect(text(el, ".aw-tour-number")).toBe("4 of 5");
    model.set("stop", 0);
    model.set("tour", null);
    await settled();
    expect(el.querySelector(".aw-tour")).toBeNull();
  });

  test("keeps its place and its answers where the widget is shown again", async () => {
    const { el, model, widget } = await led(1);
    await press(el, "1");
    const other = document.createElement("div");
    document.body.append(other);
    widget.render({ model, el: other });
    await settled();
    expect(text(other, ".aw-tour-number")).toBe("2 of 5");
    expect(text(other, ".aw-verdict")).toContain("Not quite.");
  });

  test("draws no element that could load or run anything, whatever is sent", async () => {
    const nodes = [
      ["script", {}, "alert(1)"],
      ["img", { src: "x", onerror: "alert(1)" }],
      ["p", { onclick: "alert(1)", style: "position:fixed", class: "x" }, "hi"],
    ];
    const tour = { ...of_explorer, stops: [{ ...of_explorer.stops[0], words: nodes }] };
    const { el } = await show("stories", { tour, stop: 0 });
    const words = one(el, ".aw-tour-words");
    expect(words.querySelector("script, img")).toBeNull();
    expect([...words.querySelectorAll("*")].flatMap((e) => e.getAttributeNames())).toEqual([]);
    expect(said(el)).toBe("alert(1)hi");
  });
});

describe("a question", () => {
  test("holds Space back until it is answered; twice shows the answer", async () => {
    const { el, model } = await led(1);
    await press(el, " ");
    expect(model.get("stop")).toBe(1);
    expect(text(el, ".aw-nudge")).toContain("Predict first");
    expect(el.querySelector(".aw-verdict"), "not told yet").toBeNull();
    await press(el, " ");
    expect(text(el, ".aw-verdict")).toBe("The answer: It slept.");
    expect(text(el, ".aw-option.aw-right .aw-option-words")).toBe("animal");
    await press(el, " ");
    expect(model.get("stop")).toBe(2);
  });

  test("is not given away before it is answered", async () => {
    const { el } = await led(1);
    const root = one(el, ".aw-root");
    expect(root.classList.contains("aw-veiled")).toBe(true);
    await press(el, "1");
    expect(root.classList.contains("aw-veiled")).toBe(false);
    await press(el, " ");
    expect(root.classList.contains("aw-veiled"), "the next question").toBe(true);
    await click(button(el, "Hide"));
    expect(root.classList.contains("aw-veiled")).toBe(false);
  });

  test("is answered by a digit or a click; a wrong answer can be mended", async () => {
    const { el, model } = await led(1);
    await press(el, "1");
    expect(text(el, ".aw-verdict")).toContain("Not quite.");
    expect(text(el, ".aw-option.aw-wrong .aw-option-words")).toBe("street");
    expect(el.querySelector(".aw-option.aw-right"), "the right one is not told").toBeNull();
    await click(one(el, ".aw-option:nth-child(2)"));
    expect(text(el, ".aw-verdict")).toBe("Right. It slept.");
    await press(el, "1");
    expect(text(el, ".aw-verdict"), "right stays right").toContain("Right.");
    await press(el, "7");
    expect(model.get("stop"), "no such option").toBe(1);
    await press(el, " ");
    expect(model.get("stop")).toBe(2);
  });

  test("for a number says whether more or less, and then how much it is", async () => {
    const { el } = await led(2);
    const field = one(el, ".aw-number-input");
    await type(field, "abc");
    expect(button(el, "Check").hasAttribute("disabled")).toBe(true);
    await type(field, "40");
    await click(button(el, "Check"));
    expect(text(el, ".aw-verdict")).toContain("Not quite. It is more than 40.");
    await type(field, "103,5");
    await click(button(el, "Check"));
    expect(text(el, ".aw-verdict"), "as far off as is allowed").toContain("Right. It is 98.5 %.");
    expect(document.activeElement?.classList.contains("aw-root"), "Space goes on").toBe(true);
  });

  test("typing a number is typing", async () => {
    const { el, model } = await led(2);
    const event = new KeyboardEvent("keydown", { key: " ", bubbles: true, cancelable: true });
    one(el, ".aw-number-input").dispatchEvent(event);
    await settled();
    expect(event.defaultPrevented).toBe(false);
    expect([model.get("stop"), el.querySelector(".aw-nudge")]).toEqual([2, null]);
  });
});

describe("a tour through a store", () => {
  test("shows each stop's entries and settings at once", async () => {
    const { el, model } = await store();
    expect(text(el, ".aw-tour-words")).toBe("A query is held against every key.");
    await press(el, " ");
    expect(traits(model, "stop", "screen", "step")).toEqual([1, "numbers", "blend"]);
    expect(model.get("names")).toEqual(["A", "B", "C", "D"]);
    await press(el, " ");
    expect(text(el, ".aw-beta-value")).toContain("∞");
    await press(el, " ");
    const names = [...el.querySelectorAll("td.aw-cell-name input, .aw-cell-name input")];
    expect(names.map((field) => /** @type {HTMLInputElement} */ (field).value)).toEqual(["x", "y"]);
    expect(model.get("keys")).toEqual([
      [1, 0],
      [0, 1],
    ]);
    await press(el, "PageUp");
    expect(model.get("names")).toEqual(["A", "B", "C", "D"]);
  });
});
