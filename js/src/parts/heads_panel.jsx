import { colours_of_heads } from "../draw/colours.js";
import { toggle_head } from "../head_sets.js";
import { step_layer } from "../keys.js";
import { is_pattern } from "../place.js";
import { grid_width, HeadGrid, sizes_for } from "./head_grid.jsx";
import { LooksLike } from "./looks_like.jsx";
import { Reading } from "./reading.jsx";
import { Stepper } from "./stepper.jsx";
import { TroublePane } from "./trouble.jsx";

/** @typedef {import("../messages.js").StackFacts} StackFacts */

const PADDING = 12;
const LEAST_SIDE = 14;
const MOST_SIDE = 24;
/** As drawn for twelve heads; more of them may widen the panel up to a share of the widget. */
const USUAL_WIDTH = 290;
const LEAST_WIDTH = 224;
const MOST_WIDTH = 600;
const MOST_SHARE = 0.42;
/** Kept free for the heading and the words below the thumbnails. */
const HEIGHT_OF_WORDS = 176;
const HEIGHT_OF_READING = 84;
const HEIGHT_OF_STRIP = 124;
/** The reading stands beside the matrix where the main view is at least so wide. */
const MAIN_WITH_READING = 640;

/**
 * How wide the panel is, how large its thumbnails, and whether the selected number stands in it.
 *
 * @param {"wide" | "narrow" | "tiny"} layout
 * @param {{width: number, height: number}} body  Of panel and main view together.
 * @param {StackFacts | null} stack
 */
export function panel_of(layout, body, stack) {
  if (!stack) return { width: USUAL_WIDTH, sizes: null, reads: false };
  if (layout !== "wide") {
    const height = layout === "narrow" ? HEIGHT_OF_STRIP : Number.POSITIVE_INFINITY;
    const room = { width: body.width - PADDING, height };
    const sizes = sizes_for(stack, room, LEAST_SIDE, MOST_SIDE);
    return { width: body.width, sizes, reads: true };
  }
  const most = Math.min(MOST_WIDTH, MOST_SHARE * body.width);
  /** @param {number} words */
  const with_words = (words) => {
    const room = { width: Math.min(USUAL_WIDTH, most) - 2 * PADDING, height: body.height - words };
    const sizes = sizes_for(stack, room, LEAST_SIDE, MOST_SIDE);
    const wished = grid_width(stack, sizes) + 2 * PADDING;
    return { width: Math.max(LEAST_WIDTH, Math.min(most, wished)), sizes };
  };
  const plain = with_words(HEIGHT_OF_WORDS);
  if (body.width - plain.width >= MAIN_WITH_READING) return { ...plain, reads: false };
  return { ...with_words(HEIGHT_OF_WORDS + HEIGHT_OF_READING), reads: true };
}

/**
 * All heads, small: beside the main view, or above it where the widget is narrow.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State,
 *   ui: import("../ui.js").Ui, stack: StackFacts, panel: ReturnType<typeof panel_of>}} props
 */
export function HeadsPanel({ scene, state, ui, stack, panel }) {
  const place = scene.place.value;
  const overview = scene.overview.value;
  const measured = scene.measured.value ?? undefined;
  if (!place || !panel.sizes) return null;
  const layout = ui.layout.value;
  const trouble = scene.trouble.value.overview;
  const letters = layout === "tiny" ? 8 : 14;
  const reading = panel.reads && <Reading scene={scene} letters={letters} />;

  return (
    <aside class="aw-heads" style={layout === "wide" ? { width: panel.width } : undefined}>
      {layout === "wide" && (
        <h3 class="aw-heading">
          Heads{measured && ` by ${measured.of.title.toLowerCase()}`}
          {(measured ?? overview)?.picture.sampled && (
            <span class="aw-sampled"> from a sample of rows</span>
          )}
        </h3>
      )}
      {layout === "tiny" && (
        <div class="aw-tiny-line">
          <Stepper
            label="Layer"
            shown={String(place.layer.layer)}
            atStart={place.layer === place.stack.layers[0]}
            atEnd={place.layer === place.stack.layers.at(-1)}
            onStep={(by) => step_layer({ state, place }, by)}
          />
          {reading}
        </div>
      )}
      <div class={`aw-heads-scroll${trouble ? " aw-dimmed" : ""}`}>
        <HeadGrid
          picture={overview?.picture ?? null}
          stack={stack}
          sizes={panel.sizes}
          only={layout === "tiny" ? (overview?.place ?? place).layer.layer : null}
          selected={{ layer: place.layer.layer, head: place.head }}
          scheme={ui.scheme.value}
          scale={state.scale.value}
          together={place.heads}
          colours_together={colours_of_heads(place.heads, ui.scheme.value)}
          onChoose={(layer, head) => state.choose({ layer, head })}
          onToggle={(layer, head) => {
            const now = scene.place.peek();
            if (now) toggle_head(state, now, [layer, head]);
          }}
          onOpen={() => state.choose({ heads: [], mean: false })}
          measured={measured}
          weighed={!is_pattern(place)}
        />
      </div>
      {trouble && <TroublePane title={trouble.title} detail={trouble.detail} />}
      {layout !== "tiny" && reading}
      {layout === "wide" && <LooksLike scene={scene} />}
    </aside>
  );
}
