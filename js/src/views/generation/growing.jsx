import { useMemo } from "preact/hooks";
import { useCanvas } from "../../draw/canvas.js";
import { paint_tile } from "../../draw/cells.js";
import { palette } from "../../draw/colours.js";
import { scale_of_tile, steps_of_tile } from "../../draw/scale.js";
import { fit_label, text_measure } from "../../draw/text.js";
import { useSize } from "../../parts/use_size.js";
import { heads_in_words, shown_token } from "../../words.js";
import { Labels } from "../matrix/labels.jsx";
import { rows_at } from "./steps.js";

/** @typedef {import("./steps.js").Written} Written */

const LABEL = 12;
const LARGER = 1.6;
const MOST_LABEL = 72;
const LARGEST_CELL = 30;
const LEAST_CELL_WITH_GAP = 9;

/**
 * The map of the selected head, a row for every token that has looked; and for an encoder–decoder
 * that over the source.
 *
 * @param {{written: Written, count: number, ui: import("../../ui.js").Ui}} props
 */
export function Growing({ written, count, ui }) {
  const { own, cross } = written.maps;
  return (
    <>
      {own && <HeadMap {...{ written, count, ui }} name="own" title="Looks back" />}
      {cross && <HeadMap {...{ written, count, ui }} name="cross" title="Looks at the source" />}
    </>
  );
}

/**
 * @param {{written: Written, count: number, ui: import("../../ui.js").Ui, name: "own" | "cross",
 *   title: string}} props
 */
function HeadMap({ written, count, ui, name, title }) {
  const [ref, size] = useSize();
  const map = written.maps[name];
  const element = ref.current;
  if (!map) return null;
  const [[layer, head]] = map.heads;
  const where = heads_in_words(
    /** @type {any} */ ({ set: [[layer, head]], layer: { layer }, head }),
  );
  return (
    <figure class="aw-generation-map">
      <figcaption title={`Stack ${map.stack}`}>
        {title}: {where}
      </figcaption>
      <div class="aw-generation-drawing" ref={ref}>
        {element && size.width > 0 && size.height > 0 && (
          <Cells
            {...{ written, count, name, map, size, element }}
            scheme={ui.scheme.value}
            large={ui.lecture.value}
          />
        )}
      </div>
    </figure>
  );
}

/**
 * @param {{written: Written, count: number, name: "own" | "cross",
 *   map: import("../messages.js").WrittenMap, size: {width: number, height: number},
 *   element: HTMLElement, scheme: import("../../draw/colours.js").Scheme, large: boolean}} props
 */
function Cells({ written, count, name, map, size, element, scheme, large }) {
  const larger = large ? LARGER : 1;
  const measure = useMemo(() => text_measure(element, LABEL * larger), [element, larger]);
  const [rows, cols] = [map.rows[1], map.cols[1]];
  const keys = (name === "cross" ? written.source : written.target)?.texts ?? [];
  const most = Math.min(MOST_LABEL * larger, size.width / 4);
  const label_of = (/** @type {string} */ text) => fit_label(shown_token(text).text, most, measure);
  const widest = (/** @type {string[]} */ texts) =>
    Math.ceil(Math.max(12, ...texts.map((text) => measure(label_of(text)))));
  const left = useMemo(() => widest(written.target.texts) + 10, [written, most]);
  const slanted = useMemo(() => Math.ceil(widest(keys) * Math.SQRT1_2) + 10, [written, most]);
  const largest = LARGEST_CELL * larger;
  const cell = Math.min(
    largest,
    (size.width - left - slanted) / cols,
    (size.height - slanted - 4) / rows,
  );
  const whole = cell >= 4 ? Math.floor(cell) : cell;
  const plot = {
    ...{ left, top: slanted },
    width: Math.max(1, Math.round(whole * cols)),
    height: Math.max(1, Math.round(whole * rows)),
  };
  const seen = rows_at(written, count);
  const region = { rows: map.rows, cols: map.cols };
  const tile = useMemo(() => tile_of(written, name), [written, name]);
  const colours = useMemo(() => palette(scheme), [scheme]);
  const canvas = useCanvas(
    plot.width,
    plot.height,
    colours.ground,
    (pixels, unit) => {
      const scale = scale_of_tile("sqrt", tile, name === "own");
      const gap = whole >= LEAST_CELL_WITH_GAP ? unit : 0;
      paint_tile(pixels, tile, region, colours, { gap, unit, steps: steps_of_tile(tile, scale) });
      // Rows of tokens that have not looked yet.
      pixels.data.fill(colours.ground, Math.round((seen / rows) * pixels.height) * pixels.width);
    },
    [tile, seen, colours, whole],
  );
  const side = (/** @type {string[]} */ texts) => ({
    texts,
    spans: texts.map((_, i) => /** @type {[number, number]} */ ([i, i + 1])),
  });
  const newest = seen > 0 ? seen - 1 : null;
  const known = name === "own" ? written.start + count : keys.length;
  const hidden = (/** @type {string[]} */ texts, /** @type {number} */ upto) =>
    texts.map((text, i) => (i < upto ? text : ""));
  const said =
    newest === null
      ? "No row yet."
      : `${seen} of ${rows} rows; the newest is of ${written.target.texts[newest]}.`;
  return (
    <>
      <Labels
        sides={
          /** @type {any} */ ({
            queries: side(hidden(written.target.texts.slice(0, rows), seen)),
            keys: side(hidden(keys.slice(0, cols), known)),
          })
        }
        {...{ region, plot, larger, label_of: (text) => (text === "" ? "" : label_of(text)) }}
        place={/** @type {any} */ ({ query: newest, key: null })}
      />
      <canvas ref={canvas} class="aw-cells" role="img" aria-label={said} style={plot} />
      {newest !== null && (
        <div
          class="aw-frame aw-frame-query"
          style={{
            left: plot.left - 1,
            top: plot.top + Math.floor(newest * whole) - 1,
            width: plot.width + 1,
            height: Math.max(5, Math.round(whole) + 1),
          }}
        />
      )}
    </>
  );
}

/** A map as a tile of its head. @param {Written} written @param {"own" | "cross"} name @returns {import("../../messages.js").TilePicture} */
function tile_of(written, name) {
  const map = /** @type {import("../messages.js").WrittenMap} */ (written.maps[name]);
  const cells = written[`${name}_cells`] ?? new Float32Array();
  const [rows, cols] = [map.rows[1], map.cols[1]];
  const shape = [Math.ceil(rows / map.block[0]), Math.ceil(cols / map.block[1])];
  return {
    type: "picture",
    key: written.key,
    pass: written.pass,
    coarse: false,
    kind: "tile",
    ...{ rows: map.rows, cols: map.cols, block: map.block, query_len: rows, key_len: cols },
    cells,
    flags: written[`${name}_flags`] ?? new Uint8Array(),
    shape,
    encoding: "linear",
    max: cells.reduce((most, cell) => Math.max(most, cell), 0),
    row_sums: new Float32Array(),
    col_sums: new Float32Array(),
  };
}
