import { effect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { notes_in } from "./notes.js";
import { play } from "./sound.js";

/** @typedef {import("./notes.js").Item} Item */

const NO_SOUND = "This browser has no Web Audio, so the melody cannot be heard here.";

/**
 * Plays the melody while `ui.playing` is set, and shows the note that sounds as if it were pointed at.
 *
 * @param {object} given
 * @param {import("../../ui.js").Ui} given.ui
 * @param {Item[]} given.items
 * @param {number} given.tempo  Beats per minute.
 * @param {import("../../messages.js").Direction} given.direction
 * @param {(item: number, share: number) => void} given.onMove  How far into which token it is.
 * @returns {string}  Why it cannot be played; "" where nothing is wrong.
 */
export function usePlaying({ ui, items, tempo, direction, onMove }) {
  const [trouble, set_trouble] = useState("");
  const now = useRef({ items, tempo, direction, onMove });
  now.current = { items, tempo, direction, onMove };
  const running = useRef(
    /** @type {{from: (note: number) => void, end: () => void} | null} */ (null),
  );
  const sounding = useRef(-1);

  useLayoutEffect(() => {
    // Another view may have left it on.
    ui.playing.value = false;
    // At once, within the click: browsers let nothing else make a sound.
    const stop = effect(() => {
      if (!ui.playing.value) {
        running.current?.end();
        running.current = null;
      } else if (!running.current) {
        running.current = start();
        if (!running.current) ui.playing.value = false;
      }
    });
    return () => {
      ui.playing.value = false;
      stop();
    };
  }, []);
  useEffect(() => {
    ui.playing.value = false;
  }, [items]);
  useEffect(() => {
    if (sounding.current >= 0) running.current?.from(sounding.current);
  }, [tempo]);
  return trouble;

  function start() {
    const Context = globalThis.AudioContext;
    const notes = notes_in(now.current.items);
    if (!Context) set_trouble(NO_SOUND);
    if (!Context || notes.length === 0) return null;
    /** @type {import("./sound.js").Playing | null} */
    let playing = null;
    let frame = 0;
    const from = (/** @type {number} */ first) => {
      playing?.stop();
      playing = play(new Context(), notes.slice(first), 60 / now.current.tempo);
    };
    const follow = () => {
      const beat = playing?.beat() ?? 0;
      const last = /** @type {import("../messages.js").RolledNote} */ (
        notes[notes.length - 1].note
      );
      if (beat >= last[1] + last[2]) {
        ui.playing.value = false;
        return;
      }
      const at = notes.findLastIndex(({ note }) => note !== null && note[1] <= beat);
      if (at >= 0) show(at, beat);
      frame = requestAnimationFrame(follow);
    };
    /** @param {number} at @param {number} beat */
    const show = (at, beat) => {
      const { item, note } = notes[at];
      sounding.current = at;
      const peek = ui.peek.peek();
      const way = now.current.direction;
      if (peek?.at !== item || peek.direction !== way) ui.peek.value = { direction: way, at: item };
      if (note) now.current.onMove(item, (beat - note[1]) / note[2]);
    };
    from(0);
    frame = requestAnimationFrame(follow);
    const end = () => {
      cancelAnimationFrame(frame);
      playing?.stop();
      playing = null;
      sounding.current = -1;
      ui.peek.value = null;
    };
    return { from, end };
  }
}
