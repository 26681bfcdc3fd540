import { signal } from "@preact/signals";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { make_fake_model } from "../dev/fake_kernel.js";
import { SCENES } from "../dev/scenes.js";
import { LATER_WANT, make_later } from "../src/later.js";
import views from "../src/views/later.js";
import { comes_later, VIEWS } from "../src/views/names.js";
import make_widget from "../src/widget.js";
import { one, settled, text } from "./show.js";

beforeEach(() => document.body.replaceChildren());

/** A widget that was not given the views, as in a notebook. @param {string} view */
async function open(view) {
  const model = make_fake_model({ ...SCENES.stories().scene, delay: 0, silent: true }, { view });
  const widget = make_widget();
  widget.initialize({ model });
  const el = document.createElement("div");
  document.body.append(el);
  widget.render({ model, el });
  await settled();
  return { model, el };
}

/** @param {any} model */
const kinds = (model) => model.sent.at(-1).wants.map((/** @type {any} */ want) => want.kind);

describe("views that come later", () => {
  test("are asked for when one is opened, and not before", async () => {
    const { model } = await open("lines");
    expect(kinds(model)).not.toContain("script");
    model.set("view", "block");
    await settled();
    expect(kinds(model)).toContain("script");
    model.set("view", "matrix");
    await settled();
    expect(kinds(model)).not.toContain("script");
  });

  test("are all in the script that is sent", () => {
    const { measured, measured_of, weighed, ...of_names } = views;
    expect([measured, measured_of].every((part) => typeof part === "function")).toBe(true);
    expect(Object.keys(weighed ?? {}).length).toBeGreaterThan(0);
    const sent = Object.keys(of_names);
    expect(sent.every((name) => comes_later(/** @type {any} */ (name)))).toBe(true);
    expect(VIEWS.filter(([name]) => comes_later(name)).every(([name]) => sent.includes(name))).toBe(
      true,
    );
  });

  test("say so where their script cannot be read", async () => {
    const entry = signal(/** @type {any} */ (null));
    const find = (/** @type {string} */ key) => (key === LATER_WANT.key ? entry.value : null);
    const later = make_later(/** @type {any} */ ({ find }), null);
    expect(later.failed.value).toBe("");
    entry.value = { picture: { kind: "script", packed: Uint8Array.from([1, 2, 3]) } };
    await vi.waitFor(() => expect(later.failed.value).not.toBe(""));
    expect(later.views.value).toBeNull();
    later.stop();
  });

  test("leave the words of their place where they fail", async () => {
    const { model, el } = await open("block");
    const arrays = [{ name: "packed", dtype: "uint8", shape: [3] }];
    const facts = { type: "picture", key: LATER_WANT.key, pass: 1, kind: "script", coarse: false };
    model.emit("msg:custom", { ...facts, arrays }, [new Uint8Array([1, 2, 3])]);
    await vi.waitFor(() => one(el, ".aw-trouble-title"));
    expect(text(el, ".aw-trouble-title")).toBe("This view could not be opened.");
  });
});
