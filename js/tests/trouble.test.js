import { describe, expect, test } from "vitest";
import { press, settled, show, text, texts } from "./show.js";

describe("trouble and waiting", () => {
  test("trouble stands in the picture's place, in two lines; the text line stays", async () => {
    const { el, model } = await show("minilm", { view: "matrix" });
    model.make_trouble(null, "IndexError was raised.", "Shorten the text.");
    await settled();
    expect(texts(el, ".aw-trouble p")).toEqual(["IndexError was raised.", "Shorten the text."]);
    expect(el.querySelector(".aw-main-picture.aw-dimmed .aw-cells")).not.toBeNull();
    expect(el.querySelector(".aw-text")).not.toBeNull();
    model.new_pass();
    await settled();
    expect(el.querySelector(".aw-trouble")).toBeNull();
  });

  test("trouble with one picture only, in every view that is drawn from it", async () => {
    const { el, model } = await show("minilm", { view: "lines" });
    const { key } = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "tile");
    model.make_trouble(key, "Overwritten.", "Capture with copy=True.");
    await settled();
    for (const _ of ["lines", "matrix", "text"]) {
      expect(text(el, ".aw-trouble-title")).toBe("Overwritten.");
      await press(el, "v");
    }
    for (const _ of ["steps", "block"]) {
      // A picture of their own is not in trouble.
      expect(el.querySelector(".aw-trouble")).toBeNull();
      await press(el, "v");
    }
    expect(model.get("view")).toBe("grid");
    await press(el, "v");
    await press(el, "[");
    expect(el.querySelector(".aw-trouble")).toBeNull();
  });

  test("a reading that leaves nothing: the last picture, dimmed, and what to do", async () => {
    const { el, model } = await show("minilm");
    model.send = (message) => {
      model.sent.push(message);
      const [{ key }] = message.wants;
      if (key.includes("special")) model.make_trouble(key, "Nothing is left.", "Hide less.");
    };
    model.set("hide", ["special"]);
    await settled();
    expect(text(el, ".aw-trouble-title")).toBe("Nothing is left.");
    expect(el.querySelector(".aw-main-picture.aw-dimmed .aw-column-key")).not.toBeNull();
    model.set("hide", []);
    await settled();
    expect(el.querySelector(".aw-trouble")).toBeNull();
    expect(el.querySelector(".aw-dimmed")).toBeNull();
  });

  test("lines that have not come: the last ones, dimmed, with nothing said of them", async () => {
    const { el, model } = await show("minilm");
    model.send = () => {};
    await press(el, "[");
    expect(el.querySelector(".aw-lines .aw-dimmed")).toBeNull();
    await press(el, "[");
    expect(el.querySelector(".aw-lines .aw-dimmed .aw-column-query")).not.toBeNull();
    expect(text(el, ".aw-sentence")).toBe("Layer 5, head 9 …");
    await press(el, "]");
    expect(el.querySelector(".aw-lines .aw-dimmed")).toBeNull();
    expect(text(el, ".aw-sentence")).toContain("Layer 5, head 10: it looks");
  });

  test("a kernel that does not answer: the cache goes on, and the reader is told", async () => {
    const { el, model } = await show("minilm", { view: "matrix" });
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
