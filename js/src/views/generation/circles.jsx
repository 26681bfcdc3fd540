import { useMemo } from "preact/hooks";
import { useDrawing } from "../../draw/canvas.js";
import { fit_label, text_measure } from "../../draw/text.js";
import { useSize } from "../../parts/use_size.js";
import { shown_token } from "../../words.js";
import { centre, circles_layout, filled, source_filled } from "./layout.js";
import { heaviest } from "./steps.js";

/** @typedef {import("./steps.js").Written} Written */
/** @typedef {import("./layout.js").CirclesLayout} CirclesLayout */

const LABEL = 12;
const LARGER = 1.6;
const FAINTEST = 0.04;

/**
 * A column per token, a row per layer: the circles fill, for all of a prompt together, then for one
 * token after the other.
 *
 * @param {{written: Written, count: number, layer: number,
 *   progress: import("@preact/signals").Signal<number>, ui: import("../../ui.js").Ui}} props
 */
export function Circles({ written, count, layer, progress, ui }) {
  const [ref, size] = useSize();
  const element = ref.current;
  return (
    <figure class="aw-generation-circles">
      <figcaption>
        Layer by layer{written.source && <>: the source, then what is written</>}
      </figcaption>
      <div class="aw-generation-drawing" ref={ref}>
        {element && size.width > 0 && size.height > 0 && (
          <Drawn
            {...{ written, count, layer, size, element, scheme: ui.scheme.value }}
            progress={progress.value}
            large={ui.lecture.value}
          />
        )}
      </div>
    </figure>
  );
}

/**
 * @param {{written: Written, count: number, layer: number, progress: number,
 *   size: {width: number, height: number}, element: HTMLElement, large: boolean,
 *   scheme: string}} props
 */
function Drawn({ written, count, layer, progress, size, element, large, scheme }) {
  const larger = large ? LARGER : 1;
  const layers = (written.layers.own ?? written.layers.cross ?? []).length;
  const source_layers = written.layers.encoder?.length ?? 0;
  const measure = useMemo(() => text_measure(element, LABEL * larger), [element, larger]);
  const newest = Math.max(written.start - 1, written.start + count - 1);
  const layout = circles_layout({
    ...size,
    left: Math.ceil(measure("embedding")) + 12,
    large,
    source: written.source?.texts ?? null,
    target: written.target.texts,
    ...{ newest, layers, source_layers },
  });
  const ink = useMemo(() => inks(element), [element, scheme]);
  const ref = useDrawing(
    size.width,
    size.height,
    (context, ratio) => {
      context.scale(ratio, ratio);
      draw(context, { written, count, layer, progress, layout, ink, measure, larger });
    },
    [written, count, layer, progress, ink, size.height, larger],
  );
  const said = `${layers} layers for each of ${written.start + count} tokens${
    count > 0 ? `, filled up to the one that wrote ${written.steps[count - 1].text}` : ""
  }.`;
  return <canvas ref={ref} role="img" aria-label={said} style={size} />;
}

/** The theme's own colours. @param {Element} element */
function inks(element) {
  const style = element.ownerDocument.defaultView?.getComputedStyle(element);
  const of = (/** @type {string} */ name) => style?.getPropertyValue(`--aw-${name}`).trim() ?? "";
  return {
    ...{ ink: of("ink"), faint: of("ink-3"), empty: of("line"), ground: of("ground") },
    ...{ full: of("ink-2"), chosen: of("query"), key: of("key"), font: style?.fontFamily ?? "" },
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{written: Written, count: number, layer: number, progress: number,
 *   layout: CirclesLayout, ink: ReturnType<typeof inks>, larger: number,
 *   measure: import("../../draw/text.js").Measure}} what
 */
function draw(context, { written, count, layer, progress, layout, ink, larger, measure }) {
  const { source, target } = layout;
  const own_layers = written.layers.own ?? written.layers.cross ?? [];
  const layers = own_layers.length;
  const encoder_layers = written.layers.encoder ?? [];
  const at = {
    ...{ count, progress, layers, start: written.start },
    has_source: written.source !== null,
  };
  const of_source = source ? source_filled(at, encoder_layers.length) : 0;
  const is_of_source = source !== null && count === 0 && of_source < encoder_layers.length;
  context.font = `${LABEL * larger}px ${ink.font}`;

  // The column that is being filled, or was last.
  const active = Math.max(written.start - 1, written.start + count - 1 - (progress > 0 ? 0 : 1));
  lines_into(context, { written, layer, layout, ink, active, is_of_source, of_source, at });
  if (source) {
    for (let i = 0; i < source.count; i++) {
      for (let row = 0; row <= encoder_layers.length; row++) {
        circle(context, centre(layout, source, i, row), layout.radius, of_source - row + 1, {
          ...ink,
          is_chosen: false,
        });
      }
    }
    labels_below(context, { columns: source, layout, ink, larger, measure, from: Infinity });
  }
  const top = layers + 1;
  for (let i = target.first; i < target.first + target.count; i++) {
    const rows = filled(at, i);
    const writes = i >= written.start - 1 && i < written.steps.length + written.start - 1;
    if (rows < 0) continue;
    for (let row = 0; row <= (writes ? top : layers); row++) {
      const is_word = row === top;
      circle(context, centre(layout, target, i, row), layout.radius, rows - row + 1, {
        ...ink,
        is_chosen: is_word || (row > 0 && own_layers[row - 1] === layer && i === active),
      });
    }
  }
  const shown = written.start + count;
  labels_below(context, {
    columns: { ...target, texts: target.texts.slice(0, Math.max(0, shown - target.first)) },
    ...{ layout, ink, larger, measure, from: written.start },
  });
  names_of_rows(context, { layers: own_layers, layer, layout, ink, larger });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number}} at
 * @param {number} radius
 * @param {number} share  Filled where it is 1 or more, empty where 0 or less.
 * @param {{is_chosen: boolean, chosen: string, full: string, empty: string, ground: string}} ink
 */
function circle(context, { x, y }, radius, share, { is_chosen, chosen, full, empty, ground }) {
  const part = Math.min(1, Math.max(0, share));
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = ground;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = part > 0 ? (is_chosen ? chosen : full) : empty;
  context.stroke();
  if (part <= 0) return;
  context.beginPath();
  context.arc(x, y, radius * part, 0, 2 * Math.PI);
  context.fillStyle = is_chosen ? chosen : full;
  context.fill();
}

/**
 * Attention of the selected head into the circles that are filled now, the heaviest few.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{written: Written, layer: number, layout: CirclesLayout, ink: ReturnType<typeof inks>,
 *   active: number, is_of_source: boolean, of_source: number,
 *   at: Parameters<typeof filled>[0]}} what
 */
function lines_into(context, { written, layer, layout, ink, active, is_of_source, of_source, at }) {
  const { source, target } = layout;
  /**
   * @param {"own" | "cross" | "encoder"} map
   * @param {number} row
   * @param {import("./layout.js").Columns} to
   * @param {import("./layout.js").Columns} from
   * @param {number} shown  How much of the lines is drawn.
   * @param {number} height  The row of circles that is looked at; the one below, if negative.
   */
  const draw_row = (map, row, to, from, shown, height) => {
    const layers = written.layers[map] ?? [];
    const level = layers.indexOf(written.maps[map]?.heads[0][0] ?? layer) + 1;
    if (level === 0 || shown <= 0 || row < to.first) return;
    const end = centre(layout, to, row, level);
    for (const { key, weight } of heaviest(written, map, row)) {
      if (weight < FAINTEST || key < from.first || key >= from.first + from.count) continue;
      const begin = centre(layout, from, key, height < 0 ? level - 1 : height);
      context.beginPath();
      curve(context, begin, end, shown, map === "cross" ? layout.step : 0);
      context.globalAlpha = 0.2 + 0.75 * Math.sqrt(weight);
      context.lineWidth = Math.max(1, Math.min(layout.radius, 6) * weight);
      context.strokeStyle = map === "cross" ? ink.key : ink.chosen;
      context.stroke();
    }
    context.globalAlpha = 1;
  };
  /** How much of the way into a layer is gone. @param {number} rows @param {string} map */
  const part = (rows, map) => {
    const name = /** @type {"own"} */ (map);
    const layers = written.layers[name] ?? [];
    const level = layers.indexOf(written.maps[name]?.heads[0][0] ?? layer) + 1;
    return Math.min(1, Math.max(0, rows - level + 1));
  };
  if (is_of_source && source) {
    for (let i = 0; i < source.count; i++) {
      draw_row("encoder", i, source, source, part(of_source, "encoder"), -1);
    }
    return;
  }
  if (at.count === 0 && at.progress === 0) return;
  const rows = filled(at, active);
  // All of the prompt is read together; of the output one token at a time.
  const first = at.count === 0 ? target.first : active;
  for (let i = first; i <= active; i++) draw_row("own", i, target, target, part(rows, "own"), -1);
  if (source) {
    const top = written.layers.encoder?.length ?? 0;
    draw_row("cross", active, target, source, part(rows, "cross"), top);
  }
}

/**
 * The first part of a curve from one circle to another, over those in between.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number}} begin
 * @param {{x: number, y: number}} end
 * @param {number} shown  Share of its length.
 * @param {number} rise  How far its middle is pulled up.
 */
function curve(context, begin, end, shown, rise) {
  const bend = { x: (begin.x + end.x) / 2, y: (begin.y + end.y) / 2 - rise };
  /** @param {"x" | "y"} axis @param {number} t */
  const between = (axis, t) => begin[axis] + t * (bend[axis] - begin[axis]);
  /** @param {"x" | "y"} axis @param {number} t */
  const along = (axis, t) =>
    between(axis, t) + t * (bend[axis] + t * (end[axis] - bend[axis]) - between(axis, t));
  context.moveTo(begin.x, begin.y);
  context.quadraticCurveTo(
    between("x", shown),
    between("y", shown),
    along("x", shown),
    along("y", shown),
  );
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{columns: import("./layout.js").Columns, layout: CirclesLayout, larger: number,
 *   ink: ReturnType<typeof inks>, measure: import("../../draw/text.js").Measure,
 *   from: number}} what  `from`: the first column that was written.
 */
function labels_below(context, { columns, layout, ink, larger, measure, from }) {
  const { texts, first } = columns;
  const level = layout.pitch >= 34 * larger;
  texts.forEach((text, i) => {
    const { x } = centre(layout, columns, first + i, 0);
    const y = layout.bottom + layout.radius + 8 * larger;
    const most = level ? layout.pitch - 4 : 74 * larger;
    const label = fit_label(shown_token(text).text, most, measure);
    context.save();
    context.translate(x, y);
    if (level) context.textAlign = "center";
    else {
      context.textAlign = "right";
      context.rotate(-Math.PI / 4);
    }
    const is_written = first + i >= from;
    context.font = `${is_written ? "600 " : ""}${LABEL * larger}px ${ink.font}`;
    context.fillStyle = is_written ? ink.chosen : ink.ink;
    context.textBaseline = "top";
    context.fillText(label, 0, 0);
    context.restore();
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{layers: number[], layer: number, layout: CirclesLayout, larger: number,
 *   ink: ReturnType<typeof inks>}} what
 */
function names_of_rows(context, { layers, layer, layout, ink, larger }) {
  const names = ["embedding", ...layers.map((number) => `layer ${number}`), "next word"];
  context.textAlign = "left";
  context.textBaseline = "middle";
  let last = Number.POSITIVE_INFINITY;
  const least = 14 * larger;
  names.forEach((name, row) => {
    const y = layout.bottom - row * layout.step;
    const is_selected = row > 0 && layers[row - 1] === layer;
    const to_top = y - (layout.bottom - (names.length - 1) * layout.step);
    const is_end = row === 0 || row === names.length - 1;
    // The ends and the selected one always; others where they do not touch.
    if (!is_end && !is_selected && (last - y < least || to_top < least)) return;
    last = y;
    context.font = `${is_selected ? "600 " : ""}${LABEL * larger}px ${ink.font}`;
    context.fillStyle = is_selected ? ink.ink : ink.faint;
    context.fillText(name, 0, y);
  });
}
