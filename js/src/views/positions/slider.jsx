/**
 * @param {{label: string, value: number, most: number, said: string,
 *   of?: "query" | "key", onChoose: (value: number) => void}} props
 */
export function Slider({ label, value, most, said, of = "query", onChoose }) {
  return (
    <label class="aw-positions-slider">
      <span>
        {label} <b>{value}</b>
        {said && <bdi class={`aw-token aw-token-${of}`}> {said}</bdi>}
      </span>
      <input
        type="range"
        min="0"
        max={most}
        value={value}
        aria-label={label}
        onInput={(event) => onChoose(Number(event.currentTarget.value))}
      />
    </label>
  );
}
