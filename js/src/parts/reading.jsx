import { rank_in_row } from "../attention.js";
import { MASKED, NOT_A_NUMBER } from "../messages.js";
import { looker } from "../place.js";
import { percent, weight_in_words } from "../words.js";
import { Token } from "./token.jsx";

/**
 * The selected weight, large, with its rank; then the largest of the row (or the column).
 *
 * @param {{scene: import("../scene.js").Scene, letters?: number, listed?: number,
 *   onChoose?: (items: {query?: number, key?: number}) => void}} props  `letters`: of each token at
 *   most; `listed`: how many of the row there is room for.
 */
export function Reading({ scene, letters = 14, listed = 0, onChoose }) {
  const picture = scene.shown.value;
  const row = scene.row.value;
  const at = row ? row.at : picture && looker(picture.place);
  if (!picture || at === null) return null;
  const { tokens, place } = picture;
  const [near, far] = sides(row ?? place);
  // With no other end chosen, or another token under the pointer, the row's largest is read.
  const chosen = at === place[near] ? place[far] : null;
  const end = chosen ?? row?.facts.order[0] ?? null;
  if (end === null) return null;
  const pair = { [near]: at, [far]: end };
  return (
    <div class="aw-reading">
      <div class="aw-pair">
        <Token said text={tokens.queries[pair.query]} as="query" most={letters} />
        <span class="aw-arrow"> → </span>
        <Token said text={tokens.keys[pair.key]} as="key" most={letters} />
      </div>
      <div class="aw-number">{row ? number_in_words(row, end) : "…"}</div>
      <div class="aw-rank">{row && rank_in_words(row, end)}</div>
      {row && listed > 0 && row.facts.order.length > 1 && (
        <ol class="aw-largest" aria-label="Largest weights">
          {row.facts.order.slice(0, listed).map((item) => (
            <li key={item}>
              <button
                type="button"
                class="aw-large"
                aria-pressed={item === place[far]}
                title={`token ${(far === "key" ? picture.sides.keys : picture.sides.queries).spans[item][0]}`}
                onClick={() => onChoose?.({ [far]: item })}
              >
                <Token
                  text={(far === "key" ? tokens.keys : tokens.queries)[item]}
                  as={item === place[far] ? far : "other"}
                  most={12}
                />
                <span class={`aw-share-bar${row.weights[item] < 0 ? " aw-minus" : ""}`}>
                  <i
                    style={{
                      width: `${Math.abs((100 * row.weights[item]) / row.weights[row.facts.order[0]])}%`,
                    }}
                  />
                </span>
                <span class="aw-share">{percent(row.weights[item] / row.whole)}</span>
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

/** The side that looks (or is looked at), then the one at the other end. @param {{direction: import("../messages.js").Direction}} way @returns {["query" | "key", "query" | "key"]} */
function sides({ direction }) {
  return direction === "from" ? ["query", "key"] : ["key", "query"];
}

/** @param {SceneRow} row @param {number} key */
function rank_in_words(row, key) {
  if (row.flags[key] === MASKED) return "the mask forbids this look";
  const rank = rank_in_row(row, row.facts, key);
  return rank === null
    ? "not a number in the model itself"
    : `rank ${rank} of ${row.facts.order.length} in its ${row.direction === "from" ? "row" : "column"}`;
}
