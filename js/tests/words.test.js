import { expect, test } from "vitest";
import {
  capitalised,
  cut_middle,
  heads_in_words,
  in_powers,
  percent,
  quoted_if_mark,
  shown_token,
  stack_in_words,
  weight_in_words,
} from "../src/words.js";
import { layer_of, model_of } from "./pictures.js";

test.each([
  [0.6472, "0.647"],
  [0.01234, "0.0123"],
  [0.00234, "0.00234"],
  [0.00004512, "4.51·10⁻⁵"],
  [0, "0"],
  [1, "1.00"],
  [Number.NaN, "NaN"],
])("weight %d is written %s", (value, words) => {
  expect(weight_in_words(value)).toBe(words);
});

test("percentages have no decimals and never hide what is there", () => {
  expect([0.647, 0.004, 0, 1].map(percent)).toEqual(["65 %", "<1 %", "0 %", "100 %"]);
  expect(in_powers(4.2e-7)).toBe("4·10⁻⁷");
});

test("tokens that cannot be seen get a mark", () => {
  expect(shown_token(" the")).toEqual({ text: "the", marked: false });
  expect(shown_token("\n\n")).toEqual({ text: "↵↵", marked: true });
  expect(shown_token(" \t")).toEqual({ text: "␣⇥", marked: true });
  expect(shown_token("")).toEqual({ text: "∅", marked: true });
});

test("marks alone are quoted in a sentence, words are not", () => {
  const marks = [",", ".", "...", "+", "'", "”"].map(quoted_if_mark);
  expect(marks).toEqual(["‘,’", "‘.’", "‘...’", "‘+’", "“'”", "‘”’"]);
  for (const word of ["the", "[SEP]", "'t", "<s>", "↵", "🙂", "7"]) {
    expect(quoted_if_mark(word)).toBe(word);
  }
});

test("long tokens are cut in the middle, between letters as readers see them", () => {
  expect(cut_middle("internationalisation", 9)).toBe("inte…tion");
  expect(cut_middle("short", 9)).toBe("short");
  expect(cut_middle("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2)).toBe("👩‍👩‍👧…");
});

test("which head a picture shows is said, or of how many it is the mean", () => {
  const place = { layer: layer_of(5), head: 11 };
  const said = (/** @type {[number, number][]} */ ...set) =>
    heads_in_words(/** @type {any} */ ({ ...place, set }));
  expect(said([5, 11])).toBe("layer 5, head 11");
  expect(said([5, 3], [5, 11])).toBe("the mean of 2 heads");
  expect(capitalised(said([5, 11]))).toBe("Layer 5, head 11");
  expect(capitalised("")).toBe("");
});

test("a stack is said in words", () => {
  const [stack] = model_of().stacks;
  expect(stack_in_words(stack)).toBe("encoder · 3 layers × 4 heads");
  const grouped = { ...stack, layers: [layer_of(0, 9, 3)] };
  expect(stack_in_words(grouped, { named: false })).toBe("1 layer × 9 heads, 3 key/value heads");
  const mixed = { ...stack, layers: [layer_of(0, 1), layer_of(1, 4)] };
  expect(stack_in_words(mixed)).toBe("encoder · 2 layers × 1 to 4 heads");
});
