import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import recorded from "../../tests/fixtures/views/roll.json";
import {
  arc,
  is_black_key,
  least_height,
  names_beside,
  roll_of,
  scrolled_to,
} from "../src/views/roll/layout.js";
import { copies_of, items_of, notes_in } from "../src/views/roll/notes.js";
import { frequency } from "../src/views/roll/sound.js";
import { side_of } from "./pictures.js";
import { button, click, drawn, one, press, settled, show, text, texts } from "./show.js";

/** @typedef {import("../src/views/messages.js").RollPicture} RollPicture */
/** @typedef {import("../src/views/messages.js").RolledNote} RolledNote */

const LETTERS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/**
 * A melody as a picture: letters of the octave from middle C up, lower case for half a beat, "_" for
 * a rest, "|" for a mark.
 *
 * @param {string} written
 */
function melody(written) {
  let now = 0;
  const notes = [...written].map((letter) => {
    if (letter === "|") return null;
    const pitch = LETTERS[/** @type {keyof LETTERS} */ (letter.toUpperCase())];
    const length = letter === letter.toUpperCase() ? 1 : 0.5;
    now += length;
    return /** @type {RolledNote} */ ([
      pitch === undefined ? null : 60 + pitch,
      now - length,
      length,
    ]);
  });
  const names = Object.fromEntries(Object.entries(LETTERS).map(([n, by]) => [60 + by, `${n}4`]));
  const picture = /** @type {RollPicture} */ (/** @type {unknown} */ ({ notes, names }));
  return items_of(picture, side_of([...written]));
}

/** @param {string} written @param {number} at */
const copies = (written, at) =>
  copies_of(notes_in(melody(written)), at).map(({ own, at, by }) => [own, at, by]);

describe("notes", () => {
  test("have a name and a bar; a mark belongs to the bar that it ends", () => {
    const items = melody("|CD|_E||F");
    expect(items.map(({ bar }) => bar)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3]);
    expect(items.map(({ name }) => name)).toEqual(["", "C4", "D4", "", "", "E4", "", "", "F4"]);
    expect(notes_in(items).map(({ item }) => item)).toEqual([1, 2, 4, 5, 8]);
  });

  test("of merged items are those of their first token", () => {
    const { content } = recorded[0];
    const side = side_of(["<s>", "G4 E4", "E4-"], {
      spans: [
        [0, 1],
        [1, 3],
        [3, 4],
      ],
    });
    const items = items_of(/** @type {any} */ (content), side);
    expect(items.map(({ note }) => note)).toEqual([null, [67, 0, 1], [64, 2, 2]]);
  });
});

describe("a passage comes again", () => {
  test.each([
    ["the same", "CDE|FCDE", 1, [[[0, 3], [4, 7], 0]]],
    ["seen from its copy", "CDE|FCDE", 5, [[[4, 7], [0, 3], 0]]],
    ["a fifth higher", "CDE|_GAB", 0, [[[0, 3], [4, 7], 7]]],
    [
      "three times",
      "CDE|CDE|CDE",
      4,
      [
        [[3, 6], [0, 3], 0],
        [[3, 6], [6, 9], 0],
      ],
    ],
    [
      "a longer part and a shorter one",
      "CDEF|BCDEF|ACDE",
      1,
      [
        [[0, 4], [5, 9], 0],
        [[0, 3], [10, 13], 0],
      ],
    ],
    ["with its rest", "C_E|GC_E", 1, [[[0, 3], [4, 7], 0]]],
    ["not with two notes", "CDE|FCDF", 0, []],
    ["not with other lengths", "CDE|FCdE", 0, []],
    ["not with a note for a rest", "C_E|GCDE", 0, []],
    ["not as one note over and over", "CCC|DCCC", 1, []],
    ["not within the passage itself", "CDCDCD", 0, []],
  ])("%s: %s from note %i", (_, written, at, wanted) => {
    expect(copies(written, at)).toEqual(wanted);
  });

  test("in the opening melody: the phrase before, and its beginning two semitones higher", () => {
    const { content } = recorded[0];
    const texts_of = content.notes.map(String);
    const notes = notes_in(items_of(/** @type {any} */ (content), side_of(texts_of)));
    expect(copies_of(notes, 9)).toEqual([
      { own: [6, 12], at: [0, 6], by: 0 },
      { own: [6, 10], at: [12, 16], by: 2 },
    ]);
  });
});

describe("where notes stand", () => {
  const items = melody("CE|gA");

  test("in columns as wide as they last, side by side", () => {
    const roll = roll_of(items, { width: 322, height: 200 });
    expect(roll.beat).toBeCloseTo(84);
    expect(roll.columns.map(({ width }) => Math.round(width))).toEqual([84, 84, 22, 42, 84]);
    roll.columns.slice(1).forEach(({ x }, i) => {
      expect(x).toBeCloseTo(roll.columns[i].x + roll.columns[i].width);
    });
    expect(roll_of(items, { width: 100, height: 200 }).beat).toBe(30);
  });

  test("the higher the pitch, the higher; one row beyond either end", () => {
    const roll = roll_of(items, { width: 300, height: 120 });
    expect(roll.pitches).toEqual([70, 69, 68, 67, 66, 65, 64, 63, 62, 61, 60, 59]);
    expect([roll.row, roll.top(69), roll.top(60)]).toEqual([10, 10, 100]);
    expect(roll.pitches.filter(is_black_key)).toEqual([70, 68, 66, 63, 61]);
    expect(names_beside(roll, items, 25).map(({ name }) => name)).toEqual(["A4", "E4", "C4"]);
  });

  test.each([
    ["stays where all is seen", { left: 60, width: 200 }, [2, 3], 60],
    ["both in the middle", { left: 0, width: 150 }, [2, 1], 62],
    ["the first of them, where both have no room", { left: 0, width: 100 }, [3, 0], 161],
    ["not beyond the end", { left: 0, width: 250 }, [4], 66],
  ])("%s", (_, seen, items_seen, wanted) => {
    const roll = roll_of(items, { width: 322, height: 200 });
    expect(scrolled_to(roll, seen, items_seen)).toBeCloseTo(wanted);
  });

  test("rows are never lower than can be told apart", () => {
    expect(least_height(items)).toBe(7 * 12);
    expect(roll_of(items, { width: 300, height: 20 }).height).toBe(7 * 12);
  });

  test("marks alone have a roll, too", () => {
    expect(roll_of(melody("||"), { width: 100, height: 90 }).pitches).toEqual([61, 60, 59]);
  });

  test("arcs rise with the distance and stay within their lane", () => {
    const lane = { height: 100, farthest: 400 };
    const highest = (/** @type {number} */ to) => {
      const [, handle] = /** @type {RegExpExecArray} */ (
        /C[-\d.]+ ([-\d.]+)/.exec(arc(0, to, lane))
      );
      return 100 - 0.75 * (100 - Number(handle));
    };
    expect(highest(400)).toBeCloseTo(8, 1);
    expect(highest(100)).toBeGreaterThan(highest(400));
    expect(arc(50, 50, lane)).toMatch(/^M41\.0 100C/);
  });
});

test.each([
  [69, 440],
  [81, 880],
  [60, 261.6256],
])("pitch %i has %f hertz", (pitch, hertz) => {
  expect(frequency(pitch)).toBeCloseTo(hertz, 3);
});

/** What a browser's audio was asked for. */
class FakeAudio {
  /** @type {FakeAudio[]} */
  static made = [];
  currentTime = 0;
  state = "suspended";
  destination = {};
  /** @type {{frequency: {value: number}, type: string, from: number, until: number}[]} */
  oscillators = [];
  constructor() {
    FakeAudio.made.push(this);
  }
  createGain() {
    const gain = { value: 1 };
    for (const name of ["setValueAtTime", "linearRampToValueAtTime", "setTargetAtTime"]) {
      Object.assign(gain, { [name]: () => gain });
    }
    return { gain, connect: () => {} };
  }
  createOscillator() {
    const oscillator = {
      ...{ frequency: { value: 0 }, type: "sine", from: -1, until: -1, connect: () => {} },
      start(/** @type {number} */ at) {
        this.from = at;
      },
      stop(/** @type {number} */ at) {
        this.until = at;
      },
    };
    this.oscillators.push(oscillator);
    return oscillator;
  }
  resume() {
    this.state = "running";
  }
  close() {
    this.state = "closed";
  }
}

/** @param {Element} el */
const selected = (el) => text(el, ".aw-roll-said").split(" ")[0];

describe("the view", () => {
  beforeEach(() => {
    FakeAudio.made = [];
    vi.stubGlobal("AudioContext", FakeAudio);
  });
  afterEach(() => vi.unstubAllGlobals());

  test("draws a button for every token, and says what the selected one looks at", async () => {
    const { el } = await show("melody");
    expect(el.querySelectorAll(".aw-roll-rows button")).toHaveLength(22);
    expect(texts(el, ".aw-roll-mark")).toEqual(["<s>", "|", "||", "|", "||", "|"]);
    expect(one(el, ".aw-roll-query").getAttribute("aria-label")).toMatch(
      /^F4, 1 beat, bar 4: 0\.\d+$/,
    );
    expect(text(el, ".aw-roll-said")).toMatch(/^F4 \(bar 4\) looks \d+ % (at|by)/);
    expect(el.querySelectorAll(".aw-roll-arcs path").length).toBeGreaterThan(3);
    expect(button(el, "Piano roll").getAttribute("aria-pressed")).toBe("true");
  });

  test("lights up what comes again, and tells it", async () => {
    const { el } = await show("melody");
    const again = [...el.querySelectorAll(".aw-roll-note.aw-roll-again")];
    expect(again).toHaveLength(10);
    expect(again.filter((note) => note.classList.contains("aw-roll-moved"))).toHaveLength(4);
    expect(texts(el, ".aw-roll-bracket")).toEqual(["this", "again", "+2"]);
    expect(text(el, ".aw-roll-foot")).toContain(
      "The 6 notes around it come again in bar 1; in bar 5, 2 semitones higher (4 notes of it).",
    );
  });

  test("where nothing parts bars, it tells of none", async () => {
    const { el, model } = await show("melody");
    const want = model.sent.at(-1).wants.find((/** @type {any} */ { kind }) => kind === "roll");
    const [{ content }] = recorded;
    const notes = Array.from({ length: 22 }, (_, i) => [60 + (i % 4), i, 1]);
    model.emit("msg:custom", { ...content, key: want.key, notes }, []);
    await settled();
    expect(text(el, ".aw-roll-said")).toMatch(/^F4 looks \d+ % at [^(]*$/);
    expect(text(el, ".aw-roll-foot")).toMatch(/come again as they are\.$/);
  });

  test("a click selects a note, or a mark; with Shift the other end; arrows step", async () => {
    const { el, model } = await show("melody");
    const buttons = el.querySelectorAll(".aw-roll-rows button");
    await click(buttons[9]);
    expect([model.get("query"), model.get("key")]).toEqual([9, null]);
    await click(buttons[2], { shiftKey: true });
    expect([model.get("query"), model.get("key")]).toEqual([9, 2]);
    expect(one(el, ".aw-roll-end-key").getAttribute("aria-label")).toMatch(/^E4, 1 beat, bar 1/);
    await press(el, "ArrowLeft");
    expect(model.get("query")).toBe(8);
    expect(text(el, ".aw-roll-said")).toMatch(/^‘\|\|’ looks/);
    expect(el.querySelector(".aw-roll-again")).toBeNull();
  });

  test("the pointer peeks, and asks the kernel for nothing", async () => {
    const { el, model } = await show("melody");
    const sent = model.sent.length;
    const note = el.querySelectorAll(".aw-roll-rows button")[1];
    note.dispatchEvent(new MouseEvent("pointermove", { bubbles: true }));
    await drawn();
    expect(selected(el)).toBe("G4");
    one(el, ".aw-roll-rows").dispatchEvent(new MouseEvent("pointerleave"));
    await drawn();
    expect([selected(el), model.get("query"), model.sent.length]).toEqual(["F4", 13, sent]);
  });

  test("turned round, who looks at a note", async () => {
    const { el, model } = await show("melody", { direction: "to", key: 1, query: null });
    expect(text(el, ".aw-roll-said")).toMatch(/^G4 \(bar 1\) is looked at \d+ % by/);
    expect(el.querySelector(".aw-roll-query")).toBeNull();
    await click(el.querySelectorAll(".aw-roll-rows button")[2]);
    expect([model.get("key"), model.get("query")]).toEqual([2, null]);
  });

  test("plays every note once, at its time and pitch, after a click and not before", async () => {
    const { el, model } = await show("melody");
    expect(FakeAudio.made).toHaveLength(0);
    const sent = model.sent.length;
    one(el, ".aw-roll-play").click();
    // Within the click: else a browser would not let it sound.
    expect(FakeAudio.made).toHaveLength(1);
    const [audio] = FakeAudio.made;
    expect(audio.state).toBe("running");
    expect(audio.oscillators).toHaveLength(16);
    const beat = 60 / 132;
    const [first, second, third] = audio.oscillators;
    expect(first.frequency.value).toBeCloseTo(391.995, 2);
    expect(second.from - first.from).toBeCloseTo(beat);
    expect(first.until - first.from).toBeCloseTo(beat);
    expect(third.until - third.from).toBeCloseTo(2 * beat);

    audio.currentTime = first.from + 4.5 * beat;
    await drawn();
    await drawn();
    expect(text(el, ".aw-roll-said")).toMatch(/^F4 \(bar 2\)/);
    expect(one(el, ".aw-roll-now").style.transform).toMatch(/^translateX\([1-9]/);
    expect([model.get("query"), model.sent.length]).toEqual([13, sent]);

    await click(button(el, "■ Stop"));
    expect([audio.state, FakeAudio.made.length]).toEqual(["closed", 1]);
    expect(text(el, ".aw-roll-said")).toMatch(/^F4 \(bar 4\)/);
    expect(el.querySelector(".aw-roll-now")).toBeNull();
  });

  test("p plays and stops; at the end it stops by itself", async () => {
    const { el } = await show("melody");
    await press(el, "p");
    expect(FakeAudio.made).toHaveLength(1);
    FakeAudio.made[0].currentTime = 1000;
    await drawn();
    await settled();
    expect(FakeAudio.made[0].state).toBe("closed");
    expect(button(el, "▶ Play")).toBeDefined();
    await press(el, "p");
    await press(el, "p");
    expect(FakeAudio.made.map(({ state }) => state)).toEqual(["closed", "closed"]);
  });

  test("another tempo goes on from the note that sounds", async () => {
    const { el } = await show("melody");
    await press(el, "p");
    FakeAudio.made[0].currentTime = 0.08 + (4.5 * 60) / 132;
    await drawn();
    const tempo = /** @type {HTMLInputElement} */ (one(el, ".aw-roll-tempo input"));
    tempo.value = "240";
    tempo.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    const [before, after] = FakeAudio.made;
    expect([before.state, after.state]).toEqual(["closed", "running"]);
    expect(after.oscillators).toHaveLength(13);
    expect(after.oscillators[1].from - after.oscillators[0].from).toBeCloseTo(0.25);
  });

  test.each(["another view", "closed"])("is silent once it is left: %s", async (how) => {
    const { el, model, close } = await show("melody");
    await press(el, "p");
    if (how === "closed") /** @type {() => void} */ (close)();
    else {
      model.set("view", "lines");
      await settled();
    }
    await settled();
    expect(FakeAudio.made[0].state).toBe("closed");
  });

  test("without Web Audio it says so", async () => {
    vi.stubGlobal("AudioContext", undefined);
    const { el } = await show("melody");
    await click(one(el, ".aw-roll-play"));
    expect(text(el, ".aw-roll-trouble")).toMatch(/no Web Audio/);
    expect(button(el, "▶ Play")).toBeDefined();
  });
});
