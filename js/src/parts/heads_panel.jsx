import { step_layer } from "../keys.js";
import { grid_width, HeadGrid, sizes_for } from "./head_grid.jsx";
import { LooksLike } from "./looks_like.jsx";
import { Stepper } from "./stepper.jsx";
import { TroublePane } from "./trouble.jsx";

const PADDING = 12;
const LEAST_SIDE = 14;
const MOST_SIDE = 24;

/**
 * All heads, small: beside the main view, or above it where the widget is narrow.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State,
 *   ui: import("../ui.js").Ui}} props
 */
export function HeadsPanel({ scene, state, ui }) {
  const place = scene.place.value;
  const overview = scene.overview.value;
  if (!place) return null;
  // Until a new pass brings its own, the old thumbnails stand under the old layers.
  const stack = overview?.place.stack ?? place.stack;
  const layout = ui.layout.value;
  const width = ui.width.value;
  const room = layout === "wide" ? Math.min(0.42 * width, 560) : width;
  const narrow_most = Math.floor(88 / stack.layers.length) - 2;
  const most =
    layout === "narrow" ? Math.max(LEAST_SIDE, Math.min(MOST_SIDE, narrow_most)) : MOST_SIDE;
  // Up to twelve heads in the drawn width of the panel; more of them may widen it.
  const aimed = layout === "wide" ? Math.min(room, 290) : room;
  const sizes = sizes_for(stack, aimed - 2 * PADDING, LEAST_SIDE, most);
  const wished = Math.max(220, Math.min(room, grid_width(stack, sizes) + 2 * PADDING));
  const trouble = scene.trouble.value.overview;

  return (
    <aside class="aw-heads" style={layout === "wide" ? { width: wished } : undefined}>
      {layout === "tiny" ? (
        <Stepper
          label="Layer"
          shown={String(place.layer.layer)}
          atStart={place.layer === place.stack.layers[0]}
          atEnd={place.layer === place.stack.layers.at(-1)}
          onStep={(by) => step_layer({ state, ui, place }, by)}
        />
      ) : (
        <h3 class="aw-heading">
          Heads{overview?.picture.sampled && <span class="aw-sampled"> from a sample of rows</span>}
        </h3>
      )}
      <div class={`aw-heads-scroll${trouble ? " aw-dimmed" : ""}`}>
        <HeadGrid
          picture={overview?.picture ?? null}
          stack={stack}
          sizes={sizes}
          only={layout === "tiny" ? (overview?.place ?? place).layer.layer : null}
          selected={{ layer: place.layer.layer, head: place.head }}
          scheme={ui.scheme.value}
          onChoose={(layer, head) => state.choose({ layer, head })}
        />
      </div>
      {trouble && <TroublePane title={trouble.title} detail={trouble.detail} />}
      {layout === "wide" && <LooksLike scene={scene} />}
    </aside>
  );
}
