import { ramp_colours } from "../../draw/colours.js";
import { cut_middle, shown_token, weight_in_words } from "../../words.js";

/**
 * The weights, rows and columns in the order of the cards.
 *
 * @param {{weights: number[][], queries: string[], keys: string[], causal: boolean,
 *   scheme: import("../../draw/colours.js").Scheme}} props
 */
export function OrderMatrix({ weights, queries, keys, scheme, causal }) {
  const ramp = ramp_colours(scheme);
  const [rows, cols] = [queries.length, keys.length];
  const colour = (/** @type {number} */ w) =>
    `rgb(${ramp[Math.round(255 * Math.sqrt(Math.min(1, Math.max(0, w))))].join(" ")})`;
  return (
    <div class="aw-order-map">
      <div class="aw-order-labels" aria-hidden="true">
        {queries.map((text, i) => (
          <span key={`${i} ${text}`}>{cut_middle(shown_token(text).text, 10)}</span>
        ))}
      </div>
      <svg
        class="aw-order-matrix"
        style={{ width: `calc(${cols} * var(--aw-order-cell))` }}
        viewBox={`0 0 ${cols} ${rows}`}
        role="img"
        aria-label={`Weights of ${rows} queries over ${cols} keys, in this order`}
      >
        {weights.flatMap((row, i) =>
          row.map((weight, j) => (
            <rect
              key={`${i} ${j}`}
              x={j}
              y={i}
              width="1"
              height="1"
              class={causal && j > i ? "aw-order-masked" : undefined}
              fill={colour(weight)}
            >
              <title>{`${queries[i]} → ${keys[j]}: ${weight_in_words(weight)}`}</title>
            </rect>
          )),
        )}
      </svg>
    </div>
  );
}
