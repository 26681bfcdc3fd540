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

  test("has something to show before a kernel has spoken", () => {
    const model = make_fake_model(scene);
    model.get = () => undefined;
    const state = bind_state(model);
    expect(state.view.value).toBe("lines");
    expect(state.direction.value).toBe("from");
    expect(state.scale.value).toBe("sqrt");
    expect(state.mass.value).toBe(0.9);
    expect([state.heads.value, state.hide.value]).toEqual([[], []]);
    expect([state.pair.value, state.step.value, state.query.value]).toEqual([null, null, null]);
    expect([state.words.value, state.mean.value, state.renormalise.value]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test("a list that comes again is no change, a longer one is", () => {
    const model = make_fake_model(scene, { heads: [[0, 1]], hide: [], pair: null });
    const state = bind_state(model);
    const seen = /** @type {unknown[]} */ ([]);
    effect(() => {
      seen.push([state.heads.value, state.pair.value]);
    });
    // An echo is the same list, in new objects.
    model.set("heads", [[0, 1]]);
    model.set("hide", []);
    expect(seen).toHaveLength(1);
    const save = vi.spyOn(model, "save_changes");
    state.choose({ heads: [[0, 1]], hide: [] });
    expect(save).not.toHaveBeenCalled();
    state.choose({
      heads: [
        [0, 1],
        [1, 0],
      ],
      pair: [0, 1],
    });
    expect(save).toHaveBeenCalledOnce();
    expect(seen.at(-1)).toEqual([
      [
        [0, 1],
        [1, 0],
      ],
      [0, 1],
    ]);
    expect(model.get("pair")).toEqual([0, 1]);
  });

  test("a text is read, never written", () => {
    const model = make_fake_model(scene, { text: "from Python" });
    const state = bind_state(model);
    state.choose(/** @type {any} */ ({ text: "from the page", nonsense: 1 }));
    expect(state.text.value).toBe("from Python");
    expect(model.get("text")).toBe("from Python");
    expect(model.get("nonsense")).toBeUndefined();
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
