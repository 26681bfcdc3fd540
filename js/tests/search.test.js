import { describe, expect, test } from "vitest";
import { items_of, next_of, occurrences } from "../src/search.js";
import { sequence, side_of } from "./pictures.js";

/** @param {string[]} texts @param {string[]} [gaps] */
const side = (texts, gaps) => side_of(texts, gaps && { gaps });

const SENTENCE = side(
  ["The", "un", "believ", "able", "cat", ",", "the", "Cat", "!"],
  ["", " ", "", "", " ", "", " ", " ", ""],
);

describe("occurrences", () => {
  test("are found whatever the case, in one item or a part of it", () => {
    expect(occurrences(SENTENCE, "cat")).toEqual([
      [4, 5],
      [7, 8],
    ]);
    expect(occurrences(SENTENCE, "THE")).toEqual([
      [0, 1],
      [6, 7],
    ]);
    expect(occurrences(SENTENCE, "liev")).toEqual([[2, 3]]);
    expect(occurrences(side(["STRASSE", "ÄRGER"]), "ärg")).toEqual([[1, 2]]);
  });

  test("run over several items, and over what stands between them", () => {
    expect(occurrences(SENTENCE, "unbelievable")).toEqual([[1, 4]]);
    expect(occurrences(SENTENCE, "eable cat")).toEqual([]);
    expect(occurrences(SENTENCE, "vable cat, t")).toEqual([[2, 7]]);
    expect(occurrences(SENTENCE, "cat the")).toEqual([]);
    const lines = side(["one", "two"], ["", "\n"]);
    expect(occurrences(lines, "one\ntwo")).toEqual([[0, 2]]);
  });

  test("two in one item are one place to go to; those that overlap are two", () => {
    expect(occurrences(side(["banana", "ana"]), "an")).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(occurrences(side(["a", "a", "a"], ["", "", ""]), "aa")).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  test("of nothing there are none; white space around is not looked for", () => {
    expect(occurrences(SENTENCE, "")).toEqual([]);
    expect(occurrences(SENTENCE, "  ")).toEqual([]);
    expect(occurrences(SENTENCE, "  cat ")).toEqual(occurrences(SENTENCE, "cat"));
    expect(occurrences(side([]), "cat")).toEqual([]);
    expect(occurrences(SENTENCE, "dog")).toEqual([]);
  });

  test("pass over items without a text", () => {
    const items = side(["", "a", "", "b", ""], ["", "", "", "", ""]);
    expect(occurrences(items, "a")).toEqual([[1, 2]]);
    expect(occurrences(items, "ab")).toEqual([[1, 4]]);
    expect(occurrences(items, "b")).toEqual([[3, 4]]);
  });

  test("hold for any text: every item that begins one is found, none else", () => {
    const random = sequence(8);
    const letter = () => "abAB"[Math.floor(4 * random())];
    for (let round = 0; round < 200; round++) {
      const texts = Array.from({ length: 12 }, () =>
        Array.from({ length: 1 + Math.floor(3 * random()) }, letter).join(""),
      );
      const gaps = texts.map((_, i) => (i && random() < 0.4 ? " " : ""));
      const wanted = Array.from({ length: 1 + Math.floor(3 * random()) }, letter).join("");
      // Every letter with the item it is of.
      const owners = texts.flatMap((text, i) => [
        ...(gaps[i] ? [-1] : []),
        ...[...text].map(() => i),
      ]);
      const passage = texts
        .map((text, i) => gaps[i] + text)
        .join("")
        .toLowerCase();
      const starts = [...passage].flatMap((_, at) =>
        passage.startsWith(wanted.toLowerCase(), at) ? [owners[at]] : [],
      );
      const found = occurrences(side(texts, gaps), wanted);
      expect(found.map(([first]) => first)).toEqual([...new Set(starts)]);
    }
  });
});

test("all items of all occurrences are marked", () => {
  const found = occurrences(SENTENCE, "unbelievable");
  expect([...items_of(found)]).toEqual([1, 2, 3]);
  expect([...items_of([])]).toEqual([]);
});

test("the next one is the nearest after, or before, and goes round the end", () => {
  /** @type {[number, number][]} */
  const found = [
    [2, 4],
    [5, 6],
    [9, 10],
  ];
  expect([null, 0, 2, 3, 5, 9, 12].map((now) => next_of(found, now, 1))).toEqual([
    2, 2, 5, 5, 9, 2, 2,
  ]);
  expect([null, 0, 2, 3, 5, 9, 12].map((now) => next_of(found, now, -1))).toEqual([
    9, 9, 9, 2, 2, 5, 9,
  ]);
  expect(next_of([], 3, 1)).toBeNull();
  expect(next_of([], null, -1)).toBeNull();
});
