import { step_pass, toggle_pause } from "../keys.js";

/**
 * Which pass is on screen: following the newest, or staying at one that is kept.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State}} props
 */
export function Passes({ scene, state }) {
  const model = scene.model.value;
  if (!model || model.passes.newest < 2) return null;
  const { shown, newest, kept, paused } = model.passes;
  // Arrays and traces have one pass; a model that is not followed has those of its texts.
  if (!model.live && !paused && kept.length < 2) return null;
  return (
    <span class="aw-stepper aw-passes">
      <button
        type="button"
        class="aw-step"
        aria-label="The pass before"
        disabled={!kept.some((n) => n < shown)}
        onClick={() => step_pass({ scene, state }, -1)}
      >
        ‹
      </button>
      <span>
        {paused ? "paused · " : model.live ? "live · " : ""}pass <b>{shown}</b>
        {paused && ` of ${newest}`}
      </span>
      <button
        type="button"
        class="aw-step"
        aria-label="The pass after"
        disabled={!kept.some((n) => n > shown)}
        onClick={() => step_pass({ scene, state }, 1)}
      >
        ›
      </button>
      {(model.live || paused) && (
        <button
          type="button"
          class="aw-segment"
          aria-pressed={paused}
          onClick={() => toggle_pause({ scene, state })}
        >
          {paused ? "Follow" : "Pause"}
        </button>
      )}
    </span>
  );
}
