import { batch, signal } from "@preact/signals";

/**
 * The selection, as signals bound both ways to the widget's traits of the same names.
 *
 * Who wins: the host's model. A choice made on the page is shown at once and written to the model;
 * whatever the model says next, be it an echo or the kernel's own choice, is taken as it stands and
 * never written back. So two views, the kernel and the page cannot chase each other.
 */

/**
 * @typedef {object} Model  What an anywidget host offers, as far as it is used here.
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, callback: (...args: any[]) => void) => void} on
 * @property {(event: string, callback: (...args: any[]) => void) => void} off
 * @property {(content: any) => void} send
 */

/** @typedef {import("./messages.js").LayerHead} LayerHead */

/**
 * @typedef {object} Selection
 * @property {string} stack
 * @property {number} layer
 * @property {number} head
 * @property {LayerHead[]} heads  Drawn together, as long as the selected head is one of them.
 * @property {boolean} mean  Several heads are drawn as their mean.
 * @property {number | null} query  A token of the model, not an item on screen.
 * @property {number | null} key
 * @property {number} batch
 * @property {number | null} step  A kept pass to stay at; null follows the newest.
 * @property {import("./views/names.js").ViewName} view
 * @property {import("./views/steps/stage_names.js").Stage} stage  How far the steps are walked.
 * @property {"head" | "residual" | "positions" | "order"} remove  What the model is to do without.
 * @property {Record<string, LayerHead[]>} joined  Heads of stacks that are not selected.
 * @property {"model" | "sine" | "relative" | "rotary"} encoding  Which positions are shown.
 * @property {import("./messages.js").Direction} direction
 * @property {boolean} words
 * @property {string[]} hide
 * @property {boolean} renormalise
 * @property {[number, number] | null} pair
 * @property {import("./messages.js").Weigh} weigh  What is read of heads.
 * @property {import("./messages.js").Target | null} target  The logit that a gradient is of.
 * @property {"linear" | "sqrt" | "log" | "row"} scale
 * @property {number} mass  Share of each row's weights that is drawn as lines.
 * @property {number} written  Tokens of a generation that are on screen.
 * @property {import("./measured.js").MeasureName | null} measure  By what heads are coloured; null for what they look at.
 * @property {boolean} sort  The grid lists heads from the largest measure down.
 */

/** Traits the page may write, and what they are before a kernel has spoken. @type {Selection} */
const AT_FIRST = {
  stack: "",
  layer: 0,
  head: 0,
  heads: [],
  mean: false,
  query: null,
  key: null,
  batch: 0,
  step: null,
  view: "lines",
  stage: "softmax",
  remove: "head",
  encoding: "model",
  joined: {},
  direction: "from",
  words: false,
  hide: [],
  renormalise: false,
  pair: null,
  weigh: "pattern",
  target: null,
  scale: "sqrt",
  mass: 0.9,
  written: 0,
  measure: null,
  sort: false,
};
const WRITABLE = /** @type {(keyof Selection)[]} */ (Object.keys(AT_FIRST));
/** `text` is only read: a text is run by a message. */
const READABLE = /** @type {(keyof Selection | "text")[]} */ ([...WRITABLE, "text"]);

/** @typedef {import("@preact/signals").Signal<string>} TextSignal */
/** @typedef {{[Name in keyof Selection]: import("@preact/signals").Signal<Selection[Name]>} &
 *   {text: TextSignal}} Signals */
/** @typedef {ReturnType<typeof bind_state>} State */

/** @param {keyof Selection | "text"} name */
const at_first = (name) => (name === "text" ? "" : AT_FIRST[name]);

/** @param {unknown} one @param {unknown} other */
const is_same = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);

/**
 * Bind signals to the traits of `model` until `stop` is called.
 *
 * @param {Model} model
 */
export function bind_state(model) {
  const signals = /** @type {Signals} */ (
    Object.fromEntries(READABLE.map((name) => [name, signal(model.get(name) ?? at_first(name))]))
  );

  const listeners = READABLE.map((name) => {
    const take = () => {
      const told = model.get(name) ?? at_first(name);
      // Lists come as new objects each time: the same list is no change.
      if (!is_same(signals[name].peek(), told)) /** @type {any} */ (signals[name]).value = told;
    };
    model.on(`change:${name}`, take);
    return () => model.off(`change:${name}`, take);
  });

  return {
    ...signals,

    /**
     * Choose on the page: shown at once, sent to the kernel in one go.
     *
     * @param {Partial<Selection>} chosen
     */
    choose(chosen) {
      const changed = WRITABLE.filter(
        (name) => name in chosen && !is_same(signals[name].peek(), chosen[name]),
      );
      if (changed.length === 0) return;
      batch(() => {
        for (const name of changed) {
          /** @type {any} */ (signals[name]).value = chosen[name];
          model.set(name, chosen[name]);
        }
      });
      try {
        model.save_changes();
      } catch {
        // The kernel is gone: one can still step through what is here.
      }
    },

    stop() {
      for (const off of listeners) off();
    },
  };
}
