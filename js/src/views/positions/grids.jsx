import { useMemo } from "preact/hooks";
import { GreyMap } from "./charts.jsx";
import { map_of_maps } from "./numbers.js";

/** More patches than these would be less than a pixel each. */
const MOST = 196;

/**
 * For every patch its similarity with all others, each map where its patch lies: figure 7 (middle)
 * of Dosovitskiy et al. (2021).
 *
 * @param {{grid: [number, number, number], similarity: Float32Array, at: number, similar: number,
 *   scheme: import("../../draw/colours.js").Scheme, onChoose: (position: number) => void}} props
 */
export function GridOfGrids({ grid, similarity, at, similar, scheme, onChoose }) {
  const [rows, cols, before] = grid;
  const values = useMemo(() => map_of_maps(similarity, grid), [similarity, grid]);
  if (rows * cols > MOST) return null;
  const own = at - before;
  /** @param {{row: number, col: number}} cell */
  const position = ({ row, col }) =>
    before + Math.floor(row / rows) * cols + Math.floor(col / cols);
  return (
    <section class="aw-positions-all">
      <h3 class="aw-heading">Every patch with all others</h3>
      <div class="aw-map-of-maps">
        <GreyMap
          values={values}
          rows={rows * rows}
          cols={cols * cols}
          {...{ scheme }}
          top={similar}
          label={`${rows} × ${cols} maps of ${rows} × ${cols} patches`}
          row={null}
          col={null}
          onPeek={() => {}}
          onChoose={(cell) => onChoose(position(cell))}
        />
        <i class="aw-map-lines" style={{ backgroundSize: `${100 / cols}% ${100 / rows}%` }} />
        {own >= 0 && (
          <i
            class="aw-map-cell"
            style={{
              left: `${(100 * (own % cols)) / cols}%`,
              top: `${(100 * Math.floor(own / cols)) / rows}%`,
              width: `${100 / cols}%`,
              height: `${100 / rows}%`,
            }}
          />
        )}
      </div>
    </section>
  );
}
