/** Where tokens of a melody stand on a piano roll. Pure functions. */

/** @typedef {import("./notes.js").Item} Item */

/**
 * @typedef {object} Roll  In CSS pixels.
 * @property {{x: number, width: number}[]} columns  Of every token: notes as wide as they last.
 * @property {number} width
 * @property {number} beat
 * @property {number} row  Height of a semitone.
 * @property {number} height  Of all pitches.
 * @property {(pitch: number) => number} top  Of the row of a pitch.
 * @property {number[]} pitches  All rows, the highest first.
 */

const [LEAST_BEAT, MOST_BEAT] = [30, 84];
const [LEAST_ROW, MOST_ROW] = [7, 22];
const MARK = 22;
/** Rows above the highest and below the lowest note. */
const BEYOND = 1;
/** Without a pitch a roll still has rows. */
const MIDDLE_C = 60;

/**
 * @param {Item[]} items
 * @param {{width: number, height: number}} room
 * @param {number} type  How large type is beside its usual size.
 * @returns {Roll}
 */
export function roll_of(items, room, type = 1) {
  const beats = items.reduce((sum, { note }) => sum + (note ? note[2] : 0), 0);
  const marks = items.filter(({ note }) => note === null).length * MARK * type;
  const fitting = (room.width - marks) / Math.max(1, beats);
  const beat = Math.min(MOST_BEAT * type, Math.max(LEAST_BEAT * type, fitting));
  let x = 0;
  const columns = items.map(({ note }) => {
    const column = { x, width: note ? note[2] * beat : MARK * type };
    x += column.width;
    return column;
  });
  const [lowest, highest] = range_of(items);
  const count = highest - lowest + 1;
  const row = Math.min(MOST_ROW * type, Math.max(LEAST_ROW * type, room.height / count));
  return {
    ...{ columns, width: x, beat, row, height: row * count },
    top: (pitch) => (highest - pitch) * row,
    pitches: Array.from({ length: count }, (_, i) => highest - i),
  };
}

/** The lowest and the highest row. @param {Item[]} items */
function range_of(items) {
  const sounding = items.flatMap(({ note }) => (typeof note?.[0] === "number" ? [note[0]] : []));
  const pitches = sounding.length > 0 ? sounding : [MIDDLE_C];
  return [Math.min(...pitches) - BEYOND, Math.max(...pitches) + BEYOND];
}

/** Height of a roll with the lowest rows. @param {Item[]} items @param {number} [type] */
export function least_height(items, type = 1) {
  const [lowest, highest] = range_of(items);
  return LEAST_ROW * type * (highest - lowest + 1);
}

/** @param {number} pitch */
export const is_black_key = (pitch) => [1, 3, 6, 8, 10].includes(pitch % 12);

/**
 * Names beside the rows, so few that none touches the next: the highest is kept.
 *
 * @param {Roll} roll
 * @param {Item[]} items
 * @param {number} apart
 * @returns {{pitch: number, name: string}[]}
 */
export function names_beside(roll, items, apart) {
  const names = new Map(items.flatMap(({ note, name }) => (name ? [[note?.[0], name]] : [])));
  let last = Number.NEGATIVE_INFINITY;
  return roll.pitches.flatMap((pitch) => {
    const name = names.get(pitch);
    if (!name || roll.top(pitch) - last < apart) return [];
    last = roll.top(pitch);
    return [{ pitch, name }];
  });
}

/** The middle of a token. @param {Roll} roll @param {number} item */
export const middle = ({ columns }, item) => columns[item].x + columns[item].width / 2;

/**
 * How far to scroll so that tokens are in sight: not at all where they are; else they stand in the
 * middle, or the first of them where they do not fit.
 *
 * @param {Roll} roll
 * @param {{left: number, width: number}} seen
 * @param {number[]} items
 */
export function scrolled_to(roll, seen, items) {
  const { columns, width } = roll;
  const ends = items.map((item) => columns[item].x + columns[item].width);
  const starts = items.map((item) => columns[item].x);
  const [start, end] = [Math.min(...starts), Math.max(...ends)];
  if (end - start > seen.width && items.length > 1) {
    return scrolled_to(roll, seen, items.slice(0, 1));
  }
  if (start >= seen.left && end <= seen.left + seen.width) return seen.left;
  return Math.max(0, Math.min((start + end - seen.width) / 2, width - seen.width));
}

/** Least height of an arc, and half the width of one to the token itself. */
const [LEAST_ARC, OWN] = [16, 9];
/** Above the highest, as arcs are wide. */
const MARGIN = 8;

/**
 * An arc over the roll from one token to another: the farther, the higher.
 *
 * @param {number} from
 * @param {number} to
 * @param {{height: number, farthest: number}} lane
 */
export function arc(from, to, { height, farthest }) {
  const room = height - LEAST_ARC - MARGIN;
  const rise = LEAST_ARC + room * Math.sqrt(Math.abs(to - from) / Math.max(1, farthest));
  // A cubic curve reaches three quarters of the way to its handles.
  const handle = height - rise / 0.75;
  const [left, right] = from === to ? [from - OWN, to + OWN] : [from, to];
  const at = (/** @type {number} */ x) => x.toFixed(1);
  return `M${at(left)} ${height}C${at(left)} ${at(handle)} ${at(right)} ${at(handle)} ${at(right)} ${height}`;
}
