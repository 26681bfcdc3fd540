/** Keys of the focused widget: one table for what they do and for what `?` shows. */

import { zoomed } from "./ui.js";
import { whole_region } from "./wants.js";

/** @typedef {import("./wants.js").Place} Place */

/**
 * @typedef {object} Control  What a key may act on.
 * @property {import("./state.js").State} state
 * @property {import("./ui.js").Ui} ui
 * @property {Place | null} place
 */

/** @param {Control} control @param {"query" | "key"} side @param {(now: number, last: number) => number} to */
function go_to_token({ state, place }, side, to) {
  if (!place) return;
  const last = (side === "query" ? place.stack.query_len : place.stack.key_len) - 1;
  const now = place[side];
  // The first step into nothing selects the first token.
  const next = now === null ? to(-1, last) : to(now, last);
  state.choose({ [side]: Math.min(last, Math.max(0, next)) });
}

/** @param {Control} control @param {1 | -1} by */
export function step_layer({ state, place }, by) {
  if (!place) return;
  const { layers } = place.stack;
  const next = layers[layers.indexOf(place.layer) + by];
  if (next) state.choose({ layer: next.layer, head: Math.min(place.head, next.heads - 1) });
}

/** @param {Control} control @param {1 | -1} by */
function step_head({ state, place }, by) {
  if (!place) return;
  const next = place.head + by;
  if (next >= 0 && next < place.layer.heads) state.choose({ head: next });
}

/** @param {Control} control @param {number} factor */
function zoom_by({ state, ui, place }, factor) {
  if (!place || state.view.peek() !== "matrix") return;
  const region = ui.zoom.peek() ?? whole_region(place);
  const at = {
    query: place.query ?? Math.floor((region.rows[0] + region.rows[1]) / 2),
    key: place.key ?? Math.floor((region.cols[0] + region.cols[1]) / 2),
  };
  ui.zoom.value = zoomed(region, place.stack, factor, at);
}

const ZOOM_STEP = 1.5;

/**
 * @type {{shown: string[], words: string, hint?: string,
 *   keys: Record<string, (control: Control) => void>}[]}
 */
export const KEYS = [
  {
    shown: ["←", "→"],
    words: "token that looks (query)",
    hint: "token",
    keys: {
      ArrowLeft: (c) => go_to_token(c, "query", (now) => now - 1),
      ArrowRight: (c) => go_to_token(c, "query", (now) => now + 1),
    },
  },
  {
    shown: ["↑", "↓"],
    words: "layer",
    hint: "layer",
    keys: { ArrowUp: (c) => step_layer(c, -1), ArrowDown: (c) => step_layer(c, 1) },
  },
  {
    shown: ["[", "]"],
    words: "head",
    hint: "head",
    keys: { "[": (c) => step_head(c, -1), "]": (c) => step_head(c, 1) },
  },
  {
    shown: ["Shift", "←", "→"],
    words: "token looked at (key)",
    keys: {
      "Shift+ArrowLeft": (c) => go_to_token(c, "key", (now) => now - 1),
      "Shift+ArrowRight": (c) => go_to_token(c, "key", (now) => now + 1),
    },
  },
  {
    shown: ["Home", "End"],
    words: "first, last token",
    keys: {
      Home: (c) => go_to_token(c, "query", () => 0),
      End: (c) => go_to_token(c, "query", (_, last) => last),
    },
  },
  {
    shown: ["Esc"],
    words: "free the key",
    keys: { Escape: ({ state }) => state.choose({ key: null }) },
  },
  {
    shown: ["v"],
    words: "next view",
    keys: {
      v: ({ state }) => state.choose({ view: state.view.peek() === "matrix" ? "grid" : "matrix" }),
    },
  },
  {
    shown: ["+", "−", "0"],
    words: "zoom in, out, all",
    keys: {
      "+": (c) => zoom_by(c, ZOOM_STEP),
      "=": (c) => zoom_by(c, ZOOM_STEP),
      "-": (c) => zoom_by(c, 1 / ZOOM_STEP),
      0: ({ ui }) => {
        ui.zoom.value = null;
      },
    },
  },
  {
    shown: ["?"],
    words: "these keys",
    hint: "keys",
    keys: {
      "?": ({ ui }) => {
        ui.help.value = !ui.help.peek();
      },
    },
  },
];

/**
 * What a key press does; null where it is not ours.
 *
 * @param {KeyboardEvent} event
 */
export function action_of(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  // Brackets, plus and question mark need Shift on some keyboards; only arrows tell it apart.
  const shifted = event.shiftKey && event.key.startsWith("Arrow");
  const name = shifted ? `Shift+${event.key}` : event.key;
  return KEYS.find(({ keys }) => Object.hasOwn(keys, name))?.keys[name] ?? null;
}
