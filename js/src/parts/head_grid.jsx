import { useEffect, useMemo, useRef } from "preact/hooks";
import { useCanvas } from "../draw/canvas.js";
import { paint_thumbnail } from "../draw/cells.js";
import { palette } from "../draw/colours.js";
import { can_have_sink } from "../draw/scale.js";

/** @typedef {import("../messages.js").OverviewPicture} OverviewPicture */
/** @typedef {import("../messages.js").StackFacts} StackFacts */
/** @typedef {{side: number, gap: number, group_gap: number, group: number}} Sizes  In CSS pixels. */

const LABEL_WIDTH = 22;
const HEADER_HEIGHT = 20;
const BRACKET_HEIGHT = 7;
const MISSING_HEIGHT = 18;
const SWATCH = 9;

/**
 * A layer, or a run of layers that hold no attention.
 *
 * @typedef {{y: number, height: number, first: number, last: number,
 *   layer: import("../messages.js").LayerFacts | null}} GridRow
 */

/**
 * How many query heads share one key/value head; 1 where they do not, or not everywhere alike.
 *
 * @param {StackFacts} stack
 */
export function group_of({ layers }) {
  const { heads, kv_heads } = layers[0];
  const alike = layers.every((layer) => layer.heads === heads && layer.kv_heads === kv_heads);
  return alike && kv_heads > 0 && heads % kv_heads === 0 ? heads / kv_heads : 1;
}

/** @param {StackFacts} stack */
function most_heads({ layers }) {
  return Math.max(...layers.map((layer) => layer.heads));
}

/**
 * Largest thumbnails that fit, within `least` and `most`; then the grid scrolls.
 *
 * @param {StackFacts} stack
 * @param {{width: number, height: number}} room
 * @param {number} least
 * @param {number} most
 * @returns {Sizes}
 */
export function sizes_for(stack, room, least, most) {
  const heads = most_heads(stack);
  const group = group_of(stack);
  const crowded = heads > 16;
  const group_gap = group === 1 ? 0 : crowded ? 4 : 6;
  const free = room.width - LABEL_WIDTH - 4 - group_gap * (Math.ceil(heads / group) - 1);
  const across = Math.floor(free / heads);
  const down = Math.floor((room.height - HEADER_HEIGHT - BRACKET_HEIGHT) / stack.layers.length);
  // Layers that cannot all be seen at once anyhow need not be as small as can be.
  const high = down - 2 >= least ? down : least + 6;
  const pitch = Math.min(across, high);
  const gap = Math.min(pitch, most) > 40 ? 8 : Math.min(pitch, most) > 28 ? 4 : crowded ? 1 : 2;
  return { side: Math.max(least, Math.min(most, pitch - gap)), gap, group_gap, group };
}

/** @param {number} head @param {Sizes} sizes */
function left_of(head, { side, gap, group_gap, group }) {
  return LABEL_WIDTH + head * (side + gap) + (group > 1 ? Math.floor(head / group) * group_gap : 0);
}

/** @param {StackFacts} stack @param {Sizes} sizes */
export function grid_width(stack, sizes) {
  // Two pixels more, for the frame of the last head.
  return left_of(most_heads(stack) - 1, sizes) + sizes.side + 4;
}

/**
 * @param {StackFacts} stack
 * @param {Sizes} sizes
 * @param {number | null} only  A single layer to show.
 * @returns {{rows: GridRow[], height: number}}
 */
export function grid_rows(stack, sizes, only) {
  const layers = stack.layers.filter(({ layer }) => only === null || layer === only);
  /** @type {GridRow[]} */
  const rows = [];
  let y = HEADER_HEIGHT + (sizes.group > 1 ? BRACKET_HEIGHT : 0);
  let next = only ?? 0;
  for (const layer of layers) {
    if (layer.layer > next) {
      rows.push({ y, height: MISSING_HEIGHT, first: next, last: layer.layer - 1, layer: null });
      y += MISSING_HEIGHT;
    }
    rows.push({ y, height: sizes.side, first: layer.layer, last: layer.layer, layer });
    y += sizes.side + sizes.gap;
    next = layer.layer + 1;
  }
  return { rows, height: y + 2 };
}

/**
 * Every layer × head as a thumbnail. One canvas, and over it one button per head.
 *
 * @param {object} props
 * @param {OverviewPicture | null} props.picture
 * @param {StackFacts} props.stack
 * @param {Sizes} props.sizes
 * @param {number | null} props.only
 * @param {{layer: number, head: number}} props.selected
 * @param {import("../draw/colours.js").Scheme} props.scheme
 * @param {import("../draw/scale.js").ScaleName} props.scale
 * @param {import("../messages.js").LayerHead[]} props.together  Heads drawn together.
 * @param {string[]} props.colours_together
 * @param {(layer: number, head: number) => void} props.onChoose
 * @param {(layer: number, head: number) => void} props.onToggle  On the swatch, or with Shift.
 * @param {(() => void) | undefined} [props.onOpen]  On double click and Enter.
 * @param {boolean} [props.weighed]  Whether they are more than the pattern.
 * @param {import("../measured.js").Measured | undefined} [props.measured]  What they are coloured by.
 */
export function HeadGrid(props) {
  const { picture, stack, sizes, only, selected, scheme, scale } = props;
  const { together, colours_together, onChoose, onToggle, onOpen } = props;
  const measured = props.measured ?? null;
  const { rows, height } = useMemo(
    () => grid_rows(stack, sizes, only),
    [stack.layers, only, sizes.side, sizes.gap, sizes.group],
  );
  const width = grid_width(stack, sizes);
  const signed = picture?.signed === true;
  const colours = useMemo(() => palette(scheme, signed), [scheme, signed]);
  const can_sink = !props.weighed && can_have_sink(stack);

  const canvas = useCanvas(
    width,
    height,
    colours.ground,
    (pixels, _unit) => {
      if (!picture || measured) return;
      const [, heads, n, m] = picture.shape;
      const ratio = pixels.width / width;
      for (const row of rows) {
        const at = row.layer ? picture.layers.indexOf(row.layer.layer) : -1;
        if (at < 0 || !row.layer) continue;
        for (let head = 0; head < Math.min(heads, row.layer.heads); head++) {
          const start = (at * heads + head) * n * m;
          const x = Math.round(left_of(head, sizes) * ratio);
          const y = Math.round(row.y * ratio);
          const side = Math.round(sizes.side * ratio);
          paint_thumbnail(
            pixels,
            picture.cells.subarray(start, start + n * m),
            [n, m],
            { x, y, side },
            colours,
            scale,
            can_sink,
          );
        }
      }
    },
    [picture, rows, colours, scale, can_sink, measured === null],
  );

  const grid = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => keep_in_sight(grid.current), [selected.layer, selected.head, rows]);
  useEffect(() => {
    const scroller = grid.current?.parentElement;
    if (!scroller) return undefined;
    const observer = new ResizeObserver(() => keep_in_sight(grid.current));
    observer.observe(scroller);
    return () => observer.disconnect();
  }, []);

  const heads = most_heads(stack);
  const every = label_step(sizes.side + sizes.gap, heads);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table would bring the host's styles for tables
    <div
      ref={grid}
      class={`aw-head-grid${picture ? "" : " aw-empty"}`}
      role="grid"
      aria-label="Heads. Up and down arrows change the layer, square brackets the head."
      style={{ width, height }}
    >
      <div class="aw-head-numbers" aria-hidden="true" style={{ width }}>
        {Array.from({ length: heads }, (_, head) =>
          head % every === 0 ? (
            <span
              key={head}
              class={head === selected.head ? "aw-chosen" : ""}
              style={{ left: left_of(head, sizes), width: sizes.side }}
            >
              {head}
            </span>
          ) : null,
        )}
        {sizes.group > 1 &&
          Array.from({ length: Math.ceil(heads / sizes.group) }, (_, kv) => {
            const first = left_of(kv * sizes.group, sizes);
            const last = left_of((kv + 1) * sizes.group - 1, sizes) + sizes.side;
            return (
              <i
                key={`kv ${kv}`}
                class="aw-bracket"
                title={`key/value head ${kv}`}
                style={{ left: first, width: last - first }}
              />
            );
          })}
      </div>
      <canvas ref={canvas} class="aw-head-canvas" style={{ width, height }} />
      {rows.map((row) =>
        row.layer ? (
          <LayerRow
            key={row.first}
            row={row}
            heads={row.layer.heads}
            sizes={sizes}
            selected={row.first === selected.layer ? selected.head : -1}
            swatches={swatches_of(row.first, together, colours_together)}
            {...{ measured, scheme, onChoose, onToggle, onOpen }}
          />
        ) : (
          <div
            key={`no ${row.first}`}
            class="aw-missing"
            style={{ top: row.y, height: row.height }}
          >
            <span class="aw-layer-number">
              {row.first === row.last ? row.first : `${row.first}–${row.last}`}
            </span>
            <span>no attention</span>
          </div>
        ),
      )}
    </div>
  );
}

/** Numbers stand at every head, every second, fourth ... so that they do not touch. @param {number} pitch @param {number} count */
function label_step(pitch, count) {
  const wide = count > 10 ? 17 : 11;
  let step = 1;
  while (step * pitch < wide) step *= 2;
  return step;
}

/**
 * Colours of a layer's heads that are drawn together, as one text, so that it can be compared.
 *
 * @param {number} layer
 * @param {import("../messages.js").LayerHead[]} together
 * @param {string[]} colours
 */
function swatches_of(layer, together, colours) {
  if (together.length < 2) return "";
  const own = together.flatMap(([l, head], i) => (l === layer ? [`${head} ${colours[i]}`] : []));
  return own.join();
}

/**
 * The swatch of a thumbnail is its lower right corner.
 *
 * @param {MouseEvent & {currentTarget: HTMLElement}} event
 */
function is_on_swatch(event) {
  const box = event.currentTarget.getBoundingClientRect();
  // A click made by the keyboard has no place.
  if (event.detail === 0) return false;
  return box.right - event.clientX < SWATCH && box.bottom - event.clientY < SWATCH;
}

/**
 * @param {{row: GridRow, heads: number, sizes: Sizes, selected: number, swatches: string,
 *   measured: import("../measured.js").Measured | null, scheme: import("../draw/colours.js").Scheme,
 *   onChoose: (layer: number, head: number) => void,
 *   onToggle: (layer: number, head: number) => void, onOpen: (() => void) | undefined}} props
 */
function LayerRow(props) {
  const { row, heads, sizes, selected, swatches, measured, scheme } = props;
  const { onChoose, onToggle, onOpen } = props;
  const colours = new Map(
    swatches.split(",").map((text) => /** @type {[string, string]} */ (text.split(" "))),
  );
  // Hundreds of buttons: a row is made anew only when something of its own has changed.
  return useMemo(() => {
    const looks = Array.from({ length: heads }, (_, head) =>
      measured?.look(row.first, head, sizes.side, scheme),
    );
    return (
      // biome-ignore lint/a11y/useSemanticElements: see the grid
      // biome-ignore lint/a11y/useFocusableInteractive: its cells are
      <div class="aw-layer" role="row" style={{ top: row.y, height: row.height }}>
        <span class={`aw-layer-number${selected >= 0 ? " aw-chosen" : ""}`} aria-hidden="true">
          {row.first}
        </span>
        {looks.map((look, head) => (
          // biome-ignore lint/a11y/useSemanticElements: see the grid
          <button
            key={head}
            type="button"
            role="gridcell"
            class={`aw-head${colours.has(String(head)) ? " aw-together" : ""}${look ? ` ${look.classes}` : ""}`}
            aria-label={`layer ${row.first}, head ${head}${look?.name ?? ""}`}
            title={look ? `Layer ${row.first}, head ${head}${look.name}` : undefined}
            aria-selected={head === selected}
            tabIndex={head === selected ? 0 : -1}
            style={{
              ...{ left: left_of(head, sizes), width: sizes.side },
              background: look?.background,
              "--aw-swatch": colours.get(String(head)),
            }}
            onClick={(event) => {
              const toggles = event.shiftKey || is_on_swatch(event);
              (toggles ? onToggle : onChoose)(row.first, head);
            }}
            onDblClick={() => onOpen?.()}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || !onOpen) return;
              event.preventDefault();
              onChoose(row.first, head);
              onOpen();
            }}
          >
            {look?.text}
          </button>
        ))}
      </div>
    );
  }, [row, heads, sizes.side, sizes.gap, sizes.group, selected, swatches, measured, scheme]);
}

/**
 * Scroll the panel (and only the panel, not the page) to the selected head, and let the focus
 * follow it.
 *
 * @param {HTMLElement | null} grid
 */
function keep_in_sight(grid) {
  const chosen = /** @type {HTMLElement | null} */ (grid?.querySelector('[aria-selected="true"]'));
  const scroller = grid?.parentElement;
  if (!grid || !chosen || !scroller) return;
  const root = /** @type {Document | ShadowRoot} */ (grid.getRootNode());
  const focused = root.activeElement;
  if (focused && focused !== chosen && grid.contains(focused))
    chosen.focus({ preventScroll: true });

  const row = /** @type {HTMLElement} */ (chosen.parentElement);
  const [top, left] = [row.offsetTop, chosen.offsetLeft];
  const margin = 6;
  const header = HEADER_HEIGHT + BRACKET_HEIGHT + margin;
  if (top - header < scroller.scrollTop) scroller.scrollTop = top - header;
  const bottom = top + row.offsetHeight + margin;
  if (bottom > scroller.scrollTop + scroller.clientHeight) {
    scroller.scrollTop = bottom - scroller.clientHeight;
  }
  if (left - LABEL_WIDTH - margin < scroller.scrollLeft) {
    scroller.scrollLeft = left - LABEL_WIDTH - margin;
  }
  const right = left + chosen.offsetWidth + margin;
  if (right > scroller.scrollLeft + scroller.clientWidth) {
    scroller.scrollLeft = right - scroller.clientWidth;
  }
}
