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

/**
 * @typedef {object} Selection
 * @property {string} stack
 * @property {number} layer
 * @property {number} head
 * @property {number | null} query
 * @property {number | null} key
 * @property {number} batch
 * @property {"matrix" | "grid"} view
 */

/** Traits the page may write. `text` is only read: a text is run by a message. */
const WRITABLE = /** @type {const} */ (["stack", "layer", "head", "query", "key", "batch", "view"]);
const READABLE = /** @type {const} */ ([...WRITABLE, "text"]);

/** @typedef {ReturnType<typeof bind_state>} State */

/**
 * Bind signals to the traits of `model` until `stop` is called.
 *
 * @param {Model} model
 */
export function bind_state(model) {
  const signals = {
    stack: signal(/** @type {string} */ (model.get("stack") ?? "")),
    layer: signal(/** @type {number} */ (model.get("layer") ?? 0)),
    head: signal(/** @type {number} */ (model.get("head") ?? 0)),
    query: signal(/** @type {number | null} */ (model.get("query") ?? null)),
    key: signal(/** @type {number | null} */ (model.get("key") ?? null)),
    batch: signal(/** @type {number} */ (model.get("batch") ?? 0)),
    view: signal(/** @type {"matrix" | "grid"} */ (model.get("view") ?? "matrix")),
    text: signal(/** @type {string} */ (model.get("text") ?? "")),
  };

  const listeners = READABLE.map((name) => {
    const take = () => {
      /** @type {any} */ (signals[name]).value = model.get(name) ?? null;
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
        (name) => name in chosen && signals[name].peek() !== chosen[name],
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
