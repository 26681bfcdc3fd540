import { computed, signal } from "@preact/signals";

/**
 * A tour through a widget, as attnwidget/teaching/guided.py sends it: where the reader is, and what
 * was answered. Kept with the widget, not with a view: whoever shows it again is where they were.
 */

/** A text, or a tag with attributes and children: attnwidget/teaching/markup.py.
 * @typedef {string | [string, Record<string, string>, ...any[]]} Node */

/**
 * @typedef {{kind: "choose", options: Node[][], answer: number, why: Node[]}} Choose
 * @typedef {{kind: "estimate", answer: number, within: number, unit: string, why: Node[]}} Estimate
 * @typedef {Choose | Estimate} Question
 */

/**
 * @typedef {{x: number[] | string[], series: {name: string, numbers: (number | null)[]}[],
 *   x_title: string, y_title: string, unit: string, top: number | null}} Chart
 */

/**
 * @typedef {object} Stop
 * @property {Node[]} words
 * @property {string | null} highlight  A part of the widget that is pointed at.
 * @property {Question | null} ask
 * @property {Chart | null} chart  Shown in the place of the picture.
 * @property {Record<string, any>} set  Traits, as they are at this stop.
 * @property {string | null} text  The text they hold for.
 * @property {number | null} entries  Which of the tour's entries a store then holds.
 */

/** @typedef {{title: string, stops: Stop[], entries: Record<string, any>[]}} TourFacts */

/**
 * What became of a question: an option or a number, or null where the reader had it revealed.
 *
 * @typedef {{given: number | null, right: boolean}} Answered
 */

/** @typedef {ReturnType<typeof bind_tour>} Tour */

/** The part of the widget that the open stop points at. @param {Tour} tour */
export function pointed_at({ open, stop }) {
  return (open.value && stop.value?.highlight) || undefined;
}

/** The chart of the stop, or the last one before it. @param {Tour} tour */
export function chart_of({ facts, at }) {
  const passed = facts.value?.stops.slice(0, at.value + 1) ?? [];
  return passed.reverse().find(({ chart }) => chart)?.chart ?? null;
}

/** Whether a question waits: until it is answered nothing may give it away. @param {Tour} tour */
function is_waiting({ open, stop, answered }) {
  return open.value && Boolean(stop.value?.ask) && answered.value === null;
}

/** Classes of the root while a tour is open. @param {Tour} tour */
export function classes_of(tour) {
  if (!tour.open.value) return "";
  return is_waiting(tour) ? " aw-on-tour aw-veiled" : " aw-on-tour";
}

/** @param {Question} ask @param {number} given */
function is_right(ask, given) {
  if (ask.kind === "choose") return given === ask.answer;
  // As far off as is allowed still counts, also where the difference cannot be written exactly.
  const slack = 1e-9 * Math.max(1, Math.abs(ask.answer));
  return Math.abs(given - ask.answer) <= ask.within + slack;
}

/**
 * Bind a tour to the traits `tour` and `stop` of `model` until `end` is called.
 *
 * @param {import("../state.js").Model} model
 * @param {(stop: Stop, tour: TourFacts) => void} show  Shows on the page what it can; the kernel,
 *   told of the stop, does the same.
 */
export function bind_tour(model, show) {
  const facts = signal(/** @type {TourFacts | null} */ (model.get("tour") ?? null));
  const at = signal(/** @type {number} */ (model.get("stop") ?? 0));
  const answers = signal(/** @type {ReadonlyMap<number, Answered>} */ (new Map()));
  /** Whether the reader has put it away. */
  const hidden = signal(false);
  /** Space was pressed on a question without an answer: the next time it is revealed. */
  const nudged = signal(false);

  const take_tour = () => {
    facts.value = model.get("tour") ?? null;
    answers.value = new Map();
    hidden.value = false;
    nudged.value = false;
  };
  const take_stop = () => {
    at.value = model.get("stop") ?? 0;
    nudged.value = false;
  };
  model.on("change:tour", take_tour);
  model.on("change:stop", take_stop);

  const stop = computed(() => facts.value?.stops[at.value] ?? null);
  const open = computed(() => !hidden.value && stop.value !== null);

  /** @param {Answered} answered */
  const keep = (answered) => {
    answers.value = new Map(answers.peek()).set(at.peek(), answered);
    nudged.value = false;
  };

  /** @param {number} to */
  function go(to) {
    const tour = facts.peek();
    if (!tour?.stops[to] || to === at.peek()) return;
    at.value = to;
    nudged.value = false;
    model.set("stop", to);
    show(tour.stops[to], tour);
    try {
      model.save_changes();
    } catch {
      // The kernel is gone: the page goes on with what is here.
    }
  }

  return {
    facts,
    at,
    stop,
    open,
    hidden,
    nudged,
    answered: computed(() => answers.value.get(at.value) ?? null),
    /** Stops whose question has been answered. */
    answers,
    go,

    /** One stop on; not past a question before it was answered, or asked for twice. */
    next() {
      const ask = stop.peek()?.ask;
      if (!ask || answers.peek().has(at.peek())) go(at.peek() + 1);
      else if (nudged.peek()) keep({ given: null, right: false });
      else nudged.value = true;
    },
    back: () => go(at.peek() - 1),

    /** @param {number} given  An option, or a number. */
    answer(given) {
      const ask = stop.peek()?.ask;
      if (!ask || !Number.isFinite(given)) return;
      if (ask.kind === "choose" && !ask.options[given]) return;
      if (answers.peek().get(at.peek())?.right) return;
      keep({ given, right: is_right(ask, given) });
    },

    end() {
      model.off("change:tour", take_tour);
      model.off("change:stop", take_stop);
    },
  };
}
