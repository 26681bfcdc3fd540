import { effect } from "@preact/signals";
import { expect, test, vi } from "vitest";
import kernel from "../../tests/fixtures/messages/kernel.json";
import { make_fake_model } from "../dev/fake_kernel.js";
import { decode } from "../src/messages.js";
import { make_scene } from "../src/scene.js";
import { make_live_source } from "../src/source/live.js";
import { bind_state } from "../src/state.js";
import { make_ui } from "../src/ui.js";

/**
 * What the kernel sends, as `python -m tests.record_messages` wrote it; pytest reads it as well.
 *
 * @type {{content: any, buffers: Uint8Array[]}[]}
 */
const from_kernel = kernel.map(({ content, buffers }) => ({
  content,
  buffers: buffers.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))),
}));

test.each(from_kernel.filter(({ content }) => content.type === "picture"))(
  "the page reads the kernel's $content.kind of $content.key",
  ({ content, buffers }) => {
    const picture = decode(content, buffers);
    expect(picture.pass).toBe(1);
    if (picture.kind === "tile") {
      const [h, w] = picture.shape;
      expect(h).toBe(Math.ceil((picture.rows[1] - picture.rows[0]) / picture.block[0]));
      expect(w).toBe(Math.ceil((picture.cols[1] - picture.cols[0]) / picture.block[1]));
      expect(picture.flags).toHaveLength(h * w);
      expect(picture.row_sums).toHaveLength(picture.rows[1] - picture.rows[0]);
      expect(picture.col_sums).toHaveLength(picture.cols[1] - picture.cols[0]);
    } else if (picture.kind === "row") {
      expect(picture.flags).toHaveLength(picture.weights.length);
    } else if (picture.kind === "overview") {
      expect(picture.shape).toEqual([2, 3, 3, 3]);
      expect(picture.max).toHaveLength(6);
    }
  },
);

test("the kernel's trouble is taken as it is", () => {
  const source = make_live_source(make_fake_model({ tokens: ["a"], layers: [0], heads: 1 }));
  const troubles = from_kernel.filter(({ content }) => content.type === "trouble");
  expect(troubles.length).toBeGreaterThan(0);
  for (const { content } of troubles) {
    expect(Object.keys(content).sort()).toEqual(["detail", "key", "title", "type"]);
  }
  source.stop();
});

/** All that a reader's way through the recorded model makes the page send. */
function way_of_a_reader() {
  vi.useFakeTimers();
  const host = make_fake_model(
    { tokens: ["a"], layers: [0], heads: 1 },
    { stack: "attention", layer: 1, head: 2, query: 3, key: 0 },
  );
  host.send = (message) => {
    host.sent.push(message);
  };
  const source = make_live_source(host);
  const state = bind_state(host);
  const ui = make_ui();
  const { wants } = make_scene(source, state, ui);
  const stop = effect(() => source.show("recorded", wants.value));
  const pause = () => vi.advanceTimersByTime(100);
  const [{ content }] = from_kernel;

  /** @type {(() => void)[]} */
  const steps = [
    () => host.emit("msg:custom", content, []),
    () => state.choose({ head: 0 }),
    () => state.choose({ layer: 0, view: "grid" }),
    // As if the text were long: rows are asked for, and parts of the head.
    () => {
      const [stack] = content.stacks;
      const long = { ...content, pass: 2, stacks: [{ ...stack, query_len: 300, key_len: 300 }] };
      host.emit("msg:custom", long, []);
    },
    () => state.choose({ view: "matrix" }),
    () => {
      ui.zoom.value = { rows: [0, 4], cols: [1, 5] };
    },
    () => source.run("another text"),
    () => source.close("recorded"),
  ];
  for (const step of steps) {
    pause();
    step();
  }
  pause();
  stop();
  source.stop();
  vi.useRealTimers();
  return host.sent;
}

test("the page still asks for what was recorded", async () => {
  // If this is meant to change: `npm run record`; pytest then sees whether the kernel answers it.
  const sent = way_of_a_reader();
  expect(new Set(sent.flatMap((m) => m.wants ?? []).map((want) => want.kind))).toEqual(
    new Set(["model", "check", "overview", "tile", "row"]),
  );
  const messages = sent.filter((message) => message.type === "wants");
  await expect(`${JSON.stringify(messages, null, 1)}\n`).toMatchFileSnapshot(
    "../../tests/fixtures/messages/page.json",
  );
});
