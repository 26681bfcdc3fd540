/** Which stages one row of attention has, what they are called, and walking along them. */

import { stage_words } from "./numbers.js";
import { STAGES } from "./stage_names.js";

/** @typedef {import("./stage_names.js").Stage} Stage */
/** @typedef {import("../messages.js").StepsPicture} StepsPicture */

/**
 * The stages that this call has: nothing is shown of what was not done, or cannot be known.
 *
 * @param {StepsPicture} picture
 * @returns {Stage[]}
 */
export function stages_of(picture) {
  const { q, k, scores, added, masked, scale, softcap, added_is, has_products } = picture;
  const is_masked = masked.includes(1);
  const has_scores = scores !== undefined || added !== undefined;
  /** @type {Record<Stage, boolean>} */
  const has = {
    query: q !== undefined,
    keys: k !== undefined,
    products: has_products,
    sum: has_products,
    scale: has_products && (softcap !== null || (scale !== null && scale !== 1)),
    mask: has_scores && (is_masked || added_is.length > 0),
    softmax: true,
    values: picture.v !== undefined,
    output: picture.output !== undefined || picture.own_output !== undefined,
    heads: picture.heads_out !== undefined && picture.heads > 1,
    projection: picture.projection !== null && picture.projected !== undefined,
  };
  return STAGES.filter((stage) => has[stage]);
}

/**
 * The stage to show where one is wished for: the nearest earlier one if this call has not that.
 *
 * @param {Stage[]} stages
 * @param {Stage} wished
 * @returns {Stage}
 */
export function stage_shown(stages, wished) {
  const at = STAGES.indexOf(wished);
  return stages.findLast((stage) => STAGES.indexOf(stage) <= at) ?? stages[0];
}

/**
 * One stage on or back; at the ends it stays.
 *
 * @param {Pick<import("../../keys.js").Control, "state" | "scene">} control
 * @param {1 | -1} by
 */
export function step_stage({ state, scene }, by) {
  const own = scene.own.peek()?.picture;
  if (state.view.peek() !== "steps" || own?.kind !== "steps") return;
  const stages = stages_of(own);
  const next = stages[stages.indexOf(stage_shown(stages, state.stage.peek())) + by];
  if (next) state.choose({ stage: next });
}

/** As the progress line says them. @param {StepsPicture} picture @returns {[Stage, string][]} */
export const named_stages = (picture) =>
  stages_of(picture).map((stage) => [stage, stage_words(picture, stage)]);
