import { MEASURES } from "../measured.js";

/**
 * What thumbnails show: the pattern, or a number of each head.
 *
 * @param {{state: import("../state.js").State}} props
 */
export function ColourBy({ state }) {
  const measure = state.measure.value;
  return (
    <div class="aw-colour-by">
      <label>
        Colour by{" "}
        <select
          class="aw-select"
          value={measure ?? ""}
          onChange={(event) =>
            state.choose({ measure: /** @type {any} */ (event.currentTarget.value || null) })
          }
        >
          <option value="">what it looks at</option>
          {MEASURES.map(([name, title]) => (
            <option key={name} value={name}>
              {title.toLowerCase()}
            </option>
          ))}
        </select>
      </label>
      {measure && (
        <label class="aw-sort">
          <input
            type="checkbox"
            checked={state.sort.value}
            onChange={(event) => state.choose({ sort: event.currentTarget.checked })}
          />{" "}
          Sort
        </label>
      )}
    </div>
  );
}
