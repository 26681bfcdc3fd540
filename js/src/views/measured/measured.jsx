import { ramp_gradient } from "../../draw/colours.js";
import { ColourBy } from "../../parts/colour_by.jsx";
import { GridView } from "../grid.jsx";
import { number_in_words } from "./numbers.js";
import { ranked, said_of } from "./ranked.js";
import { SortedHeads } from "./sorted.jsx";

/** @typedef {import("./numbers.js").Measured} Measured */
/** @typedef {import("../messages.js").HeadsPicture} HeadsPicture */

/**
 * Every head by one number: as a grid, or from the largest down.
 *
 * @param {Pick<import("../../app.jsx").ViewProps, "scene" | "state" | "ui">} props
 */
export function MeasuredView({ scene, state, ui }) {
  const measured = scene.measured.value;
  const place = scene.place.value;
  const trouble = scene.trouble.value.measured;
  const is_wide = ui.layout.value === "wide";
  if (!place) return null;
  const is_stale = measured !== null && measured.picture.pass !== scene.model.value?.pass;
  const has_values = measured !== null && ranked(measured).length > 0;
  return (
    <div class={`aw-measured${is_wide ? "" : " aw-measured-narrow"}`}>
      {!is_wide && <ColourBy state={state} />}
      <div class={`aw-measured-main${is_stale ? " aw-stale" : ""}`}>
        <p class="aw-measured-said" role="status">
          {trouble ? (
            <>
              <b>{trouble.title}</b> {trouble.detail}
            </>
          ) : measured ? (
            <Said measured={measured} />
          ) : (
            "Measuring …"
          )}
        </p>
        {!is_wide && has_values && <Scale measured={measured} scheme={ui.scheme.value} />}
        <div class="aw-measured-heads">
          {has_values && state.sort.value ? (
            <SortedHeads {...{ scene, state, ui, measured }} />
          ) : (
            <GridView {...{ scene, state, ui }} alone />
          )}
        </div>
      </div>
      {is_wide && (
        <aside class="aw-grid-side aw-measured-side">
          <ColourBy state={state} />
          {has_values && <Scale measured={measured} scheme={ui.scheme.value} />}
          <h3 class="aw-heading">
            Layer {place.layer.layer}, head {place.head}
          </h3>
          {measured && <Numbers measured={measured} layer={place.layer.layer} head={place.head} />}
          <button type="button" class="aw-button" onClick={() => state.choose({ view: "lines" })}>
            Open as lines
          </button>
        </aside>
      )}
    </div>
  );
}

/** What it means, where it is largest, and on what it was measured. @param {{measured: Measured}} props */
function Said({ measured }) {
  const { of, picture } = measured;
  const [first] = ranked(measured);
  return (
    <>
      <b>{of.title}</b>: {of.said}.{" "}
      {first ? (
        <>
          Largest: layer {first.layer}, head {first.head}:{" "}
          <b>{number_in_words(first.value, of.unit)}</b>.
        </>
      ) : (
        `No value: ${of.why.charAt(0).toLowerCase()}${of.why.slice(1)}`
      )}{" "}
      <span class="aw-quiet">{said_of(picture)}</span>
    </>
  );
}

/** The colours in numbers. @param {{measured: Measured, scheme: import("../../draw/colours.js").Scheme}} props */
function Scale({ measured, scheme }) {
  const { of, top } = measured;
  return (
    <div class="aw-scale">
      <div class="aw-ramp" style={{ backgroundImage: ramp_gradient(scheme) }} />
      <span class="aw-ramp-ends">
        <span>0</span>
        <span>{top > 0 ? number_in_words(top, of.unit) : ""}</span>
      </span>
    </div>
  );
}

/**
 * All measures of one head: the chosen one as it colours the grid, the others on the text.
 *
 * @param {{measured: Measured & {text: HeadsPicture}, layer: number, head: number}} props
 */
function Numbers({ measured, layer, head }) {
  const { of, text, picture } = measured;
  const [, , heads] = text.shape;
  const row = text.layers.indexOf(layer);
  return (
    <>
      {picture.on === "random" && (
        <>
          <p class="aw-measured-own">
            {of.title} <b>{number_in_words(measured.value(layer, head), of.unit)}</b>
          </p>
          <p class="aw-quiet">On this text:</p>
        </>
      )}
      <dl class="aw-measured-list">
        {text.measures.map((one, i) => {
          const at = (i * text.layers.length + row) * heads + head;
          return (
            <div key={one.name} class={one.name === of.name ? "aw-measured-chosen" : ""}>
              <dt title={`${one.title}: ${one.said}.`}>{one.title}</dt>
              <dd>{row < 0 ? "–" : number_in_words(text.values[at], one.unit)}</dd>
            </div>
          );
        })}
      </dl>
    </>
  );
}
