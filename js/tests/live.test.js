import { effect } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { make_fake_model } from "../dev/fake_kernel.js";
import { make_live_source } from "../src/source/live.js";

const MODEL = /** @type {const} */ ({ key: "model", kind: "model" });

/** @param {string} key @param {boolean} [prefetch] @returns {import("../src/messages.js").Want} */
const row = (key, prefetch) => ({
  key,
  kind: "row",
  stack: "encoder",
  layer: 0,
  head: 0,
  batch: 0,
  query: 0,
  ...(prefetch && { prefetch }),
});

/** A host whose kernel answers nothing by itself. */
function make_host() {
  const host = make_fake_model({ tokens: ["a", "b"], layers: [0], heads: 1, delay: 0 });
  host.send = (message) => {
    host.sent.push(message);
  };
  return Object.assign(host, {
    /** @param {number} pass */
    model(pass) {
      const content = {
        type: "picture",
        key: "model",
        kind: "model",
        pass,
        stacks: [],
        tokens: [],
      };
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
    source.show("v", [MODEL, row("r")]);
    source.show("v", [MODEL, row("s")]);
    vi.advanceTimersByTime(60);
    source.close("v");
    expect(host.sent).toEqual([
      { type: "wants", view: "v", wants: [MODEL, row("r")], again: true },
      { type: "wants", view: "v", wants: [MODEL, row("s")] },
      { type: "wants", view: "v", wants: [] },
    ]);
  });

  test("of quick steps only the newest is sent", () => {
    const source = make_live_source(host);
    for (let i = 0; i < 30; i++) {
      source.show("v", [row(`r${i}`)]);
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(100);
    expect(host.sent.length).toBeLessThan(9);
    expect(host.sent.at(-1).wants).toEqual([row("r29")]);
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
      seen.push(source.find("r")?.picture.pass);
    });
    source.show("v", [MODEL, row("r")]);
    host.model(1);
    host.row("r", 1);
    host.model(2);
    // The old one is still drawn, under the old model's tokens.
    expect(source.model.value?.pass).toBe(2);
    expect(source.find("r")?.model?.pass).toBe(1);
    host.row("r", 2);
    expect(source.find("r")?.model?.pass).toBe(2);
    expect(seen.at(-1)).toBe(2);
  });

  test("of an older pass than the newest come too late", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("r")]);
    host.model(3);
    host.row("r", 2);
    host.model(2);
    expect(source.find("r")).toBeNull();
    expect(source.model.value?.pass).toBe(3);
  });

  test("fetched ahead are kept for the next step and dropped with the next pass", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("r"), row("s", true)]);
    host.model(1);
    host.row("r", 1);
    host.row("s", 1);
    expect(source.find("s")).not.toBeNull();
    host.model(2);
    expect(source.find("s")).toBeNull();
    expect(source.find("r")).not.toBeNull();
    source.show("v", [MODEL, row("s")]);
    expect(source.find("r")).toBeNull();
  });

  test("beyond the limit the oldest go first, never those on screen", () => {
    const source = make_live_source(host, 10_000);
    source.show("v", [MODEL, row("shown")]);
    host.model(1);
    host.row("shown", 1, 700);
    for (const key of ["a", "b", "c"]) host.row(key, 1, 700);
    expect(["shown", "a", "b", "c"].map((key) => source.find(key) !== null)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    // What has been on screen last is the youngest.
    source.show("v", [MODEL, row("b")]);
    source.show("v", [MODEL, row("shown")]);
    host.row("d", 1, 700);
    expect(["b", "c", "d"].map((key) => source.find(key) !== null)).toEqual([true, false, true]);
  });

  test("that come damaged are trouble in their place", () => {
    const source = make_live_source(host);
    source.show("v", [row("r")]);
    const arrays = [{ name: "weights", dtype: "float32", shape: [9] }];
    const content = { type: "picture", key: "r", kind: "row", pass: 1, coarse: false, arrays };
    host.emit("msg:custom", content, [new ArrayBuffer(4)]);
    expect(source.trouble("r")?.detail).toContain("shape 9 came with 1 numbers");
  });
});

describe("trouble", () => {
  test("of a picture ends with the picture, that of all with a newer pass", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("r")]);
    host.model(1);
    host.make_trouble("r", "No.", "Because.");
    host.make_trouble(null, "All is lost.", "Run again.");
    expect(source.trouble("r")?.title).toBe("No.");
    host.row("r", 1);
    expect(source.trouble("r")).toBeNull();
    host.model(1);
    expect(source.trouble(null)?.title).toBe("All is lost.");
    host.model(2);
    expect(source.trouble(null)).toBeNull();
  });
});

describe("waiting", () => {
  test("is slow after 0.3 s, silent after 1.5 s, over with the answer", () => {
    const source = make_live_source(host);
    source.show("v", [MODEL, row("r", true)]);
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
