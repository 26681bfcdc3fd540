import { NumberField } from "./fields.jsx";
import { Strip } from "./strip.jsx";

/** Longer vectors are drawn as bars, not typed. */
export const MOST_FIELDS = 6;

/**
 * The numbers of a query or key: to be typed where they are few.
 *
 * @param {{vector: number[], of: "query" | "key", name: string, top: number,
 *   onChange: (vector: number[]) => void}} props
 */
export function VectorCell({ vector, of, name, top, onChange }) {
  if (vector.length > MOST_FIELDS) {
    return (
      <td class="aw-cell-vector">
        <Strip vector={vector} of={of} top={top} label={`${of} of ${name}`} />
      </td>
    );
  }
  return (
    <td class="aw-cell-vector">
      <span class="aw-components">
        {vector.map((number, i) => (
          <NumberField
            key={i}
            value={number}
            of={of}
            label={`number ${i + 1} of ${name}`}
            onChange={(to) => onChange(vector.map((old, j) => (i === j ? to : old)))}
          />
        ))}
      </span>
    </td>
  );
}
