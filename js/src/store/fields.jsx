import { useState } from "preact/hooks";

/**
 * A number to type. What is no number yet stays in the field and changes nothing.
 *
 * @param {{value: number, label: string, of: "query" | "key" | "value", onChange: (value: number) => void}} props
 */
export function NumberField({ value, label, of, onChange }) {
  const [draft, set_draft] = useState(/** @type {string | null} */ (null));
  return (
    <input
      class={`aw-field aw-number-field aw-of-${of}`}
      type="number"
      step="0.1"
      aria-label={label}
      value={draft ?? String(Number(value.toFixed(3)))}
      onInput={(event) => {
        const typed = event.currentTarget.value;
        set_draft(typed);
        const number = Number(typed);
        if (typed.trim() !== "" && Number.isFinite(number)) onChange(number);
      }}
      onBlur={() => set_draft(null)}
    />
  );
}

/**
 * A text to type.
 *
 * @param {{value: string, label: string, of: "query" | "key" | "value", onChange: (value: string) => void}} props
 */
export function TextField({ value, label, of, onChange }) {
  return (
    <input
      class={`aw-field aw-of-${of}`}
      type="text"
      aria-label={label}
      title={value}
      value={value}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}
