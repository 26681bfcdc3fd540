import { STEPS } from "./state.js";

/**
 * The steps of the computation, those that are shown lit.
 *
 * @param {import("./table.jsx").Shown & {is_tiny: boolean}} props
 */
export function Flow({ store, view, is_tiny }) {
  const names = {
    scores: view.by_distance ? "compare q with k" : "q·k",
    scale: "× β",
    softargmax: view.hard ? "argmax" : "soft(arg)max",
    blend: is_tiny ? "blend" : "blend of values",
  };
  return (
    <div class="aw-flow">
      <ol class="aw-flow-steps">
        {STEPS.map((step, i) => (
          <li key={step} class={i <= view.reach ? "aw-flow-on" : ""}>
            <button
              type="button"
              aria-current={i === view.reach ? "step" : undefined}
              disabled={view.is_hidden && i > 1}
              onClick={() => store.choose({ step })}
            >
              {names[step]}
            </button>
          </li>
        ))}
      </ol>
      <button
        type="button"
        class="aw-segment"
        aria-pressed={view.predict}
        onClick={() => {
          store.guess.value = null;
          store.choose({ predict: !view.predict });
        }}
      >
        Predict first
      </button>
    </div>
  );
}

/** The step after, or before; after the last comes the first. @param {import("./state.js").View} view @param {1 | -1} by */
export function next_step({ reach, is_hidden }, by) {
  const count = is_hidden ? 2 : STEPS.length;
  return STEPS[(reach + by + count) % count];
}
