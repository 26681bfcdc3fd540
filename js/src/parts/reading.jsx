import { rank_in_row } from "../attention.js";
import { MASKED, NOT_A_NUMBER } from "../messages.js";
import { percent, weight_in_words } from "../words.js";
import { Token } from "./token.jsx";

/**
 * The selected weight, large, with its rank; then the largest of the row.
 *
 * @param {{scene: import("../scene.js").Scene, letters?: number, listed?: number,
 *   onKey?: (key: number) => void}} props  `letters`: of each token at most;
 *   `listed`: how many of the row there is room for.
 */
export function Reading({ scene, letters = 14, listed = 0, onKey }) {
  const picture = scene.drawn.value;
  const row = scene.row.value;
  if (!picture || picture.place.query === null) return null;
  const { tokens, place } = picture;
  const query = /** @type {number} */ (place.query);
  // With no key chosen the row's largest is read.
  const key = place.key ?? row?.facts.order[0] ?? null;
  if (key === null) return null;
  return (
    <div class="aw-reading">
      <div class="aw-pair">
        <Token text={tokens.queries[query]} as="query" most={letters} />
        <span class="aw-arrow"> → </span>
        <Token text={tokens.keys[key]} as="key" most={letters} />
      </div>
      <div class="aw-number">{row ? number_in_words(row, key) : "…"}</div>
      <div class="aw-rank">{row && rank_in_words(row, key)}</div>
      {row && listed > 0 && row.facts.order.length > 1 && (
        <ol class="aw-largest" aria-label="Largest weights of the row">
          {row.facts.order.slice(0, listed).map((k) => (
            <li key={k}>
              <button
                type="button"
                class="aw-large"
                aria-pressed={k === place.key}
                title={`token ${k}`}
                onClick={() => onKey?.(k)}
              >
                <Token text={tokens.keys[k]} as={k === place.key ? "key" : "other"} most={12} />
                <span class="aw-share-bar">
                  <i
                    style={{
                      width: `${(100 * row.weights[k]) / row.weights[row.facts.order[0]]}%`,
                    }}
                  />
                </span>
                <span class="aw-share">{percent(row.weights[k])}</span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** @typedef {NonNullable<import("../scene.js").Scene["row"]["value"]>} SceneRow */

/** @param {SceneRow} row @param {number} key */
function number_in_words(row, key) {
  if (row.flags[key] === MASKED) return "masked";
  if (row.flags[key] === NOT_A_NUMBER) return "NaN";
  return weight_in_words(row.weights[key]);
}

/** @param {SceneRow} row @param {number} key */
function rank_in_words(row, key) {
  if (row.flags[key] === MASKED) return "the mask forbids this look";
  const rank = rank_in_row(row, row.facts, key);
  return rank === null
    ? "not a number in the model itself"
    : `rank ${rank} of ${row.facts.order.length} in its row`;
}
