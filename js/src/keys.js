/** Keys of the focused widget: one table for what they do and for what `?` shows. */

import { toggle_head } from "./head_sets.js";
import { is_head, whole_region } from "./place.js";
import { zoomed } from "./ui.js";
import { step_written, toggle_playing } from "./views/generation/steps.js";
import { views_offered } from "./views/names.js";
import { step_stage } from "./views/steps/stages.js";

/** @typedef {import("./place.js").Place} Place */
/** @typedef {import("./messages.js").LayerHead} LayerHead */

/**
 * @typedef {object} Control  What a key may act on.
 * @property {import("./state.js").State} state
 * @property {import("./ui.js").Ui} ui
 * @property {import("./scene.js").Scene} scene
 * @property {Place | null} place
 */

/** The side that is stepped: queries look, keys are looked at. @param {Place} place */
const stepped = ({ direction }) => (direction === "from" ? "query" : "key");
/** @param {Place} place */
const other = ({ direction }) => (direction === "from" ? "key" : "query");

/**
 * @param {Control} control
 * @param {(place: Place) => "query" | "key"} side_of
 * @param {(now: number, last: number) => number} to
 */
function go_to_item({ scene, place }, side_of, to) {
  if (!place) return;
  const side = side_of(place);
  const last = (side === "query" ? place.stack.query_len : place.stack.key_len) - 1;
  // The first step into nothing selects the first token.
  const next = to(place[side] ?? -1, last);
  scene.select({ [side]: Math.min(last, Math.max(0, next)) });
}

/**
 * Heads of one layer go along to the next one.
 *
 * @param {Pick<Control, "state" | "place">} control
 * @param {1 | -1} by
 */
export function step_layer({ state, place }, by) {
  if (!place) return;
  const { layers } = place.stack;
  const next = layers[layers.indexOf(place.layer) + by];
  if (!next) return;
  const together = place.heads.length > 1 && place.heads.every(([l]) => l === place.layer.layer);
  const heads = place.heads
    .filter(([, head]) => head < next.heads)
    .map(([, head]) => /** @type {LayerHead} */ ([next.layer, head]));
  state.choose({
    layer: next.layer,
    head: Math.min(place.head, next.heads - 1),
    ...(together && { heads }),
  });
}

/** @param {Control} control @param {1 | -1} by */
function step_head({ state, place }, by) {
  if (!place) return;
  const next = place.head + by;
  if (next >= 0 && next < place.layer.heads) state.choose({ head: next });
}

/**
 * The step that a lecture's remote makes: the next stage of the steps, or token of a generation;
 * else the next pass while paused; else the next token.
 *
 * @param {Control} control
 * @param {1 | -1} by
 */
function step(control, by) {
  const passes = control.scene.model.peek()?.passes;
  if (control.state.view.peek() === "steps") step_stage(control, by);
  else if (control.state.view.peek() === "generation") step_written(control, by);
  else if (passes?.paused) step_pass(control, by);
  else go_to_item(control, stepped, (now) => now + by);
}

/**
 * Stay at a kept pass, one earlier or later.
 *
 * @param {Pick<Control, "state" | "scene">} control
 * @param {1 | -1} by
 */
export function step_pass({ state, scene }, by) {
  const passes = scene.model.peek()?.passes;
  if (!passes) return;
  const { kept, shown } = passes;
  const next = by > 0 ? kept.find((n) => n > shown) : kept.findLast((n) => n < shown);
  if (next !== undefined) state.choose({ step: next });
}

/**
 * Stay at the pass on screen, or follow the newest again.
 *
 * @param {Pick<Control, "state" | "scene">} control
 */
export function toggle_pause({ state, scene }) {
  const passes = scene.model.peek()?.passes;
  if (passes) state.choose({ step: state.step.peek() === null ? passes.shown : null });
}

/**
 * Turn round: from where a token looks to who looks at it. What was at the other end of the link is
 * now looked at; where there was no other end, it is the same token.
 *
 * @param {Pick<Control, "state" | "scene">} control
 */
export function turn({ state, scene }) {
  const place = scene.place.peek();
  const direction = state.direction.peek() === "from" ? "to" : "from";
  const side = direction === "from" ? "query" : "key";
  const before = direction === "from" ? "key" : "query";
  if (place && place[side] === null && scene.model.peek()?.tokens.keys === null) {
    scene.select({ [side]: place[before] }, { direction });
  } else state.choose({ direction });
}

/** The selected head joins those that are drawn together, or leaves them. @param {Control} control */
function toggle_selected({ state, place }) {
  if (!place) return;
  const selected = /** @type {LayerHead} */ ([place.layer.layer, place.head]);
  const all = state.heads.peek();
  const is_in = all.some((head) => is_head(head, selected));
  if (is_in && all.length === 1) state.choose({ heads: [] });
  else if (is_in) toggle_head(state, place, selected);
  else state.choose({ heads: [...all, selected] });
}

/** Free what is locked: first the other end of the link, then the token. @param {Control} control */
function free({ scene, ui, place }) {
  if (ui.search.peek() !== null) ui.search.value = null;
  else if (place && place[other(place)] !== null) scene.select({ [other(place)]: null });
  else if (place && place[stepped(place)] !== null) scene.select({ [stepped(place)]: null });
  else ui.lecture.value = false;
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
    words: "token",
    hint: "token",
    keys: {
      ArrowLeft: (c) => go_to_item(c, stepped, (now) => now - 1),
      ArrowRight: (c) => go_to_item(c, stepped, (now) => now + 1),
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
    words: "token at the other end",
    keys: {
      "Shift+ArrowLeft": (c) => go_to_item(c, other, (now) => now - 1),
      "Shift+ArrowRight": (c) => go_to_item(c, other, (now) => now + 1),
    },
  },
  {
    shown: ["Space", "Page ↓"],
    words: "next step: a token, a stage of the steps, a written token; back with Shift or Page ↑",
    keys: {
      " ": (c) => step(c, 1),
      PageDown: (c) => step(c, 1),
      "Shift+ ": (c) => step(c, -1),
      PageUp: (c) => step(c, -1),
    },
  },
  {
    shown: [",", "."],
    words: "stage of the steps: earlier, later",
    keys: { ",": (c) => step_stage(c, -1), ".": (c) => step_stage(c, 1) },
  },
  {
    shown: ["Home", "End"],
    words: "first, last token",
    keys: {
      Home: (c) => go_to_item(c, stepped, () => 0),
      End: (c) => go_to_item(c, stepped, (_, last) => last),
    },
  },
  {
    shown: ["Esc"],
    words: "free what is locked",
    keys: { Escape: free },
  },
  {
    shown: ["v"],
    words: "next view",
    keys: {
      v: ({ state, scene }) => {
        const shown = state.view.peek();
        const views = views_offered(shown, scene.model.peek()?.offers ?? []);
        const at = views.findIndex(([name]) => name === shown);
        state.choose({ view: views[(at + 1) % views.length][0] });
      },
    },
  },
  {
    shown: ["d"],
    words: "direction: looks at, is looked at",
    keys: {
      d: turn,
    },
  },
  {
    shown: ["s"],
    words: "draw this head together with others",
    keys: { s: toggle_selected },
  },
  {
    shown: ["w"],
    words: "words or pieces",
    keys: { w: ({ state }) => state.choose({ words: !state.words.peek() }) },
  },
  {
    shown: ["/"],
    words: "find a token",
    hint: "find",
    keys: {
      "/": ({ ui }) => {
        ui.search.value ??= "";
        ui.searches.value += 1;
      },
    },
  },
  {
    shown: ["x"],
    words: "shuffle the tokens, in the view that does so",
    keys: {
      x: ({ state, ui }) => {
        if (state.view.peek() === "order") ui.shuffles.value += 1;
      },
    },
  },
  {
    shown: ["p"],
    words: "pause, follow again; play what was written, or a melody",
    keys: {
      p: (c) => {
        const view = c.state.view.peek();
        if (view === "generation") toggle_playing(c);
        else if (view === "roll") c.ui.playing.value = !c.ui.playing.peek();
        else toggle_pause(c);
      },
    },
  },
  {
    shown: ["f"],
    words: "lecture: full width, large type",
    keys: {
      f: ({ ui }) => {
        ui.lecture.value = !ui.lecture.peek();
      },
    },
  },
  {
    shown: ["+", "−", "0"],
    words: "zoom the matrix in, out, all",
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
  // Brackets, plus and question mark need Shift on some keyboards; arrows and Space tell it apart.
  const shifted = event.shiftKey && (event.key.startsWith("Arrow") || event.key === " ");
  const name = shifted ? `Shift+${event.key}` : event.key;
  return KEYS.find(({ keys }) => Object.hasOwn(keys, name))?.keys[name] ?? null;
}
