import { effect } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { make_fake_model } from "../dev/fake_kernel.js";
import { make_live_source } from "../src/source/live.js";
import { PLAIN } from "./pictures.js";

/** @typedef {import("../src/messages.js").Want} Want */

const IN_CONTEXT = { stack: "encoder", batch: 0, reading: PLAIN };
/** @param {string} context @returns {Want} */
const model_of = (context) => ({ key: `model|${context}`, kind: "model", ...IN_CONTEXT });
const MODEL = model_of("c");

/** @param {string} key @param {boolean} [prefetch] @returns {Want} */
const row = (key, prefetch) => ({
  ...{ key, kind: "row", ...IN_CONTEXT, heads: [[0, 0]], direction: "from", at: 0 },
  ...(prefetch && { prefetch }),
});

/** A host whose kernel answers nothing by itself. */
function make_host() {
  const host = make_fake_model({ tokens: ["a", "b"], layers: [0], heads: 1, delay: 0 });
  host.send = (message) => {
    host.sent.push(message);
  };
  return Object.assign(host, {
    /** @param {number} pass @param {string} [context] */
    model(pass, context = "c") {
      const { key } = model_of(context);
      const content = { type: "picture", key, kind: "model", pass, stacks: [], tokens: {} };
      host.emit("msg:custom", { ...content, coarse: false, arrays: [] }, []);
    },
    /** @param {string} key @param {number} pass @param {number} [length] */
    row(key, pass, length = 2) {
      const arrays = [{ name: "weights", dtype: "float32", shape: [length] }];
      const content = { type: "picture", key, kind: "row", pass, coarse: false, arrays };
      host.emit("msg:custom", content, [new DataView(new ArrayBuffer(4 * length))]);
    },
  });
}

/** @type {ReturnType<typeof make_host>} */
let host;
beforeEach(() => {
  vi.useFakeTimers();
  host = make_host();
});
afterEach(() => vi.useRealTimers());

describe("lists of wants", () => {
  test("go out whole, the first with `again`, and empty when the view closes", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("row|c|r")]);
    source.show("v", [MODEL, row("row|c|s")]);
    vi.advanceTimersByTime(60);
    source.close("v");
    expect(host.sent).toEqual([
      { type: "wants", view: "v", wants: [MODEL, row("row|c|r")], again: true },
      { type: "wants", view: "v", wants: [MODEL, row("row|c|s")] },
      { type: "wants", view: "v", wants: [] },
    ]);
  });

  test("of quick steps only the newest is sent", () => {
    const source = make_live_source(host);
    for (let i = 0; i < 30; i++) {
      source.show("v", [row(`row|c|${i}`)]);
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(100);
    expect(host.sent.length).toBeLessThan(9);
    expect(host.sent.at(-1).wants).toEqual([row("row|c|29")]);
  });

  test("are sent again on a new connection, and with growing patience while unanswered", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL]);
    vi.advanceTimersByTime(100);
    host.emit("comm_live_update");
    expect(host.sent).toHaveLength(2);
    expect(host.sent[1].again).toBe(true);
    vi.advanceTimersByTime(120_000);
    expect(host.sent.length).toBeLessThan(9);
    const before = host.sent.length;
    host.model(1);
    vi.advanceTimersByTime(600_000);
    expect(host.sent).toHaveLength(before);
  });

  test("a kernel that is gone does no harm", () => {
    const source = make_live_source(host);
    host.send = () => {
      throw new Error("comm is closed");
    };
    source.show("v", [MODEL]);
    source.run("text");
    source.close("v");
  });
});

describe("pictures", () => {
  test("are found with the model of their own pass, and tell who reads them", () => {
    const source = make_live_source(host);
    const seen = /** @type {(number | undefined)[]} */ ([]);
    effect(() => {
      seen.push(source.find("row|c|r")?.picture.pass);
    });
    source.show("v", [MODEL, row("row|c|r")]);
    host.model(1);
    host.row("row|c|r", 1);
    host.model(2);
    // The old one is still drawn, under the old model's tokens.
    expect(source.model.value?.pass).toBe(2);
    expect(source.find("row|c|r")?.model?.pass).toBe(1);
    host.row("row|c|r", 2);
    expect(source.find("row|c|r")?.model?.pass).toBe(2);
    expect(seen.at(-1)).toBe(2);
  });

  test("belong to the model of their own reading, whichever comes first", () => {
    const source = make_live_source(host);
    const model = (/** @type {string} */ key) => source.find(key)?.model?.key;
    source.show("v", [MODEL, row("row|c|r"), model_of("d"), row("row|d|r")]);
    host.model(1);
    host.row("row|c|r", 1);
    host.row("row|d|r", 1);
    expect([model("row|c|r"), model("row|d|r")]).toEqual(["model|c", undefined]);
    host.model(1, "d");
    expect([model("row|c|r"), model("row|d|r")]).toEqual(["model|c", "model|d"]);
    expect(source.model.value?.key).toBe("model|d");
    // A new pass in the one reading: the other's picture stays under its own model.
    host.model(2, "d");
    host.row("row|d|r", 2);
    expect(source.find("row|d|r")?.model?.pass).toBe(2);
    expect(source.find("row|c|r")?.model).toMatchObject({ key: "model|c", pass: 1 });
    host.row("row|c|r", 2);
    expect(source.find("row|c|r")?.model).toBeNull();
  });

  test("the model facts that come again are those of the pictures that are here", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("row|c|r")]);
    host.model(1);
    host.row("row|c|r", 1);
    const before = source.find("row|c|r")?.model;
    host.model(1);
    expect(source.find("row|c|r")?.model).toBe(source.find("model|c")?.picture);
    expect(source.find("row|c|r")?.model).not.toBe(before);
  });

  test("of an older pass than the newest come too late", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("row|c|r")]);
    host.model(3);
    host.row("row|c|r", 2);
    host.model(2);
    expect(source.find("row|c|r")).toBeNull();
    expect(source.model.value?.pass).toBe(3);
  });

  test("fetched ahead are kept for the next step and dropped with the next pass", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("row|c|r"), row("row|c|s", true)]);
    host.model(1);
    host.row("row|c|r", 1);
    host.row("row|c|s", 1);
    expect(source.find("row|c|s")).not.toBeNull();
    host.model(2);
    expect(source.find("row|c|s")).toBeNull();
    expect(source.find("row|c|r")).not.toBeNull();
    source.show("v", [MODEL, row("row|c|s")]);
    expect(source.find("row|c|r")).toBeNull();
  });

  test("beyond the limit the oldest go first, never those on screen", () => {
    const source = make_live_source(host, 10_000);
    source.show("v", [MODEL, row("row|c|shown")]);
    host.model(1);
    host.row("row|c|shown", 1, 700);
    for (const key of ["row|c|a", "row|c|b", "row|d|c"]) host.row(key, 1, 700);
    expect(
      ["row|c|shown", "row|c|a", "row|c|b", "row|d|c"].map((key) => source.find(key) !== null),
    ).toEqual([true, false, true, true]);
    // What has been on screen last is the youngest.
    source.show("v", [MODEL, row("row|c|b")]);
    source.show("v", [MODEL, row("row|c|shown")]);
    host.row("row|c|d", 1, 700);
    expect(["row|c|b", "row|d|c", "row|c|d"].map((key) => source.find(key) !== null)).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("that come damaged are trouble in their place", () => {
    const source = make_live_source(host);
    source.show("v", [row("row|c|r")]);
    const arrays = [{ name: "weights", dtype: "float32", shape: [9] }];
    const content = {
      type: "picture",
      key: "row|c|r",
      kind: "row",
      pass: 1,
      coarse: false,
      arrays,
    };
    host.emit("msg:custom", content, [new ArrayBuffer(4)]);
    expect(source.trouble("row|c|r")?.detail).toContain("shape 9 came with 1 numbers");
  });
});

describe("trouble", () => {
  test("of a picture ends with the picture, that of all with a newer pass", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("row|c|r")]);
    host.model(1);
    host.make_trouble("row|c|r", "No.", "Because.");
    host.make_trouble(null, "All is lost.", "Run again.");
    expect(source.trouble("row|c|r")?.title).toBe("No.");
    host.row("row|c|r", 1);
    expect(source.trouble("row|c|r")).toBeNull();
    host.model(1);
    expect(source.trouble(null)?.title).toBe("All is lost.");
    host.model(2);
    expect(source.trouble(null)).toBeNull();
  });
});

describe("waiting", () => {
  test("is slow after 0.3 s, silent after 1.5 s, over with the answer", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("row|c|r", true)]);
    expect(source.lateness.value).toBe("none");
    vi.advanceTimersByTime(350);
    expect(source.lateness.value).toBe("slow");
    vi.advanceTimersByTime(1200);
    expect(source.lateness.value).toBe("silent");
    host.emit("msg:custom", { type: "progress", what: "reading layers", done: 2, of: 6 });
    expect(source.lateness.value).toBe("slow");
    expect(source.progress.value?.done).toBe(2);
    host.model(1);
    expect(source.lateness.value).toBe("none");
    expect(source.progress.value).toBeNull();
  });

  test("for a run ends with a new pass or with trouble", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL]);
    host.model(1);
    source.run("text");
    expect(host.sent.at(-1)).toEqual({ type: "run", text: "text" });
    expect(source.running.value).toBe(true);
    host.model(1);
    expect(source.running.value).toBe(true);
    host.model(2);
    expect(source.running.value).toBe(false);
    source.run("text");
    host.make_trouble(null, "No.", "Because.");
    expect(source.running.value).toBe(false);
  });

  test("leaves no timer and no listener behind", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL]);
    source.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect([...host.listeners.values()].every((all) => all.size === 0)).toBe(true);
  });
});
