/** @typedef {import("../messages.js").Weigh} Weigh */

/** As in attnwidget/reading.py. @type {[Weigh, string][]} */
const WEIGHS = [
  ["pattern", "Pattern"],
  ["values", "× size of value"],
  ["output", "× what is added"],
  ["gradient", "× gradient"],
  ["rollout", "Rollout"],
];

/** What a weight is multiplied by. @param {{scene: import("../scene.js").Scene, state: import("../state.js").State}} props */
export function WeighSelect({ scene, state }) {
  const notes = scene.weighed.value?.NOTES;
  const now = state.weigh.value;
  return (
    <label class="aw-weigh">
      <span class="aw-quiet">Weigh</span>
      <select
        class="aw-select"
        aria-label="Weigh"
        title={notes?.[now] ?? "What of the attention is shown"}
        value={now}
        onChange={({ currentTarget }) =>
          state.choose({ weigh: /** @type {Weigh} */ (currentTarget.value) })
        }
      >
        {WEIGHS.map(([name, words]) => (
          <option key={name} value={name} title={notes?.[name]}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
