import { Token } from "../../parts/token.jsx";
import { percent, weight_in_words } from "../../words.js";
import { step_at } from "./steps.js";

/** @param {string} text @param {number} share @param {boolean} is_chosen */
const said = (text, share, is_chosen) =>
  `${text}${share < 0 ? "" : `: ${weight_in_words(share)}`}${is_chosen ? ", written" : ""}`;

/**
 * What could have come next, as bars; what was taken is marked.
 *
 * @param {{written: import("./steps.js").Written, count: number}} props
 */
export function Candidates({ written, count }) {
  const step = step_at(written, count);
  return (
    <figure class="aw-generation-candidates">
      <figcaption>Next token, as the model has it</figcaption>
      {step === null ? (
        <p class="aw-quiet">Nothing is written yet.</p>
      ) : (
        <ol>
          {step.candidates.map(({ text, share, is_chosen }, i) => (
            <li
              key={i}
              class={is_chosen ? "aw-generation-chosen" : undefined}
              title={said(text, share, is_chosen)}
            >
              <span class="aw-generation-name">
                {is_chosen && <span aria-hidden="true">✓ </span>}
                <Token text={text} most={16} />
              </span>
              <span class="aw-generation-bar" aria-hidden="true">
                <i style={{ width: `${100 * Math.max(0, share)}%` }} />
              </span>
              <span class="aw-generation-share">{share < 0 ? "?" : percent(share)}</span>
            </li>
          ))}
        </ol>
      )}
    </figure>
  );
}
