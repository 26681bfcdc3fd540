import { named_stages, step_stage } from "./stages.js";

/** @typedef {import("./stage_names.js").Stage} Stage */

/** Of the words on the line, about as wide as they are set, and the room between them. */
const [LETTER, GAP] = [7, 8];

/**
 * The stages as a line of buttons, those that are finished in full colour.
 *
 * @param {{picture: import("../messages.js").StepsPicture, stage: Stage, width: number, unit: number,
 *   state: import("../../state.js").State, scene: import("../../scene.js").Scene}} props
 */
export function StageLine({ picture, stage, width, unit, state, scene }) {
  const all = named_stages(picture);
  const now = all.findIndex(([name]) => name === stage);
  // All are as wide as the longest, so that none touches the next.
  const longest = Math.max(...all.map(([, words]) => words.length));
  const needed = all.length * (longest * LETTER + GAP) * unit;
  const has_words = width === 0 || width >= needed;
  return (
    <nav class={`aw-stages${has_words ? "" : " aw-stages-bare"}`} aria-label="Stages">
      <ol>
        {all.map(([name, words], i) => (
          <li key={name}>
            <button
              type="button"
              class={`aw-stage${i <= now ? " aw-stage-done" : ""}`}
              aria-current={i === now ? "step" : undefined}
              aria-label={words}
              title={has_words ? undefined : words}
              onClick={() => state.choose({ stage: name })}
            >
              {has_words && words}
            </button>
          </li>
        ))}
      </ol>
      {!has_words && (
        <p class="aw-stage-now">
          <button
            type="button"
            class="aw-step"
            aria-label="Stage: earlier"
            disabled={now === 0}
            onClick={() => step_stage({ state, scene }, -1)}
          >
            ‹
          </button>
          <b>{all[now][1]}</b>{" "}
          <span class="aw-quiet">
            {now + 1} of {all.length}
          </span>
          <button
            type="button"
            class="aw-step"
            aria-label="Stage: later"
            disabled={now === all.length - 1}
            onClick={() => step_stage({ state, scene }, 1)}
          >
            ›
          </button>
        </p>
      )}
    </nav>
  );
}
