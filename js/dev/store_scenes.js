/** Key-value stores that must look right: those that Python has recorded, and larger ones. */

import recorded from "../../tests/fixtures/store/stores.json" with { type: "json" };

/** Traits of a store. @typedef {Record<string, any>} Traits */

/** @returns {Traits} */
function many() {
  const keys = Array.from({ length: 200 }, (_, i) => [
    3 * Math.sin(i * 2.4) * Math.sqrt(i / 200),
    3 * Math.cos(i * 2.4) * Math.sqrt(i / 200),
  ]);
  return {
    ...recorded.recipes.traits,
    _examples: {},
    keys,
    values: keys.map((_, i) => i % 10),
    names: keys.map((_, i) => `entry ${i + 1}`),
    query: [
      [2, 1],
      [-1, 2],
    ],
    query_names: [],
  };
}

/** @type {Record<string, Traits>} */
export const STORE_SCENES = {
  ...Object.fromEntries(Object.entries(recorded).map(([name, { traits }]) => [name, traits])),
  many: many(),
  hostile: {
    ...recorded.recipes.traits,
    names: [
      "<b>bold</b>",
      "a name that is far too long for the column it stands in",
      "",
      "🙂",
      "日本語",
      "שלום",
    ],
  },
};

/**
 * Stands in for kernel and host.
 *
 * @param {Traits} traits
 */
export function make_store_model(traits) {
  const values = { ...traits };
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  const listeners = new Map();
  const model = {
    listeners,
    /** How often the page has written to the kernel. */
    saved: 0,
    /** @param {string} name */
    get: (name) => values[name],
    /** @param {string} name @param {any} value */
    set(name, value) {
      model.tell({ [name]: value });
    },
    /** One message of the kernel: all is set before anybody hears of it. @param {Traits} told */
    tell(told) {
      Object.assign(values, told);
      for (const name of Object.keys(told)) {
        for (const listener of listeners.get(`change:${name}`) ?? []) listener();
      }
    },
    save_changes() {
      model.saved += 1;
    },
    /** @param {string} event @param {(...args: any[]) => void} listener */
    on(event, listener) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    /** @param {string} event @param {(...args: any[]) => void} listener */
    off(event, listener) {
      listeners.get(event)?.delete(listener);
    },
    /** @type {any[]} */
    sent: [],
    /** @param {any} message */
    send(message) {
      model.sent.push(message);
    },
    /** A message of the kernel. @param {any} content */
    hear(content) {
      for (const listener of listeners.get("msg:custom") ?? []) listener(content);
    },
  };
  return model;
}
