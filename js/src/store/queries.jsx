import { percent } from "../words.js";
import { move_query } from "./edits.js";
import { blend_of_numbers, blend_of_vectors } from "./numbers.js";
import { vector_in_words, writer_of } from "./said.js";
import { name_of_query } from "./state.js";
import { top_of } from "./strip.jsx";
import { VectorCell } from "./vector_cell.jsx";

/** @typedef {import("./state.js").View} View */

/** More queries than this scroll away with the entries. */
const MOST_KEPT = 4;

/** What comes back for one query, short. @param {{view: View, weights: number[]}} props */
function ShortResult({ view, weights }) {
  if (view.kind === "number") {
    const values = /** @type {number[]} */ (view.values);
    return <b>{writer_of(values)(blend_of_numbers(weights, values))}</b>;
  }
  if (view.kind === "vector") {
    const values = /** @type {number[][]} */ (view.values);
    const vector = blend_of_vectors(weights, values);
    return <span>{vector_in_words(vector, 3, writer_of(values.flat()))}</span>;
  }
  const top = weights.indexOf(Math.max(...weights));
  return (
    <span>
      {percent(weights[top])} {view.names[top]}
    </span>
  );
}

/** Columns between key and value, as far as they are shown. @param {View} view */
function columns_of({ keys, reach }) {
  const names = ["aw-cell-score"];
  if (keys[0].length > 1) names.push("aw-cell-score aw-cell-cosine");
  if (reach >= 1) names.push("aw-cell-score aw-cell-scaled");
  if (reach >= 2) names.push("aw-cell-attention");
  return names;
}

/** The queries, where there are several or their numbers are to be typed. @param {import("./table.jsx").Shown} props */
export function Queries({ store, view }) {
  const with_numbers = view.screen !== "recipes";
  const between = columns_of(view);
  const top = top_of(view.query);
  return (
    <tbody class={`aw-queries${view.query.length <= MOST_KEPT ? " aw-few" : ""}`}>
      {view.query.map((vector, at) => {
        const name = name_of_query(view, at);
        return (
          <tr key={at} class={at === view.at ? "aw-row-chosen" : ""}>
            <td class="aw-cell-name">
              <button
                type="button"
                class="aw-query-name"
                aria-pressed={at === view.at}
                onClick={() => {
                  store.at.value = at;
                }}
              >
                {name}
              </button>
            </td>
            {with_numbers && (
              <VectorCell
                {...{ vector, name, top }}
                of="query"
                onChange={(to) => {
                  const data = store.data.peek();
                  if (data) store.choose(move_query(data, at, to));
                  store.at.value = at;
                }}
              />
            )}
            {between.map((name) => (
              <td key={name} class={name} />
            ))}
            <td class="aw-cell-result">
              {view.reach >= 3 && (
                <>
                  <span class="aw-arrow">→ </span>
                  <ShortResult view={view} weights={view.rows[at]} />
                </>
              )}
            </td>
          </tr>
        );
      })}
    </tbody>
  );
}
