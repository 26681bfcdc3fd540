import { useMemo, useState } from "preact/hooks";
import { useCanvas } from "../../draw/canvas.js";
import { paint_thumbnail } from "../../draw/cells.js";
import { palette } from "../../draw/colours.js";
import { can_have_sink } from "../../draw/scale.js";
import { useSize } from "../../parts/use_size.js";
import { number_in_words, ramp_of, short_number } from "./numbers.js";
import { ranked } from "./ranked.js";

const [LABEL, GAP, BAR] = [20, 14, 5];
const SIDE = 72;
/** In larger type. */
const LARGE = 1.6;
/** Shown at once, and more of them on demand. */
const PAGE = 60;

/**
 * Heads from the largest down: what each looks at, and its number as a bar.
 *
 * @param {Pick<import("../../app.jsx").ViewProps, "scene" | "state" | "ui"> &
 *   {measured: import("./numbers.js").Measured}} props
 */
export function SortedHeads({ scene, state, ui, measured }) {
  const [ref, size] = useSize();
  const [most, set_most] = useState(PAGE);
  const all = useMemo(() => ranked(measured), [measured.picture, measured.of.name]);
  const ramp = ramp_of(ui.scheme.value);
  const place = scene.place.value;
  const factor = ui.lecture.value ? LARGE : 1;
  const side = Math.round(SIDE * factor);
  const [across, down] = [side + GAP, side + GAP + BAR + Math.round(LABEL * factor)];
  const columns = Math.max(1, Math.floor((size.width - 8 + GAP) / across));
  const shown = all.slice(0, most);
  const height = Math.ceil(shown.length / columns) * down;
  const places = shown.map((one, i) => ({
    ...one,
    x: (i % columns) * across + 3,
    y: Math.floor(i / columns) * down + 3,
  }));
  if (!place) return null;
  const chosen = places.findIndex((p) => p.layer === place.layer.layer && p.head === place.head);
  return (
    <div class="aw-sorted" ref={ref}>
      {size.width > 0 && (
        <div
          class="aw-sorted-heads"
          role="listbox"
          aria-label={`Heads by ${measured.of.title.toLowerCase()}, the largest first`}
          style={{ width: columns * across, height }}
        >
          <Thumbnails {...{ scene, state, ui, places, side, height }} width={columns * across} />
          {places.map(({ layer, head, value, x, y }, i) => {
            const said = `Layer ${layer}, head ${head}: ${measured.of.title.toLowerCase()} ${number_in_words(value, measured.of.unit)}`;
            return (
              <button
                key={`${layer}.${head}`}
                type="button"
                role="option"
                class="aw-sorted-head"
                aria-label={said}
                title={said}
                aria-selected={i === chosen}
                tabIndex={i === Math.max(0, chosen) ? 0 : -1}
                style={{ left: x, top: y, width: side, height: down - GAP + 2 }}
                onClick={() => state.choose({ layer, head })}
                onDblClick={() => state.choose({ view: "lines" })}
                onKeyDown={(event) => {
                  const by = {
                    ArrowLeft: -1,
                    ArrowRight: 1,
                    ArrowUp: -columns,
                    ArrowDown: columns,
                  }[event.key];
                  if (event.key === "Enter") state.choose({ layer, head, view: "lines" });
                  else if (by === undefined) return;
                  event.preventDefault();
                  event.stopPropagation();
                  const next = by === undefined ? undefined : places[i + by];
                  if (!next) return;
                  const own = event.currentTarget;
                  const others = own.parentElement?.querySelectorAll(".aw-sorted-head");
                  state.choose({ layer: next.layer, head: next.head });
                  /** @type {HTMLElement | undefined} */ (others?.[i + (by ?? 0)])?.focus();
                }}
              >
                <i class="aw-sorted-frame" style={{ height: side }} />
                <i class="aw-sorted-bar">
                  <i style={bar_of(value, measured.top, ramp)} />
                </i>
                <span class="aw-sorted-words">
                  <span>
                    {layer}.{head}
                  </span>
                  <b>{short_number(value)}</b>
                </span>
              </button>
            );
          })}
        </div>
      )}
      {all.length > most && (
        <button type="button" class="aw-button" onClick={() => set_most(most + PAGE)}>
          Show more of {all.length}
        </button>
      )}
    </div>
  );
}

/**
 * As long as its share of the largest, and in the colour that it has in the grid.
 *
 * @param {number} value
 * @param {number} top
 * @param {string[]} ramp
 */
function bar_of(value, top, ramp) {
  const share = top > 0 ? Math.max(0, value / top) : 0;
  return {
    width: `${100 * share}%`,
    background: ramp[Math.round(255 * share)],
  };
}

/**
 * What these heads look at, on one canvas.
 *
 * @param {Pick<import("../../app.jsx").ViewProps, "scene" | "state" | "ui"> & {side: number, width: number,
 *   height: number, places: {layer: number, head: number, x: number, y: number}[]}} props
 */
function Thumbnails({ scene, state, ui, places, side, width, height }) {
  const overview = scene.overview.value;
  const scheme = ui.scheme.value;
  const scale = state.scale.value;
  const colours = useMemo(() => palette(scheme), [scheme]);
  const drawn = places.map(({ layer, head }) => `${layer}.${head}`).join(" ");
  const canvas = useCanvas(
    width,
    height,
    colours.ground,
    (pixels) => {
      if (!overview) return;
      const { picture } = overview;
      const [, heads, n, m] = picture.shape;
      const ratio = pixels.width / width;
      for (const { layer, head, x, y } of places) {
        const at = picture.layers.indexOf(layer);
        if (at < 0 || head >= heads) continue;
        const start = (at * heads + head) * n * m;
        paint_thumbnail(
          pixels,
          picture.cells.subarray(start, start + n * m),
          [n, m],
          { x: Math.round(x * ratio), y: Math.round(y * ratio), side: Math.round(side * ratio) },
          colours,
          scale,
          can_have_sink(overview.place.stack),
        );
      }
    },
    [overview?.picture, drawn, colours, scale, side],
  );
  return <canvas ref={canvas} class="aw-head-canvas" style={{ width, height }} />;
}
