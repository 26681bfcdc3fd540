import { named_stages, step_stage } from "./stages.js";

/** @typedef {import("./stage_names.js").Stage} Stage */

/** Of the words on the line, about as wide as they are set. */
const [LETTER, GAP] = [7, 8];
/** They are read as a line only with some room between them. */
const SPARE = 1.4;

/**
 * The stages as a line of buttons, those that are finished in full colour.
 *
 * @param {{picture: import("../messages.js").StepsPicture, stage: Stage, width: number, unit: number,
 *   state: import("../../state.js").State, scene: import("../../scene.js").Scene}} props
 */
export function StageLine({ picture, stage, width, unit, state, scene }) {
  const all = named_stages(picture);
  const now = all.findIndex(([name]) => name === stage);
  const needed = all.reduce((sum, [, words]) => sum + words.length * LETTER + GAP, 0);
  const has_words = width === 0 || width >= needed * unit * SPARE;
  return (
    <nav class={`aw-stages${has_words ? "" : " aw-stages-bare"}`} aria-label="Stages">
      <ol>
        {all.map(([name, words], i) => (
          <li key={name}>
            <button
              type="button"
              class={`aw-stage${i <= now ? " aw-stage-done" : ""}`}
              aria-current={i === now ? "step" : undefined}
              aria-label={name === "output" ? "sum of values" : words}
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
