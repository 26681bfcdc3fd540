/**
 * One of a few, all of them to be seen.
 *
 * @template {string} T
 * @param {{label: string, value: T, options: readonly (readonly [T, string])[],
 *   onChoose: (value: T) => void}} props
 */
export function Segmented({ label, value, options, onChoose }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings borders and a legend of its own
    <div class="aw-segmented" role="group" aria-label={label}>
      {options.map(([option, words]) => (
        <button
          key={option}
          type="button"
          class="aw-segment"
          aria-pressed={option === value}
          onClick={() => onChoose(option)}
        >
          {words}
        </button>
      ))}
    </div>
  );
}
