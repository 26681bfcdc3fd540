import { colours_of_heads } from "../draw/colours.js";
import { solo_head, toggle_head } from "../head_sets.js";
import { is_head } from "../place.js";

/** @typedef {import("../messages.js").LayerHead} LayerHead */

/**
 * The heads that are drawn together, each with its colour: the legend of the lines.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State,
 *   ui: import("../ui.js").Ui}} props
 */
export function HeadSet({ scene, state, ui }) {
  const place = scene.place.value;
  if (!place || ui.lecture.value) return null;
  const { heads, layer } = place;
  const every = Array.from({ length: layer.heads }, (_, head) => [layer.layer, head]);
  const mean = state.mean.value;
  const colours = colours_of_heads(heads, ui.scheme.value);
  if (heads.length === 1) {
    // Of two, the other is as near in the list of heads.
    if (layer.heads <= 2) return null;
    return (
      <div class="aw-head-set">
        <button
          type="button"
          class="aw-link"
          title="Shift + click on a thumbnail, or the key s, adds a single head"
          onClick={() => state.choose({ heads: /** @type {LayerHead[]} */ (every) })}
        >
          all {layer.heads} heads of layer {layer.layer}
        </button>
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings borders and a legend of its own
    <div class="aw-head-set" role="group" aria-label="Heads drawn together">
      {heads.map((head, i) => (
        <button
          key={head.join(".")}
          type="button"
          class={`aw-head-chip${is_head(head, [layer.layer, place.head]) ? " aw-chosen" : ""}`}
          title="Click: select. Double click: this one alone. Shift + click: leave out."
          aria-label={`layer ${head[0]}, head ${head[1]}`}
          onClick={(event) => {
            if (event.shiftKey) toggle_head(state, place, head);
            else state.choose({ layer: head[0], head: head[1] });
          }}
          onDblClick={() => solo_head(state, head)}
        >
          <i style={{ background: mean ? "var(--aw-query)" : colours[i] }} />
          {head.join(".")}
        </button>
      ))}
      <button
        type="button"
        class="aw-segment"
        aria-pressed={mean}
        onClick={() => state.choose({ mean: !mean })}
      >
        Mean
      </button>
      <button
        type="button"
        class="aw-link"
        onClick={() => solo_head(state, [layer.layer, place.head])}
      >
        only {layer.layer}.{place.head}
      </button>
    </div>
  );
}
