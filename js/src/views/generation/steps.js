/** What there is after so many tokens were written. Pure functions. */

/** @typedef {import("../messages.js").GenerationPicture} GenerationPicture */
/** @typedef {GenerationPicture & {steps: import("../messages.js").WrittenStep[]}} Written */

/** @param {GenerationPicture} picture @returns {picture is Written} */
export const is_written = (picture) => picture.steps !== null;

/**
 * How many written tokens are on screen: the trait may be of another generation.
 *
 * @param {Written} picture
 * @param {number} written
 */
export const shown_steps = (picture, written) =>
  Math.min(Math.max(0, written), picture.steps.length);

/**
 * The step that wrote the newest token on screen; null before the first.
 *
 * @param {Written} picture
 * @param {number} count  Of tokens on screen.
 */
export function step_at(picture, count) {
  if (count === 0) return null;
  const at = count - 1;
  const { text, rank, candidates } = picture.steps[at];
  const [, width] = picture.shape;
  const share = picture.chosen[at];
  const listed = candidates.map((candidate, i) => ({
    text: candidate,
    share: picture.shares[at * width + i],
    is_chosen: i === rank,
  }));
  // A token that was drawn from far down the list stands below it.
  if (rank === null || rank >= candidates.length) listed.push({ text, share, is_chosen: true });
  return { text, rank, share, candidates: listed };
}

/**
 * Tokens whose attention is on screen: the newest is chosen, and has not looked yet.
 *
 * @param {Written} picture
 * @param {number} count
 */
export function rows_at(picture, count) {
  return count === 0 ? 0 : Math.min(picture.start + count - 1, last_row(picture));
}

/** @param {Written} picture */
const last_row = (picture) => (picture.maps.own ?? picture.maps.cross)?.rows[1] ?? 0;

/**
 * The heaviest keys of one row of a map.
 *
 * @param {Written} picture
 * @param {"own" | "cross" | "encoder"} map
 * @param {number} row
 */
export function heaviest(picture, map, row) {
  const [keys, weights] = [picture[`${map}_keys`], picture[`${map}_weights`]];
  const rows = picture.maps[map]?.rows[1] ?? 0;
  if (!keys || !weights || row >= rows) return [];
  const width = keys.length / rows;
  return Array.from({ length: width }, (_, i) => ({
    key: keys[row * width + i],
    weight: weights[row * width + i],
  })).filter(({ key, weight }) => key >= 0 && weight > 0);
}

/**
 * So many tokens on screen, and the selected token is the one that looked last.
 *
 * @param {Written} picture
 * @param {number} count
 * @param {string} stack  The selected one: the tokens of a source are others.
 */
export function choice_of(picture, count, stack) {
  const written = shown_steps(picture, count);
  const row = rows_at(picture, written) - 1;
  return { written, ...(row >= 0 && stack !== picture.maps.encoder?.stack && { query: row }) };
}

/**
 * One written token on or back.
 *
 * @param {Pick<import("../../keys.js").Control, "state" | "scene">} control
 * @param {number} by
 */
export function step_written({ state, scene }, by) {
  const picture = scene.own.peek()?.picture;
  if (picture?.kind !== "generation" || !is_written(picture)) return;
  const now = shown_steps(picture, state.written.peek());
  state.choose(choice_of(picture, now + by, state.stack.peek()));
}

/**
 * Play, or stop playing; from the beginning where all is on screen.
 *
 * @param {Pick<import("../../keys.js").Control, "state" | "scene" | "ui">} control
 */
export function toggle_playing({ state, scene, ui }) {
  const picture = scene.own.peek()?.picture;
  if (picture?.kind !== "generation" || !is_written(picture) || picture.steps.length === 0) return;
  const is_starting = !ui.playing.peek();
  if (is_starting && shown_steps(picture, state.written.peek()) === picture.steps.length) {
    state.choose({ written: 0 });
  }
  ui.playing.value = is_starting;
}
