import { useMemo } from "preact/hooks";
import { head_facts, mean_distance } from "../attention.js";
import { is_pattern } from "../place.js";
import { percent } from "../words.js";

/** Above this a habit is worth a name. */
const MOSTLY = 0.5;
const ALMOST_EVEN = 0.95;

/**
 * What the head and the row are like, measured, in words.
 *
 * @param {{scene: import("../scene.js").Scene}} props
 */
export function LooksLike({ scene }) {
  const picture = scene.shown.value;
  const row = scene.row.value;
  const drawn = scene.drawn.value;
  const tile = drawn && !drawn.stale && drawn.place.set.length === 1 ? drawn.tiles[0] : null;
  const head = useMemo(() => tile && head_facts(tile), [tile]);
  const stack = picture?.place.stack;
  const is_self = stack?.kind === "self" && picture?.sides.keys === picture?.sides.queries;
  const has_row = row && row.facts.not_numbers === 0 && row.facts.order.length > 1;
  if (!picture || !is_pattern(picture.place) || (!head && !has_row)) return null;
  return (
    <section class="aw-looks">
      <h3 class="aw-heading">Looks like</h3>
      {head && <p>{head_in_words(head, is_self)}</p>}
      {has_row && (
        <p>
          This {row.direction === "from" ? "row" : "column"}: entropy {row.facts.entropy.toFixed(1)}{" "}
          of {row.facts.most_entropy.toFixed(1)} bits
          {is_self && `, mean distance ${tokens_apart(mean_distance(row, row.facts, row.at))}`}.
        </p>
      )}
    </section>
  );
}

/** @param {number} distance */
function tokens_apart(distance) {
  return `${distance.toFixed(distance < 10 ? 1 : 0)} tokens`;
}

/** @param {import("../attention.js").HeadFacts} head @param {boolean} is_self */
function head_in_words(head, is_self) {
  // "First", "before" and "itself" say something only where queries and keys are the same tokens.
  if (!is_self) {
    const even = head.evenness > ALMOST_EVEN ? "Almost even. " : "";
    return `${even}On average a row has ${percent(head.evenness)} of the entropy it could have.`;
  }
  /** @type {[number, string][]} */
  const shares = [
    [head.first, "the first token"],
    [head.previous, "the token before"],
    [head.itself, "itself"],
  ];
  shares.sort((a, b) => b[0] - a[0]);
  const [[most, where]] = shares;
  const habit =
    head.evenness > ALMOST_EVEN ? "Almost even. " : most >= MOSTLY ? `Mostly at ${where}. ` : "";
  const list = shares.map(([share, what]) => `${percent(share)} at ${what}`).join(", ");
  return `${habit}On average a row looks ${list}.`;
}
