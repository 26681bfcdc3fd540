/** Finding a text among the items on screen. Pure functions. */

/** @typedef {import("./messages.js").Side} Side */

/**
 * Where a text occurs in the passage, whatever the case; it may run over several items.
 *
 * @param {Side} side
 * @param {string} wanted
 * @returns {[number, number][]}  Items of each occurrence, half-open.
 */
export function occurrences(side, wanted) {
  const needle = wanted.trim().toLowerCase();
  if (needle === "") return [];
  const starts = [];
  let passage = "";
  for (let i = 0; i < side.texts.length; i++) {
    passage += side.gaps[i].toLowerCase();
    starts.push(passage.length);
    passage += side.texts[i].toLowerCase();
  }
  /** @type {[number, number][]} */
  const found = [];
  for (let at = passage.indexOf(needle); at >= 0; at = passage.indexOf(needle, at + 1)) {
    const first = last_at_most(starts, at);
    const last = last_at_most(starts, at + needle.length - 1) + 1;
    if (found.at(-1)?.[0] !== first) found.push([first, last]);
  }
  return found;
}

/** @param {number[]} sorted @param {number} value */
function last_at_most(sorted, value) {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * All items that belong to an occurrence.
 *
 * @param {[number, number][]} found
 * @returns {Set<number>}
 */
export function items_of(found) {
  const items = new Set();
  for (const [first, last] of found) for (let i = first; i < last; i++) items.add(i);
  return items;
}

/**
 * The next occurrence after (or before) an item, round the end.
 *
 * @param {[number, number][]} found
 * @param {number | null} now
 * @param {1 | -1} by
 */
export function next_of(found, now, by) {
  if (found.length === 0) return null;
  const at = now ?? -1;
  if (by > 0) return (found.find(([first]) => first > at) ?? found[0])[0];
  return (found.findLast(([first]) => first < at) ?? found[found.length - 1])[0];
}
