import { choice_of, step_written, toggle_playing } from "./steps.js";

/**
 * Play, one token on or back, and a slider over all that was written.
 *
 * @param {{written: import("./steps.js").Written, count: number,
 *   state: import("../../state.js").State, ui: import("../../ui.js").Ui,
 *   scene: import("../../scene.js").Scene}} props
 */
export function Player({ written, count, state, ui, scene }) {
  const all = written.steps.length;
  const is_playing = ui.playing.value;
  const control = { state, ui, scene };
  /** @param {number} by */
  const step = (by) => () => {
    ui.playing.value = false;
    step_written(control, by);
  };
  return (
    <div class="aw-generation-player">
      <button
        type="button"
        class="aw-button aw-generation-play"
        title={`${is_playing ? "Pause" : "Play"} (p)`}
        onClick={() => toggle_playing(control)}
      >
        <svg viewBox="0 0 10 10" aria-hidden="true">
          <path d={is_playing ? "M1 0h3v10h-3zM6 0h3v10h-3z" : "M1 0l9 5l-9 5z"} />
        </svg>
        {is_playing ? "Pause" : "Play"}
      </button>
      <button
        type="button"
        class="aw-button"
        aria-label="One token back"
        title="One token back (Shift + Space)"
        disabled={count === 0}
        onClick={step(-1)}
      >
        −
      </button>
      <input
        type="range"
        min="0"
        max={all}
        value={count}
        aria-label="Written tokens on screen"
        aria-valuetext={`${count} of ${all} tokens`}
        onInput={({ currentTarget }) => {
          ui.playing.value = false;
          state.choose(choice_of(written, Number(currentTarget.value), state.stack.peek()));
        }}
      />
      <button
        type="button"
        class="aw-button"
        aria-label="One token on"
        title="One token on (Space)"
        disabled={count === all}
        onClick={step(1)}
      >
        +
      </button>
      <span class="aw-quiet aw-generation-count">
        {count} of {all}
      </span>
    </div>
  );
}
