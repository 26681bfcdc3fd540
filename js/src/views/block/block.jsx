import { useSignal } from "@preact/signals";
import { useSize } from "../../parts/use_size.js";
import { BlockDepth } from "./depth.jsx";
import { BlockDiagram } from "./diagram.jsx";
import { widest_of } from "./layout.js";
import { error_in_words, most_added, reader } from "./numbers.js";
import { BlockTokens } from "./tokens.jsx";
import { BlockSentence } from "./words.jsx";

/** @typedef {import("../messages.js").BlockPicture} BlockPicture */
/** @typedef {NonNullable<import("../../scene.js").Scene["own"]["value"]>} Own */
/** @typedef {{scene: import("../../scene.js").Scene, state: import("../../state.js").State,
 *   ui: import("../../ui.js").Ui}} Shown */

const LECTURE = 1.6;
/** From here on the depth stands beside the diagram. */
const BESIDE = 700;
/** So many blocks leave room below their depth. */
const FEW = 8;
const [DEPTH_SHARE, PADDING, COLUMNS_GAP, STRIP_NAMES] = [0.42, 16, 24, 96];

/** One block: the residual stream, what its parts add to it, and the same over depth. @param {Shown} props */
export function BlockView(props) {
  const own = props.scene.own.value;
  if (own?.picture.kind !== "block") return <div class="aw-block-view" />;
  return <Block {...props} own={own} picture={own.picture} />;
}

/** @param {Shown & {own: Own, picture: BlockPicture}} props */
function Block({ scene, state, ui, own, picture }) {
  const said = useSignal(/** @type {string | null} */ (null));
  const [ref, size] = useSize();
  const unit = ui.lecture.value ? LECTURE : 1;
  const { place } = own;
  const side = own.sides.queries;
  const facts =
    picture.layers.find(({ layer }) => layer === place.layer.layer) ?? picture.layers[0];
  // Without a selected token the last one is shown: what is added there is what the model says next.
  const item = place.query ?? side.spans.length - 1;
  const [start, stop] = side.spans[item] ?? [0, 1];
  const chosen = state.query.value;
  const inside = chosen !== null && chosen >= start && chosen < stop;
  const token = Math.min(picture.tokens - 1, inside ? chosen : start);
  const at = reader(picture, facts, token);
  const most = most_added(picture, token);
  const inner = size.width - 2 * PADDING;
  const is_beside = inner >= BESIDE * unit;
  const gap = COLUMNS_GAP * unit;
  const room = is_beside ? Math.round(inner * (1 - DEPTH_SHARE)) - gap : inner;
  const diagram = Math.min(room, widest_of(facts, unit));
  const depth = is_beside ? inner - diagram - gap : inner;
  /** @param {string | null} text */
  const say = (text) => {
    said.value = text;
  };
  const add_up = error_in_words(facts.error);
  const is_few = is_beside && picture.layers.length <= FEW;
  const tokens = inner > 0 && facts.sums.length > 0 && (
    <BlockTokens
      {...{ picture, facts, side, unit }}
      item={item}
      width={Math.max(80, (is_few ? depth : inner) - STRIP_NAMES * unit)}
      onChoose={(query) => scene.select({ query })}
      onSay={say}
    />
  );
  const notes = [add_up && `It ${add_up}.`, ...picture.notes].filter(Boolean).join(" ");
  return (
    <div
      class={`aw-block-view${is_beside ? " aw-block-wide" : ""}${own.stale ? " aw-stale" : ""}`}
      ref={ref}
    >
      <BlockSentence {...{ facts, at }} token={side.texts[item] ?? ""} />
      <div class="aw-block-scroll">
        <div class={`aw-block-parts${is_beside ? " aw-block-beside" : ""}`}>
          {inner > 0 && (
            <section class="aw-block-of" style={{ width: diagram }}>
              <h3 class="aw-heading">
                Block {facts.layer}{" "}
                <span class="aw-quiet">
                  {[facts.path, facts.class_name].filter(Boolean).join(" · ")}
                </span>
              </h3>
              <BlockDiagram
                {...{ facts, at, most, unit }}
                kind={place.stack.kind}
                width={diagram}
                onSay={say}
              />
            </section>
          )}
          <div style={{ width: depth || undefined }}>
            <BlockDepth
              {...{ picture, token, most }}
              layer={facts.layer}
              follows={is_beside}
              onChoose={(layer) => state.choose({ layer })}
            />
            {is_few && tokens}
          </div>
        </div>
        {!is_few && tokens}
      </div>
      <p class="aw-block-said" aria-live="off">
        {said.value ?? notes}
      </p>
    </div>
  );
}
