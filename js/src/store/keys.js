import { move_query } from "./edits.js";
import { next_step } from "./flow.jsx";
import { nice_bound, rounded } from "./numbers.js";

/** Keys of the store: what each does. */

/** @typedef {{store: import("./state.js").Store, view: import("./state.js").View, ui: import("../ui.js").Ui}} All */

/** What `?` shows. */
export const KEYS = [
  { shown: ["←", "→", "↑", "↓"], words: "move the query" },
  { shown: ["Shift", "←"], words: "move it five times as far" },
  { shown: ["Space", "Page ↓"], words: "next step, back with Shift or Page ↑" },
  { shown: ["h"], words: "hard or soft attention" },
  { shown: ["Esc"], words: "free the chosen entry" },
  { shown: ["f"], words: "lecture: full width, large type" },
  { shown: ["?"], words: "these keys" },
];
export const WITH_POINTER = "Drag the query and the keys; click a row to read its arithmetic.";

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** Steps from the middle to the edge. */
const STRIDES = 40;

/** Whether a key belongs to the control that has the focus. @param {KeyboardEvent} event */
export function is_typing({ key, target }) {
  const element = /** @type {HTMLElement} */ (target);
  if (key === "Escape" || key === "Tab") return false;
  if (element.matches("input[type=range]")) return /^(Arrow|Home|End|Page)/.test(key);
  if (element.matches("input, select")) return true;
  return (key === " " || key === "Enter") && element.matches("button:focus-visible");
}

/** @param {KeyboardEvent} event @param {All} all @returns {(() => void) | null} */
export function action_of(event, { store, view, ui }) {
  const { key, shiftKey } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (key === " ") return () => store.choose({ step: next_step(view, shiftKey ? -1 : 1) });
  if (key === "PageDown" || key === "PageUp") {
    return () => store.choose({ step: next_step(view, key === "PageUp" ? -1 : 1) });
  }
  if (key === "h") return () => store.choose({ hard: !view.hard });
  if (key === "?") {
    return () => {
      ui.help.value = !ui.help.peek();
    };
  }
  if (key === "f") {
    return () => {
      ui.lecture.value = !ui.lecture.peek();
    };
  }
  if (key === "Escape") {
    return () => {
      if (ui.help.peek()) ui.help.value = false;
      else store.chosen.value = null;
    };
  }
  const arrow = ARROWS[key];
  if (!arrow || view.screen === "numbers") return null;
  return () => {
    const data = store.data.peek();
    if (!data) return;
    let size = 0;
    for (const [x, y = 0] of view.keys) size = Math.max(size, Math.abs(x), Math.abs(y));
    const stride = (nice_bound(size) / STRIDES) * (shiftKey ? 5 : 1);
    const to = view.query[view.at].map((number, i) => rounded(number + stride * arrow[i], 4));
    store.choose(move_query(data, view.at, to));
  };
}
