import { describe, expect, test } from "vitest";
import recorded from "../../tests/fixtures/views/block.json";
import { decode } from "../src/messages.js";
import { layout_of, WIDE_BOX, widest_of } from "../src/views/block/layout.js";
import { factor_in_words, most_added, ratio_of, reader } from "../src/views/block/numbers.js";
import { columns } from "../src/views/block/tokens.jsx";
import { click, drawn, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {import("../src/views/messages.js").BlockPicture} BlockPicture */
/** @typedef {import("../src/views/messages.js").BlockFacts} BlockFacts */
/** @typedef {import("../src/views/messages.js").BlockSum} BlockSum */

const [{ content, buffers }] = recorded;
const PICTURE = /** @type {BlockPicture} */ (
  decode(
    content,
    buffers.map((b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0)).buffer),
  )
);
const IT = 14;

/** The number that stands in the recorded picture. @param {number} layer @param {(facts: BlockFacts) => number} row */
const recorded_at = (layer, row) => {
  const facts = PICTURE.layers[layer];
  return PICTURE.rows[(facts.first + row(facts)) * 17 + IT];
};
/** @param {number} layer @param {0 | 1} part */
const recorded_ratio = (layer, part) =>
  recorded_at(layer, ({ sums }) => sums[part].branches[0].added) /
  recorded_at(layer, ({ sums }) => sums[part].stream);
/** @param {number} share */
const as_percent = (share) => `${Math.round(100 * share)} %`;

/** @param {Record<string, any>} [traits] */
const shown = (traits = {}) => show("stories", { view: "block", ...traits });

const NORM = { path: "b.norm", class_name: "LayerNorm", out: 1 };
/** A block of one sum: of which branches, and whether a norm follows. @param {Partial<import("../src/views/messages.js").BlockBranch>[]} branches @param {Partial<BlockSum>} [sum] @returns {BlockSum} */
const sum_of = (branches, sum = {}) => ({
  ...{ stream: 0, stream_factor: 1, total: 2, norm: null },
  branches: branches.map((branch) => ({
    role: /** @type {const} */ ("attention"),
    ...{ parts: [], caller: "b", end: "b", more: 0, width: 0 },
    ...{ norm_before: null, norm_after: null, factor: 1, added: 3, cosine: 4 },
    ...branch,
  })),
  ...sum,
});
/** @param {BlockFacts["sums"]} sums @param {Partial<BlockFacts>} [other] @returns {BlockFacts} */
const facts_of = (sums, other = {}) => ({
  ...{ layer: 0, module: "b", heads: 2, head_size: 4, first: 0, path: "b", class_name: "Block" },
  ...{ kind: "pre-norm", size: 8, why: "", before: 0, first_norm: null, sums, after: 2, error: 0 },
  ...other,
});

describe("the block", () => {
  test("says in a sentence what each part adds, as long as what, and in which direction", async () => {
    const { el } = await shown();
    const said = text(el, ".aw-block-sentence");
    const ratios = /** @type {const} */ ([0, 1]).map((part) => as_percent(recorded_ratio(2, part)));
    expect(said).toContain(
      `In block 2, at it, attention adds a vector ${ratios[0]} as long as what was there and the feed-forward adds ${ratios[1]}`,
    );
    const cosine = recorded_at(2, ({ sums }) => sums[0].branches[0].cosine);
    expect(said).toContain(`cos ${cosine.toFixed(2).replace("-", "−")} and`);
    expect(said).toContain("Pre-norm: each part reads the stream through a norm");
  });

  test("draws the parts by their roles, with the model's own classes and sizes", async () => {
    const { el } = await shown();
    expect(texts(el, ".aw-block-box b")).toEqual(["Norm", "Attention", "Norm", "Feed-forward"]);
    expect(texts(el, ".aw-block-box").join()).toContain("4 heads × 32");
    expect(texts(el, ".aw-block-box").join()).toContain("Sequential");
    expect(texts(el, ".aw-block-box").join()).toContain("128 → 512 → 128");
    expect(text(el, ".aw-block-of .aw-heading")).toBe("Block 2 blocks.2 · Block");
    expect(text(el, ".aw-block-name")).toBe("residual stream: 128 numbers for each token");
  });

  test("its line is as thick as the stream is long, and its lengths stand beside it", async () => {
    const { el } = await shown();
    const lengths = [
      recorded_at(2, ({ before }) => before ?? 0),
      recorded_at(2, ({ sums }) => sums[0].total),
      recorded_at(2, ({ sums }) => sums[1].total),
    ];
    expect(texts(el, ".aw-block-length")).toEqual(lengths.map((n) => n.toPrecision(3)));
    const thick = [...el.querySelectorAll(".aw-block-stream")].map((line) =>
      Number(line.getAttribute("stroke-width")),
    );
    expect(thick).toHaveLength(3);
    thick.forEach((px, i) => {
      expect(px).toBeCloseTo(2 + (12 * lengths[i]) / lengths[2], 5);
    });
  });

  test("pointed at, or with the focus, a part says its exact numbers and its path", async () => {
    const { el } = await shown();
    const line = () => text(el, ".aw-block-said");
    expect(line()).toBe(
      "It adds up exactly. Measured in the model by running the same input once more, without dropout.",
    );
    const [norm, attention, , feed_forward] = el.querySelectorAll(".aw-block-box");
    norm.dispatchEvent(new MouseEvent("pointermove"));
    await drawn();
    const out = recorded_at(2, ({ sums }) => sums[0].branches[0].norm_before?.out ?? -1);
    expect(line()).toContain("blocks.2.norm_1 (LayerNorm)");
    expect(line()).toContain(`${Number(out.toPrecision(7))} long`);
    norm.dispatchEvent(new MouseEvent("pointerleave"));
    await drawn();
    /** @type {HTMLElement} */ (attention).focus();
    await drawn();
    expect(line()).toContain("blocks.2.attention (Attention), heads × numbers of each");
    /** @type {HTMLElement} */ (feed_forward).focus();
    await drawn();
    expect(line()).toContain("it works on each token by itself");
    one(el, ".aw-block-added button").focus();
    await drawn();
    const added = recorded_at(2, ({ sums }) => sums[0].branches[0].added);
    expect(line()).toContain(`adds a vector of length ${Number(added.toPrecision(7))}`);
    expect(line()).toContain("adds up exactly");
    expect(one(el, ".aw-block-added button").getAttribute("aria-label")).toContain("cosine");
  });

  test("over depth: each block in a row; a click or the arrows go to it", async () => {
    const { el, model } = await shown();
    const rows = () => [...el.querySelectorAll(".aw-block-depth-row")];
    const current = () => rows().findIndex((row) => row.getAttribute("aria-current") === "true");
    expect(rows()).toHaveLength(3);
    expect(texts(el, ".aw-block-depth-head span")).toEqual([
      ...["block", "stream", "attention", "feed-forward"],
    ]);
    expect(rows()[1].textContent).toContain(`+ ${as_percent(recorded_ratio(1, 0))}`);
    expect(current()).toBe(2);
    await press(el, "ArrowUp");
    expect([model.get("layer"), current()]).toEqual([1, 1]);
    expect(text(el, ".aw-block-sentence")).toContain("In block 1,");
    const sent = model.sent.length;
    await click(rows()[0]);
    expect([model.get("layer"), current()]).toEqual([0, 0]);
    expect(text(el, ".aw-block-sentence")).toContain("In block 0,");
    const asked = model.sent.slice(sent).flatMap(({ wants }) => wants ?? []);
    expect(new Set(asked.filter(({ kind }) => kind === "block").map(({ key }) => key)).size).toBe(
      1,
    );
  });

  test("the arrows go to another token, and a click on the strip of all tokens does", async () => {
    const { el, model } = await shown();
    await press(el, "ArrowRight");
    expect(text(el, ".aw-block-sentence")).toContain("at slept");
    const strip = one(el, ".aw-block-strip");
    strip.getBoundingClientRect = () => /** @type {DOMRect} */ ({ left: 0, width: 170 });
    strip.dispatchEvent(new MouseEvent("pointermove", { clientX: 25, bubbles: true }));
    await drawn();
    expect(text(el, ".aw-block-said")).toMatch(/^animal: attention \+ [\d.]+ %, feed-forward \+/);
    await click(strip, { clientX: 25 });
    expect(model.get("query")).toBe(2);
    expect(text(el, ".aw-block-sentence")).toContain("at animal");
  });

  test("without a selected token it shows the last one", async () => {
    const { el } = await shown({ query: null });
    expect(text(el, ".aw-block-sentence")).toContain("at ‘.’,");
  });

  test("a block that could not be read says why, and what there is", async () => {
    const { el, model } = await shown();
    const { key } = model.sent.at(-1).wants.find((/** @type {any} */ w) => w.kind === "block");
    const layers = content.layers.map((layer) => ({
      ...layer,
      ...{ kind: "unknown", sums: [], error: null, why: "No residual stream was found." },
    }));
    model.emit(
      "msg:custom",
      { ...content, key, pass: 1, layers },
      buffers.map((b) => Uint8Array.from(atob(b), (c) => c.charCodeAt(0))),
    );
    await settled();
    expect(text(el, ".aw-block-sentence")).toBe("No residual stream was found.");
    expect(texts(el, ".aw-block-box b")).toEqual(["Attention"]);
    expect(el.querySelector(".aw-block-plus, .aw-block-tokens")).toBeNull();
    expect(texts(el, ".aw-block-length")).toHaveLength(2);
  });
});

describe("the numbers of a block", () => {
  test("are read from the rows of the picture", () => {
    const facts = PICTURE.layers[1];
    const at = reader(PICTURE, facts, IT);
    const [first, second] = facts.sums;
    expect(ratio_of(at, first, first.branches[0])).toBe(recorded_ratio(1, 0));
    expect(ratio_of(at, second, second.branches[0])).toBe(recorded_ratio(1, 1));
    const all = PICTURE.layers.flatMap((_, layer) => [
      ...[recorded_ratio(layer, 0), recorded_ratio(layer, 1)],
    ]);
    expect(most_added(PICTURE, IT)).toBe(Math.max(...all));
  });

  test.each([
    [1, ""],
    [0.22, "0.22"],
    [-0.5, "−0.5"],
    [/** @type {[number, number]} */ ([0.09, 0.115]), "0.09 … 0.115"],
  ])("a factor of %s is said as %j", (factor, said) => {
    expect(factor_in_words(factor)).toBe(said);
  });

  test.each([
    [3, 30],
    [8192, 700],
    [1, 5],
  ])("%s tokens fill a strip of %s pixels, none left out", (count, width) => {
    const made = columns(
      Array.from({ length: count }, (_, i) => i),
      width,
    );
    expect(made[0].x).toBe(0);
    expect((made.at(-1)?.x ?? 0) + (made.at(-1)?.wide ?? 0)).toBeGreaterThanOrEqual(width - 1);
    expect(made.at(-1)?.share).toBe(count - 1);
    expect(made.length).toBe(Math.min(count, width));
  });
});

const before = { norm_before: NORM };
const feed_forward = { role: /** @type {const} */ ("feed-forward"), width: 32 };

describe("the diagram of a block", () => {
  test.each([
    ["pre-norm", facts_of([sum_of([before]), sum_of([{ ...before, ...feed_forward }])])],
    ["post-norm", facts_of([sum_of([{}], { norm: NORM }), sum_of([feed_forward], { norm: NORM })])],
    ["parallel", facts_of([sum_of([before, { ...before, ...feed_forward }])])],
    ["sandwich", facts_of([sum_of([{ ...before, norm_after: NORM }])])],
    ["three sums", facts_of([sum_of([before]), sum_of([before]), sum_of([before])])],
    ["a norm first", facts_of([sum_of([{}])], { first_norm: NORM })],
    ["no sum", facts_of([], { kind: "unknown" })],
  ])("%s: nothing overlaps, all is within, at every width and size of type", (_, facts) => {
    for (const unit of [1, 1.6]) {
      for (const width of [330 * unit, 480 * unit, widest_of(facts, unit)]) {
        const { branches, norms, sums, lengths, height } = layout_of(facts, width, unit);
        const boxes = [...branches.flatMap((row) => row.boxes), ...norms];
        for (const [i, box] of boxes.entries()) {
          expect(box.x + box.width).toBeLessThanOrEqual(width);
          expect(box.y + box.height).toBeLessThan(height);
          expect(box.width).toBeGreaterThanOrEqual(54 * unit);
          for (const other of boxes.slice(i + 1)) {
            const apart =
              other.x >= box.x + box.width ||
              box.x >= other.x + other.width ||
              other.y >= box.y + box.height ||
              box.y >= other.y + other.height;
            expect(apart).toBe(true);
          }
          for (const { y, line, sum } of sums) {
            const half = (line * sum.branches.length) / 2;
            expect(box.y + box.height <= y - half || box.y >= y + half).toBe(true);
          }
        }
        const heights = lengths.map(({ y }) => y);
        for (const [i, y] of heights.entries()) {
          if (i > 0) expect(y - heights[i - 1]).toBeGreaterThanOrEqual(16 * unit);
        }
      }
    }
  });

  test("with room the work of a branch has its class and sizes in one line", () => {
    const facts = facts_of([sum_of([before])]);
    const [{ boxes }] = layout_of(facts, widest_of(facts, 1), 1).branches;
    expect(boxes.map(({ as }) => as)).toEqual(["norm", "work"]);
    expect(boxes[1].width).toBeGreaterThanOrEqual(WIDE_BOX);
  });
});
