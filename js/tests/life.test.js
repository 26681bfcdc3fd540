import { describe, expect, test, vi } from "vitest";
import { observing } from "./setup.js";
import { press, settled, show, text } from "./show.js";

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

  test("opened before or after the first pass, nothing is asked for under two names", async () => {
    for (const stack of ["", "encoder"]) {
      const { model } = await show("minilm", { stack });
      const shown = model.sent.flatMap((message) =>
        message.wants.filter((/** @type {any} */ want) => !want.prefetch),
      );
      for (const kind of ["model", "tile", "overview", "check"]) {
        const keys = shown.filter((want) => want.kind === kind).map((want) => want.key);
        expect(new Set(keys).size).toBe(1);
      }
    }
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
