import { percent } from "../words.js";
import { blend_of_numbers, blend_of_vectors } from "./numbers.js";
import { BlendedPicture } from "./picture.jsx";
import { vector_in_words, writer_of } from "./said.js";
import { Strip, top_of } from "./strip.jsx";

/** Shares below this are drawn together, as the rest. */
const LEAST = 0.01;
const MOST_PARTS = 12;

/** What comes back: who gives how much, and the blend itself. @param {{view: import("./state.js").View}} props */
export function Blend({ view }) {
  const { weights, names, order, kind } = view;
  const parts = order.slice(0, MOST_PARTS).filter((at) => weights[at] >= LEAST);
  const rest = 1 - parts.reduce((sum, at) => sum + weights[at], 0);
  const is_shown = view.reach >= 3;
  return (
    <div class="aw-blend">
      <h3 class="aw-heading">What comes back</h3>
      <div class="aw-blend-line">
        <div
          class="aw-blend-bar"
          role="img"
          aria-label={is_shown ? "Shares of the blend" : "Not shown yet"}
        >
          {is_shown &&
            parts.map((at) => (
              <span
                key={at}
                style={{ flexGrow: weights[at] }}
                title={`${names[at]} ${percent(weights[at])}`}
              >
                {weights[at] > 0.12 && `${names[at]} ${percent(weights[at])}`}
              </span>
            ))}
          {is_shown && rest > 1e-9 && (
            <span
              class="aw-blend-rest"
              style={{ flexGrow: rest }}
              title={`the others ${percent(rest)}`}
            />
          )}
        </div>
        {is_shown && kind === "number" && (
          <b class="aw-blend-number">
            <BlendedNumber view={view} />
          </b>
        )}
        {is_shown && kind === "vector" && <BlendedVector view={view} />}
        {is_shown && kind === "picture" && (
          <BlendedPicture urls={/** @type {string[]} */ (view.values)} weights={weights} />
        )}
      </div>
    </div>
  );
}

/** @param {{view: import("./state.js").View}} props */
function BlendedNumber({ view }) {
  const values = /** @type {number[]} */ (view.values);
  return <>{writer_of(values)(blend_of_numbers(view.weights, values))}</>;
}

/** @param {{view: import("./state.js").View}} props */
function BlendedVector({ view }) {
  const values = /** @type {number[][]} */ (view.values);
  const vector = blend_of_vectors(view.weights, values);
  return (
    <Strip
      vector={vector}
      of="value"
      top={top_of(values)}
      label={vector_in_words(vector, 12, writer_of(values.flat()))}
    />
  );
}
