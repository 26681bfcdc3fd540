/**
 * A number with a step to either side: "Batch ‹ 2 of 8 ›".
 *
 * @param {{label: string, shown: string, onStep: (by: 1 | -1) => void, atStart: boolean,
 *   atEnd: boolean}} props
 */
export function Stepper({ label, shown, onStep, atStart, atEnd }) {
  return (
    <span class="aw-stepper">
      <button
        type="button"
        class="aw-step"
        aria-label={`${label}: one less`}
        disabled={atStart}
        onClick={() => onStep(-1)}
      >
        ‹
      </button>
      <span>
        {label} <b>{shown}</b>
      </span>
      <button
        type="button"
        class="aw-step"
        aria-label={`${label}: one more`}
        disabled={atEnd}
        onClick={() => onStep(1)}
      >
        ›
      </button>
    </span>
  );
}
