import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { marks_in } from "../../attention.js";
import { useCanvas } from "../../draw/canvas.js";
import { paint_bars, paint_tile } from "../../draw/cells.js";
import { palette } from "../../draw/colours.js";
import { can_have_sink, scale_of_tile, steps_of_tile } from "../../draw/scale.js";
import { fit_label, text_measure } from "../../draw/text.js";
import { Legend } from "../../parts/legend.jsx";
import { Reading } from "../../parts/reading.jsx";
import { useSize } from "../../parts/use_size.js";
import { is_pattern } from "../../place.js";
import { heads_in_words, shown_token, weight_in_words } from "../../words.js";
import { Labels } from "./labels.jsx";
import { matrix_layout, STRIP } from "./layout.js";
import { Peek } from "./peek.jsx";
import { usePointer } from "./pointer.js";

/** @typedef {import("../../drawn.js").Drawn} Drawn */
/** @typedef {import("./layout.js").Box} Box */

/** Cells at least this large are kept apart by a hairline. */
const LEAST_CELL_WITH_GAP = 9;
const LABEL_SIZE = 12;
/** How many of the longest tokens are measured to make room for labels. */
const MEASURED = 40;

/**
 * One head, token × token.
 *
 * @param {{scene: import("../../scene.js").Scene, state: import("../../state.js").State,
 *   ui: import("../../ui.js").Ui, beside: boolean}} props  `beside`: legend and reading stand at the
 *   right; else the legend below, the reading elsewhere.
 */
export function MatrixView({ scene, state, ui, beside }) {
  const [ref, size] = useSize();
  const picture = scene.drawn.value;
  const element = ref.current;
  return (
    <div class="aw-matrix" ref={ref}>
      {picture && element && size.width > 0 && size.height > 0 && (
        <Matrix {...{ picture, element, size, scene, state, ui, beside }} />
      )}
    </div>
  );
}

/**
 * @param {{picture: Drawn, element: Element, size: {width: number, height: number},
 *   scene: import("../../scene.js").Scene, state: import("../../state.js").State,
 *   ui: import("../../ui.js").Ui, beside: boolean}} props
 */
function Matrix({ picture, element, size, scene, state, ui, beside }) {
  const { tiles, tokens, region, place } = picture;
  const { stack } = place;
  const finest = tiles[tiles.length - 1];
  const scheme = ui.scheme.value;
  const most_label = size.width < 420 ? 72 : 104;
  const measure = useMemo(() => text_measure(element, LABEL_SIZE), [element]);
  const row_label = useWidest(tokens.queries, most_label, measure);
  const col_label = useWidest(tokens.keys, most_label, measure);
  const marks = useMemo(() => marks_in(finest), [finest]);
  const zoomed = ui.zoom.value !== null;
  const pooled = finest.block[0] > 1 || finest.block[1] > 1;
  const { plot, side_left } = matrix_layout({
    ...size,
    rows: stack.query_len,
    cols: stack.key_len,
    row_label,
    col_label,
    beside,
    legend_lines: 1 + Number(pooled || zoomed) + Number(pooled && size.width < 420),
  });
  useEffect(() => {
    const ratio = element.ownerDocument.defaultView?.devicePixelRatio ?? 1;
    const pixels = { width: plot.width * ratio, height: plot.height * ratio };
    const now = ui.pixels.peek();
    if (now.width !== pixels.width || now.height !== pixels.height) ui.pixels.value = pixels;
  }, [plot.width, plot.height]);

  const hover = useSignal(/** @type {{query: number, key: number} | null} */ (null));
  const scale_name = state.scale.value;
  const can_sink = is_pattern(place) && can_have_sink(stack);
  const scale = useMemo(
    () => scale_of_tile(scale_name, finest, can_sink),
    [finest, scale_name, can_sink],
  );
  const signed = finest.signed === true;
  const canvas = useTiles(picture, plot, scheme, scale, signed);
  usePointer(canvas, { picture, plot, hover, scene, ui });

  const cell = {
    width: plot.width / (region.cols[1] - region.cols[0]),
    height: plot.height / (region.rows[1] - region.rows[0]),
  };
  const label_of = (/** @type {string} */ text) =>
    fit_label(shown_token(text).text, most_label, measure);
  const listed = Math.max(0, Math.min(8, Math.floor((size.height - plot.top - 200) / 25)));
  const summary = `Attention of ${heads_in_words(place)}: ${stack.query_len} queries by ${stack.key_len} keys.`;

  return (
    <div class={picture.stale ? "aw-dimmed" : ""}>
      <Labels {...{ sides: picture.sides, region, plot, place, label_of }} />
      <canvas
        ref={canvas}
        class={`aw-cells${zoomed ? " aw-zoomed" : ""}`}
        role="img"
        aria-label={summary}
        style={plot}
      />
      <Frames {...{ region, plot, cell, place }} />
      <Sums {...{ picture, plot, scheme }} />
      <Peek {...{ hover, picture, scene, plot, cell, label_of }} />
      <div
        class={beside ? "aw-side" : "aw-below"}
        style={beside ? { left: side_left, top: plot.top } : undefined}
      >
        <Legend
          {...{ scale, marks, scheme, signed }}
          block={finest.block}
          onScale={(name) => state.choose({ scale: name })}
        />
        {zoomed && (
          <button
            type="button"
            class="aw-button aw-show-all"
            onClick={() => {
              ui.zoom.value = null;
            }}
          >
            Show all
          </button>
        )}
        {beside && <Reading scene={scene} listed={listed} onChoose={scene.select} />}
      </div>
    </div>
  );
}

/**
 * Width of the widest label of an axis.
 *
 * @param {string[]} texts
 * @param {number} most
 * @param {import("../../draw/text.js").Measure} measure
 */
function useWidest(texts, most, measure) {
  return useMemo(() => {
    const longest = texts
      .map((text) => shown_token(text).text)
      .sort((a, b) => b.length - a.length)
      .slice(0, MEASURED);
    return Math.ceil(Math.min(most, Math.max(12, ...longest.map(measure))));
  }, [texts.join("\0"), most, measure]);
}

/**
 * @param {Drawn} picture
 * @param {Box} plot
 * @param {import("../../draw/colours.js").Scheme} scheme
 * @param {import("../../draw/scale.js").Scale} scale
 * @param {boolean} signed
 */
function useTiles({ tiles, region }, plot, scheme, scale, signed) {
  const colours = useMemo(() => palette(scheme, signed), [scheme, signed]);
  const cell = plot.width / (region.cols[1] - region.cols[0]);
  return useCanvas(
    plot.width,
    plot.height,
    colours.ground,
    (pixels, unit) => {
      for (const tile of tiles) {
        const gap = cell * tile.block[1] >= LEAST_CELL_WITH_GAP ? unit : 0;
        const steps = steps_of_tile(tile, scale);
        paint_tile(pixels, tile, region, colours, { gap, unit, steps });
      }
    },
    [...tiles.slice(-1), tiles.length, ...region.rows, ...region.cols, colours, scale],
  );
}

/**
 * The selected row and column, framed.
 *
 * @param {{region: import("../../place.js").Region, plot: Box, cell: {width: number, height: number},
 *   place: import("../../place.js").Place}} props
 */
function Frames({ region, plot, cell, place }) {
  const { query, key } = place;
  const [r0, r1] = region.rows;
  const [c0, c1] = region.cols;
  // Around the cells, half on the gap before and half on the gap after them.
  const height = Math.max(5, Math.round(cell.height) + 1);
  const width = Math.max(5, Math.round(cell.width) + 1);
  return (
    <>
      {key !== null && key >= c0 && key < c1 && (
        <div
          class="aw-frame aw-frame-key"
          style={{
            left: plot.left + Math.round((key - c0 + 0.5) * cell.width - width / 2 - 0.5),
            top: plot.top - 1,
            width,
            height: plot.height + 1,
          }}
        />
      )}
      {query !== null && query >= r0 && query < r1 && (
        <div
          class="aw-frame aw-frame-query"
          style={{
            left: plot.left - 1,
            top: plot.top + Math.round((query - r0 + 0.5) * cell.height - height / 2 - 0.5),
            width: plot.width + 1,
            height,
          }}
        />
      )}
    </>
  );
}

/**
 * Row sums at the right, column sums below.
 *
 * @param {{picture: Drawn, plot: Box, scheme: import("../../draw/colours.js").Scheme}} props
 */
function Sums({ picture, plot, scheme }) {
  const { tiles, region } = picture;
  const whole = tiles[0];
  const colours = useMemo(() => palette(scheme), [scheme]);
  const gap = plot.width / (region.cols[1] - region.cols[0]) >= LEAST_CELL_WITH_GAP ? 1 : 0;
  const known = whole.col_sums.length > 0;
  const most = useMemo(() => whole.col_sums.reduce((a, b) => Math.max(a, b), 0), [whole]);
  const pattern = is_pattern(picture.place);
  const of_row = useMemo(
    () => (pattern ? 1 : whole.row_sums.reduce((a, b) => Math.max(a, b), 0)),
    [whole, pattern],
  );
  const rows = useCanvas(
    STRIP,
    plot.height,
    colours.ground,
    (pixels, unit) =>
      paint_bars(pixels, whole.row_sums, {
        held: whole.rows,
        shown: region.rows,
        most: of_row,
        gap: gap * unit,
        side: "right",
        colour: colours.bar,
      }),
    [whole, ...region.rows, colours],
  );
  const cols = useCanvas(
    plot.width,
    STRIP,
    colours.ground,
    (pixels, unit) =>
      paint_bars(pixels, whole.col_sums, {
        held: whole.cols,
        shown: region.cols,
        most,
        gap: gap * unit,
        side: "below",
        colour: colours.bar,
      }),
    [whole, most, ...region.cols, colours],
  );
  const hidden = known ? "" : " aw-hidden";
  const what = whole.signed ? "the sizes of all numbers of" : "all numbers of";
  const [of_rows, of_cols] = pattern
    ? [
        "Row sums: a full bar is 1. What is missing went to no token.",
        `Column sums: how much all queries together look at each key; the longest bar is ${most.toFixed(2)}, on a square root scale.`,
      ]
    : [
        `Row sums: ${what} a query; the longest bar is ${weight_in_words(of_row)}.`,
        `Column sums: ${what} a key; the longest bar is ${weight_in_words(most)}.`,
      ];
  return (
    <>
      <canvas
        ref={rows}
        class={`aw-sums${hidden}`}
        role="img"
        aria-label={of_rows}
        title={of_rows}
        style={{
          left: plot.left + plot.width + 4,
          top: plot.top,
          width: STRIP,
          height: plot.height,
        }}
      />
      <canvas
        ref={cols}
        class={`aw-sums${hidden}`}
        role="img"
        aria-label={of_cols}
        title={of_cols}
        style={{
          left: plot.left,
          top: plot.top + plot.height + 4,
          width: plot.width,
          height: STRIP,
        }}
      />
      <span
        class={`aw-sum-label${hidden}`}
        style={{ left: plot.left - 8, top: plot.top + plot.height + 4 }}
      >
        sum
      </span>
    </>
  );
}
