/**
 * A vector as bars above and below a base line.
 *
 * @param {{vector: number[], of: "query" | "key" | "value", top: number, label: string}} props
 *   `top`: the size that fills the height, one for all strips of a kind.
 */
export function Strip({ vector, of, top, label }) {
  const wide = Math.max(1, Math.min(8, Math.floor(96 / vector.length)));
  const gap = wide > 2 ? 1 : 0;
  return (
    <svg
      class={`aw-strip aw-of-${of}`}
      width={Math.min(120, wide * vector.length)}
      height="20"
      viewBox={`0 -10 ${wide * vector.length} 20`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{vector.length > 12 ? label : vector.join(", ")}</title>
      <path class="aw-base" d={`M0 0H${wide * vector.length}`} />
      <path
        d={vector
          .map((number, i) => {
            const height = Math.max(-10, Math.min(10, (10 * number) / (top || 1)));
            return `M${i * wide} 0h${wide - gap}v${-height}h${gap - wide}z`;
          })
          .join("")}
      />
    </svg>
  );
}

/** @param {number[][]} vectors */
export function top_of(vectors) {
  let top = 0;
  for (const vector of vectors) for (const number of vector) top = Math.max(top, Math.abs(number));
  return top;
}
