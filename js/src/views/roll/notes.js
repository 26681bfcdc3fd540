/** Notes of a melody, and where passages of it come again. Pure functions. */

/** @typedef {import("../messages.js").RollPicture} RollPicture */

/**
 * @typedef {object} Item  A token of the melody.
 * @property {number} item  Its place among all.
 * @property {string} text
 * @property {import("../messages.js").RolledNote | null} note  null for a mark, as a bar line is one.
 * @property {string} name  Of its pitch; "" where it has none.
 * @property {number} bar  From 1.
 */

/**
 * @typedef {object} Copy  A part of the selected passage that comes again elsewhere.
 * @property {[number, number]} own  Which part, from one note to before another.
 * @property {[number, number]} at  Where it comes again.
 * @property {number} by  Semitones up, 0 for the same.
 */

/** So many notes make a passage. */
const LEAST = 3;

/**
 * Tokens on screen with their notes. A mark after a note ends a bar.
 *
 * @param {RollPicture} picture
 * @param {import("../../messages.js").Side} side
 * @returns {Item[]}
 */
export function items_of({ notes, names }, side) {
  let bar = 1;
  let is_open = false;
  return side.texts.map((text, item) => {
    const note = notes[side.spans[item][0]] ?? null;
    if (note === null && is_open) {
      bar += 1;
      is_open = false;
    } else if (note !== null) is_open = true;
    const ends = note === null && bar > 1 && !is_open ? bar - 1 : bar;
    const name = note && note[0] !== null ? (names[note[0]] ?? String(note[0])) : "";
    return { item, text, note, name, bar: ends };
  });
}

/** @param {Item[]} items  @returns {Item[]} Notes and rests, without the marks. */
export const notes_in = (items) => items.filter(({ note }) => note !== null);

/**
 * Where the passage around a note comes again, note by note as long and as far apart in pitch: the
 * same, or moved up or down. None lies over another, or over the longest passage itself: the longest
 * go first, and the same before moved.
 *
 * @param {Item[]} notes
 * @param {number} at  Its place among the notes.
 * @returns {Copy[]}
 */
export function copies_of(notes, at) {
  const found = notes
    .map((_, other) => copy_at(notes, at, other))
    .filter((copy) => copy !== null)
    .sort((a, b) => length_of(b) - length_of(a) || Number(a.by !== 0) - Number(b.by !== 0));
  /** @type {Copy[]} */
  const kept = [];
  for (const copy of found) {
    const [start, stop] = copy.at;
    const lies_over = (/** @type {[number, number]} */ span) => start < span[1] && span[0] < stop;
    if (!kept.some(({ at }) => lies_over(at)) && !lies_over(found[0].own)) kept.push(copy);
  }
  return kept.sort((a, b) => a.at[0] - b.at[0]);
}

/** @param {Copy} copy */
export const length_of = ({ own: [start, stop] }) => stop - start;

/**
 * The longest passage around `at` that comes again so that `other` stands in its place.
 *
 * @param {Item[]} notes
 * @param {number} at
 * @param {number} other
 * @returns {Copy | null}
 */
function copy_at(notes, at, other) {
  const shift = other - at;
  const by = moved_by(notes, at, shift);
  if (shift === 0 || by === null) return null;
  const is_alike = (/** @type {number} */ i) => {
    const [one, two] = [notes[i]?.note, notes[i + shift]?.note];
    if (!one || !two || one[2] !== two[2]) return false;
    return one[0] === null || two[0] === null ? one[0] === two[0] : two[0] - one[0] === by;
  };
  if (!is_alike(at)) return null;
  let [start, stop] = [at, at + 1];
  while (is_alike(start - 1)) start -= 1;
  while (is_alike(stop)) stop += 1;
  // What goes on into its own copy is cut at their border.
  const far = Math.abs(shift);
  if (stop - start > far) {
    start += Math.floor((at - start) / far) * far;
    stop = Math.min(stop, start + far);
  }
  if (stop - start < LEAST || !is_motif(notes.slice(start, stop))) return null;
  return { own: [start, stop], at: [start + shift, stop + shift], by };
}

/** How far up the nearest pitch is from that in its place. @param {Item[]} notes @param {number} at @param {number} shift */
function moved_by(notes, at, shift) {
  for (const i of [at, at - 1, at + 1]) {
    const [one, two] = [notes[i]?.note?.[0], notes[i + shift]?.note?.[0]];
    if (typeof one === "number" && typeof two === "number") return two - one;
  }
  return null;
}

/** One note over and over is none. @param {Item[]} notes */
const is_motif = ([first, ...others]) =>
  others.some(({ note }) => note?.[0] !== first.note?.[0] || note?.[2] !== first.note?.[2]);
