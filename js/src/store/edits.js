/** What a hand does to a store: each returns the traits that change. */

/** @typedef {import("./state.js").Data} Data */

/** @template T @param {T[]} list @param {number} at @param {T} item */
const replaced = (list, at, item) => list.map((old, i) => (i === at ? item : old));
/** @template T @param {T[]} list @param {number} at */
const without = (list, at) => list.filter((_, i) => i !== at);
/** @template T @param {T[]} list @param {number} at @param {T} item */
const inserted = (list, at, item) => [...list.slice(0, at), item, ...list.slice(at)];

/** A query that has moved is no longer what it was named after. @param {Data} data @param {number} at @param {number[]} to */
export function move_query(data, at, to) {
  return {
    query: replaced(data.query, at, to),
    query_names: data.query_names[at] ? replaced(data.query_names, at, "") : data.query_names,
  };
}

/** @param {Data} data @param {number} at @param {number[]} to */
export const move_key = (data, at, to) => ({ keys: replaced(data.keys, at, to) });

/** @param {Data} data @param {number} at @param {string} name */
export const rename = (data, at, name) => ({ names: replaced(data.names, at, name) });

/** @param {Data} data @param {number} at @param {number | string} value */
export const set_value = (data, at, value) => ({ values: replaced(data.values, at, value) });

/** @param {Data} data @param {number} at */
export function remove(data, at) {
  return {
    keys: without(data.keys, at),
    values: without(data.values, at),
    names: without(data.names, at),
  };
}

/** @param {string[]} names @param {string} name */
function free_name(names, name) {
  let [free, count] = [name, 2];
  while (names.includes(free)) free = `${name} ${count++}`;
  return free;
}

/** @param {Data} data @param {number} at */
export function duplicate(data, at) {
  return {
    keys: inserted(data.keys, at + 1, [...data.keys[at]]),
    values: inserted(data.values, at + 1, data.values[at]),
    names: inserted(data.names, at + 1, free_name(data.names, data.names[at])),
  };
}

/**
 * A new entry, at the end: its key is the query, so that it can be seen to match.
 *
 * @param {Data} data
 * @param {number} at  Of the query.
 */
export function add(data, at) {
  const [value] = data.values;
  const fresh = typeof value === "number" ? 0 : typeof value === "string" ? "" : value.map(() => 0);
  const is_picture = typeof value === "string" && value.startsWith("data:image/png");
  return {
    keys: [...data.keys, [...data.query[at]]],
    values: [...data.values, is_picture ? value : fresh],
    names: [...data.names, free_name(data.names, "new")],
  };
}

/** @param {Data} data @param {number} at */
export function add_query(data, at) {
  const named = data.query_names.length > 0;
  return {
    query: [...data.query, data.query[at].map((number) => -number)],
    query_names: named ? [...data.query_names, ""] : [],
  };
}

/** @param {Data} data @param {number} at */
export function remove_query(data, at) {
  return { query: without(data.query, at), query_names: without(data.query_names, at) };
}
