import { batch, computed, signal } from "@preact/signals";
import { by_weight, cosine, scores_of, weights_of } from "./numbers.js";

/**
 * The store as signals, bound both ways to the widget's traits. As in ../state.js: what is changed on
 * the page is shown at once and written to the model, and what the model says is taken as it stands.
 */

/** @typedef {"recipes" | "numbers" | "regression"} Screen */
/** @typedef {"scores" | "scale" | "softargmax" | "blend"} Step */
/** @typedef {"number" | "vector" | "picture" | "text"} Kind */

/**
 * @typedef {object} Entries
 * @property {number[][]} keys  (n, d)
 * @property {(number | number[] | string)[]} values  All of one kind.
 * @property {string[]} names
 * @property {number[][]} query  (m, d)
 * @property {string[]} query_names  m, or none.
 * @property {number} beta
 *
 * @typedef {object} Choices
 * @property {boolean} hard
 * @property {Screen} screen
 * @property {Step} step
 * @property {boolean} predict
 *
 * @typedef {Entries & Choices} Data
 * @typedef {Entries & {axes?: string[]}} Example
 */

/** @typedef {ReturnType<typeof bind_store>} Store */
/** What is drawn. @typedef {NonNullable<Store["view"]["value"]>} View */

export const STEPS = /** @type {const} */ (["scores", "scale", "softargmax", "blend"]);
const NAMES = /** @type {(keyof Data)[]} */ ([
  "keys",
  "values",
  "query",
  "names",
  "query_names",
  "beta",
  "hard",
  "screen",
  "step",
  "predict",
]);
/** Milliseconds between what is sent of a drag. */
const PAUSE = 50;
const PICTURE = "data:image/png;base64,";

/** @param {Entries} entries @returns {Kind} */
export function kind_of({ values: [value] }) {
  if (typeof value === "number") return "number";
  if (typeof value !== "string") return "vector";
  return value.startsWith(PICTURE) ? "picture" : "text";
}

/** @param {Screen} screen @param {Entries} entries */
export function can_draw(screen, entries) {
  if (screen === "numbers") return true;
  const d = entries.keys[0].length;
  return screen === "recipes" ? d === 2 : d === 1 && kind_of(entries) === "number";
}

/** @param {Data} data  Whether its parts go together: in a message half read they do not. */
function is_whole({ keys, values, names, query }) {
  const n = keys?.length;
  return n > 0 && values.length === n && names.length === n && query[0]?.length === keys[0].length;
}

/**
 * Bind to the traits of `model` until `stop` is called.
 *
 * @param {import("../state.js").Model} model
 */
export function bind_store(model) {
  const read = () => {
    const all = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    all.beta = Number(all.beta === "inf" ? Number.POSITIVE_INFINITY : all.beta);
    return /** @type {Data} */ (all);
  };
  const first = read();
  const data = signal(is_whole(first) ? first : null);
  /** Number of the query that is looked at; there may be fewer by now. */
  const at = signal(0);
  /** The entry that is looked at; null is the one with the largest weight. */
  const chosen = signal(/** @type {number | null} */ (null));
  /** What the reader has predicted: an entry, or the number that comes back. */
  const guess = signal(/** @type {number | null} */ (null));
  /** What the screens show before a reader brings data; empty where data was brought. */
  const examples = signal(/** @type {Partial<Record<Screen, Example>>} */ ({}));
  const take_examples = () => {
    examples.value = model.get("_examples") ?? {};
  };
  take_examples();
  model.on("change:_examples", take_examples);
  /** What the kernel said of the last question in words: why it could not be asked, or nothing. */
  const answer = signal({ title: "", detail: "" });
  /** @param {{type: string, title: string, detail: string}} content */
  const hear = (content) => {
    if (content.type === "answer") answer.value = content;
  };
  model.on("msg:custom", hear);

  let is_writing = false;
  const take = () => {
    if (is_writing) return;
    const told = read();
    if (!is_whole(told)) return;
    if (told.predict !== data.peek()?.predict) guess.value = null;
    data.value = told;
  };
  for (const name of NAMES) model.on(`change:${name}`, take);

  /** @type {ReturnType<typeof setTimeout> | null} */
  let pause = null;
  let is_behind = false;
  const save = () => {
    is_behind = false;
    try {
      model.save_changes();
    } catch {
      // The kernel is gone: the page goes on by itself.
    }
  };
  const save_soon = () => {
    if (pause !== null) {
      is_behind = true;
      return;
    }
    save();
    pause = setTimeout(() => {
      pause = null;
      if (is_behind) save_soon();
    }, PAUSE);
  };

  const view = computed(() => {
    const now = data.value;
    if (!now) return null;
    const screen = can_draw(now.screen, now) ? now.screen : "numbers";
    const by_distance = screen === "regression";
    const asked = Math.min(at.value, now.query.length - 1);
    const query = now.query[asked];
    const rows = now.query.map((q) => {
      const scores = scores_of(q, now.keys, by_distance);
      return { scores, weights: weights_of(scores, now.beta, now.hard) };
    });
    const { scores, weights } = rows[asked];
    const order = by_weight(weights);
    const is_hidden = now.predict && guess.value === null;
    const is_there = chosen.value !== null && chosen.value < now.keys.length;
    return {
      ...now,
      screen,
      by_distance,
      at: asked,
      kind: kind_of(now),
      scores,
      weights,
      /** Weights of every query. */
      rows: rows.map((row) => row.weights),
      cosines: now.keys.map((key) => cosine(query, key)),
      /** By weight. */
      order,
      /** The one whose arithmetic is written out. */
      entry: is_there ? /** @type {number} */ (chosen.value) : order[0],
      is_hidden,
      /** How far the flow is shown, as a place in STEPS. */
      reach: is_hidden ? Math.min(1, STEPS.indexOf(now.step)) : STEPS.indexOf(now.step),
      query_name: name_of_query(now, asked),
    };
  });

  return {
    data,
    view,
    at,
    chosen,
    guess,
    examples,
    /** Whether a query can be asked in words. */
    asks: model.get("_asks") === true,
    answer,

    /** @param {number} at  Number of the query. @param {string} text */
    ask(at, text) {
      model.send({ type: "ask", at, text });
    },

    /**
     * Change on the page: shown at once, sent to the kernel a few times a second.
     *
     * @param {Partial<Data>} changes
     */
    choose(changes) {
      const now = data.peek();
      if (!now) return;
      batch(() => {
        is_writing = true;
        data.value = { ...now, ...changes };
        for (const [name, value] of Object.entries(changes)) {
          model.set(name, value === Number.POSITIVE_INFINITY ? "inf" : value);
        }
        is_writing = false;
      });
      save_soon();
    },

    stop() {
      for (const name of NAMES) model.off(`change:${name}`, take);
      model.off("change:_examples", take_examples);
      model.off("msg:custom", hear);
      if (pause !== null) clearTimeout(pause);
      if (is_behind) save();
    },
  };
}

/** @param {Entries} entries @param {number} at */
export function name_of_query({ query, query_names }, at) {
  return query_names[at] || (query.length > 1 ? `query ${at + 1}` : "the query");
}
