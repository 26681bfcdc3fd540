import { useState } from "preact/hooks";
import { Segmented } from "../../parts/segmented.jsx";
import { plural } from "../../words.js";
import { chart_of, distance_in_words, local_heads } from "./numbers.js";

/** @typedef {import("./numbers.js").Dot} Dot */

/**
 * How far each head looks over the image, layer by layer.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function DistancesView({ scene, state }) {
  const own = scene.own.value;
  const picture = own?.picture.kind === "distances" ? own.picture : null;
  if (!own || !picture) {
    return (
      <div class="aw-taught">
        <p class="aw-quiet">Measuring how far heads look …</p>
      </div>
    );
  }
  return (
    <div class={`aw-taught aw-distances${own.stale ? " aw-stale" : ""}`}>
      <Chart
        picture={picture}
        selected={{ layer: own.place.layer.layer, head: own.place.head }}
        onChoose={(layer, head) => state.choose({ layer, head })}
      />
    </div>
  );
}

/**
 * @param {{picture: import("../messages.js").DistancesPicture, selected: {layer: number, head: number},
 *   onChoose: (layer: number, head: number) => void}} props
 */
function Chart({ picture, selected, onChoose }) {
  const [looked_at, set_looked_at] = useState(/** @type {Dot | null} */ (null));
  const [unit, set_unit] = useState(/** @type {"patches" | "pixels"} */ ("patches"));
  const { top, dots, line, ticks } = chart_of(picture);
  const { near, all } = local_heads(picture);
  const side = picture.patch?.[0] === picture.patch?.[1] ? (picture.patch?.[0] ?? null) : null;
  const factor = unit === "pixels" && side !== null ? side : 1;
  const is_selected = (/** @type {Dot} */ dot) =>
    dot.layer === selected.layer && dot.head === selected.head;
  const shown = looked_at ?? dots.find(is_selected) ?? dots[0];
  const even = shown && line[picture.layers.indexOf(shown.layer)]?.even;
  const words = (/** @type {number} */ distance) => distance_in_words(distance * factor);
  return (
    <>
      <p class="aw-taught-said">
        How far heads look over the image: {near} of {plural(all, "head")} less than half as far as
        even attention would.
      </p>
      <div class="aw-distances-controls">
        {side !== null && (
          <Segmented
            label="Unit"
            value={unit}
            options={UNITS}
            onChoose={(chosen) => set_unit(chosen)}
          />
        )}
        <p class="aw-distances-said" aria-live="polite">
          {shown && (
            <>
              Layer {shown.layer}, head {shown.head}: <b>{words(shown.distance)}</b> {unit}
              <span class="aw-quiet">; even attention {words(even ?? 0)}</span>
            </>
          )}
        </p>
      </div>
      <div class="aw-distances-chart">
        <span class="aw-distances-axis" aria-hidden="true">
          mean attention distance in {unit}
        </span>
        <div class="aw-distances-ticks" aria-hidden="true">
          {ticks.map((tick) => (
            <span key={tick} style={{ bottom: `${(100 * tick) / top}%` }}>
              {Number((tick * factor).toPrecision(3))}
            </span>
          ))}
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset brings borders of its own */}
        <div class="aw-distances-room" role="group" aria-label="Heads by mean attention distance">
          {ticks.map((tick) => (
            <i key={tick} class="aw-distances-rule" style={{ bottom: `${(100 * tick) / top}%` }} />
          ))}
          <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
            <polyline
              points={[{ x: 0, y: line[0]?.y ?? 0 }, ...line, { x: 1, y: line.at(-1)?.y ?? 0 }]
                .map(({ x, y }) => `${x},${1 - y}`)
                .join(" ")}
            />
          </svg>
          <span
            class="aw-distances-even"
            style={{ bottom: `${100 * (line.at(-1)?.y ?? 0)}%` }}
            aria-hidden="true"
          >
            even attention
          </span>
          {dots.map((dot) => (
            <button
              key={`${dot.layer}.${dot.head}`}
              type="button"
              class="aw-distances-dot"
              style={{ left: `${100 * dot.x}%`, bottom: `${100 * dot.y}%` }}
              aria-pressed={is_selected(dot)}
              aria-label={`Layer ${dot.layer}, head ${dot.head}: ${words(dot.distance)} ${unit}`}
              onPointerEnter={() => set_looked_at(dot)}
              onPointerLeave={() => set_looked_at(null)}
              onFocus={() => set_looked_at(dot)}
              onBlur={() => set_looked_at(null)}
              onClick={() => onChoose(dot.layer, dot.head)}
            />
          ))}
        </div>
        <div class="aw-distances-layers" aria-hidden="true">
          {picture.layers.map((layer) => (
            <span key={layer}>{layer}</span>
          ))}
        </div>
        <span class="aw-distances-layer" aria-hidden="true">
          layer
        </span>
      </div>
      <p class="aw-taught-note">
        For each query patch the distance to every patch, weighted by the attention (Dosovitskiy et
        al. 2021, appendix D.7); the class token is left out and rows are scaled to sum 1. A mean
        over {plural(picture.images, "image")} of {picture.grid.join(" × ")} patches
        {side !== null && `, each ${side} pixels wide`}.
      </p>
    </>
  );
}

const UNITS = /** @type {const} */ ([
  ["patches", "patches"],
  ["pixels", "pixels"],
]);
