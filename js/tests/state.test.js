import { effect } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";
import { make_fake_model } from "../dev/fake_kernel.js";
import { bind_state } from "../src/state.js";

const scene = { tokens: ["a", "b", "c"], layers: [0, 1], heads: 2, delay: 0 };

describe("bind_state", () => {
  test("starts from the traits, null included", () => {
    const state = bind_state(make_fake_model(scene, { query: null, key: 2, layer: 1 }));
    expect(state.query.value).toBeNull();
    expect(state.key.value).toBe(2);
    expect(state.layer.value).toBe(1);
  });

  test("writes choices in one go, and only what has changed", () => {
    const model = make_fake_model(scene, { query: 0, key: 1 });
    const [set, save] = [vi.spyOn(model, "set"), vi.spyOn(model, "save_changes")];
    const state = bind_state(model);
    state.choose({ query: 0, key: null, head: 0 });
    expect(set.mock.calls).toEqual([
      ["head", 0],
      ["key", null],
    ]);
    expect(save).toHaveBeenCalledOnce();
    state.choose({ key: null });
    expect(save).toHaveBeenCalledOnce();
    expect(model.get("key")).toBeNull();
  });

  test("takes what the kernel says and never writes it back", () => {
    const model = make_fake_model(scene);
    const state = bind_state(model);
    model.set("layer", 0);
    model.set("text", "from Python");
    const save = vi.spyOn(model, "save_changes");
    expect(state.layer.value).toBe(0);
    expect(state.text.value).toBe("from Python");
    expect(save).not.toHaveBeenCalled();
  });

  test("an echo changes nothing; the kernel's own choice wins", () => {
    const model = make_fake_model(scene, { head: 0 });
    const state = bind_state(model);
    const seen = /** @type {number[]} */ ([]);
    effect(() => {
      seen.push(state.head.value);
    });
    state.choose({ head: 1 });
    model.emit("change:head");
    expect(seen).toEqual([0, 1]);
    // The kernel refuses: its value stands, and the page does not argue.
    model.set("head", 0);
    expect(seen).toEqual([0, 1, 0]);
  });

  test("goes on without a kernel", () => {
    const model = make_fake_model(scene, { head: 0 });
    model.save_changes = () => {
      throw new Error("no comm channel");
    };
    const state = bind_state(model);
    state.choose({ head: 1 });
    expect(state.head.value).toBe(1);
  });

  test("listens no more after stop", () => {
    const model = make_fake_model(scene, { head: 0 });
    const state = bind_state(model);
    state.stop();
    model.set("head", 1);
    expect(state.head.value).toBe(0);
    expect([...model.listeners.values()].every((all) => all.size === 0)).toBe(true);
  });
});
