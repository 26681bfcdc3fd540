import { useSignal } from "@preact/signals";
import { Segmented } from "../../parts/segmented.jsx";

const MOST = 4096;
const HOTTEST = 100;

/** @type {readonly (readonly ["likeliest" | "drawn", string])[]} */
const CHOICES = [
  ["likeliest", "Likeliest"],
  ["drawn", "Drawn"],
];

/**
 * How a next generation is to be written, and the button that asks for it.
 *
 * @param {{picture: import("../messages.js").GenerationPicture,
 *   scene: import("../../scene.js").Scene}} props
 */
export function Settings({ picture, scene }) {
  const most = useSignal(20);
  const choice = useSignal(/** @type {"likeliest" | "drawn"} */ ("likeliest"));
  const temperature = useSignal(0.8);
  const writing = scene.writing.value;
  if (picture.why_not) {
    return <p class="aw-quiet aw-generation-why">{picture.why_not.join(" ")}</p>;
  }
  if (writing) {
    return (
      <div class="aw-generation-settings">
        <button type="button" class="aw-button aw-generation-go" onClick={scene.stop_writing}>
          Stop
        </button>
        <span class="aw-quiet" role="status">
          {writing.done} of {writing.of} written
        </span>
      </div>
    );
  }
  const generate = () =>
    scene.generate({
      most: most.value,
      temperature: choice.value === "drawn" ? temperature.value : null,
      seed: null,
    });
  return (
    <form
      class="aw-generation-settings"
      onSubmit={(event) => {
        event.preventDefault();
        generate();
      }}
    >
      <button type="submit" class="aw-button aw-generation-go">
        {picture.steps ? "Generate again" : "Generate"}
      </button>
      <label>
        <input
          type="number"
          min="1"
          max={MOST}
          value={most.value}
          onInput={({ currentTarget: { valueAsNumber } }) => {
            if (valueAsNumber >= 1) most.value = Math.min(MOST, Math.round(valueAsNumber));
          }}
        />{" "}
        tokens
      </label>
      <Segmented
        label="Which token is taken"
        value={choice.value}
        options={CHOICES}
        onChoose={(value) => {
          choice.value = value;
        }}
      />
      {choice.value === "drawn" && (
        <label>
          temperature{" "}
          <input
            type="number"
            min="0.05"
            max={HOTTEST}
            step="0.05"
            value={temperature.value}
            onInput={({ currentTarget: { valueAsNumber } }) => {
              if (valueAsNumber > 0) temperature.value = Math.min(HOTTEST, valueAsNumber);
            }}
          />
        </label>
      )}
    </form>
  );
}
