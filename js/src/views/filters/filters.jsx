import { useMemo, useState } from "preact/hooks";
import { Pixels } from "../../parts/pixels.jsx";
import { Segmented } from "../../parts/segmented.jsx";
import { percent, weight_in_words } from "../../words.js";
import { nth, pixels_of } from "./pixels.js";

/**
 * The filters of the first layer, as they are or as principal components.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function FiltersView({ scene }) {
  const own = scene.own.value;
  const picture = own?.picture.kind === "filters" ? own.picture : null;
  const [which, set_which] = useState(/** @type {"filters" | "components"} */ ("components"));
  const [looked_at, set_looked_at] = useState(0);
  if (!own || !picture) return <div class="aw-taught" />;
  const { filters, components, norms, explained, components_shape, path, of, step } = picture;
  if (!filters || !components || !norms || !explained || !components_shape) {
    return (
      <div class="aw-taught">
        <p class="aw-taught-said">{picture.said}</p>
      </div>
    );
  }
  const is_whole = which === "filters";
  const shape = is_whole ? picture.shape : components_shape;
  const at = Math.min(looked_at, shape[0] - 1);
  const [, rows, cols, channels] = shape;
  const embeds = step !== null && step[0] === rows && step[1] === cols;
  return (
    <div class={`aw-taught aw-filters${own.stale ? " aw-stale" : ""}`}>
      <p class="aw-taught-said">
        {embeds
          ? "Every patch is held against these filters: what comes out is its embedding."
          : step
            ? "The first layer slides these filters over the image."
            : "Every patch goes through a linear layer: each row of its weights is a filter."}
      </p>
      <div class="aw-filters-controls">
        <Segmented
          label="What is shown"
          value={which}
          options={WHICH}
          onChoose={(chosen) => {
            set_which(chosen);
            set_looked_at(0);
          }}
        />
        <p aria-live="polite">
          {is_whole ? `filter ${at + 1}: length ` : `component ${at + 1}: `}
          <b>{is_whole ? weight_in_words(norms[at]) : percent(explained[at])}</b>
          {!is_whole && " of how filters differ"}
        </p>
      </div>
      <Small
        all={is_whole ? filters : components}
        {...{ shape, at }}
        name={is_whole ? "Filter" : "Component"}
        onLook={set_looked_at}
      />
      <p class="aw-taught-note">
        <code>{path}</code>: {of} filters of {rows} × {cols}
        {channels > 1 && ` × ${channels}`} numbers.{" "}
        {is_whole
          ? `${shape[0] < of ? `The ${shape[0]} longest` : "All"}, longest first.`
          : `The first ${shape[0]} principal components of all of them, as Dosovitskiy et al. (2021) show them; which sign one has means nothing.`}{" "}
        Grey is 0; each is drawn up to its own largest number. {picture.said}
      </p>
    </div>
  );
}

/**
 * @param {{all: Float32Array, shape: number[], at: number, name: string, onLook: (i: number) => void}} props
 */
function Small({ all, shape: [count, rows, cols, channels], at, name, onLook }) {
  const images = useMemo(
    () => Array.from({ length: count }, (_, i) => pixels_of(nth(all, i, count), channels)),
    [all, count, channels],
  );
  return (
    <div class={`aw-filters-all${count <= FEW ? " aw-filters-few" : ""}`}>
      {images.map((pixels, i) => (
        <button
          key={i}
          type="button"
          class="aw-filter"
          style={{ aspectRatio: `${cols} / ${rows}` }}
          aria-label={`${name} ${i + 1}`}
          aria-pressed={i === at}
          onPointerEnter={() => onLook(i)}
          onFocus={() => onLook(i)}
        >
          <Pixels pixels={pixels} size={[rows, cols]} />
        </button>
      ))}
    </div>
  );
}

/** So few are drawn larger. */
const FEW = 16;

const WHICH = /** @type {const} */ ([
  ["components", "principal components"],
  ["filters", "filters"],
]);
