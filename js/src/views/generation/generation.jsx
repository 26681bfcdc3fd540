import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Candidates } from "./candidates.jsx";
import { Circles } from "./circles.jsx";
import { Growing } from "./growing.jsx";
import { Player } from "./player.jsx";
import { Settings } from "./settings.jsx";
import { choice_of, is_written, shown_steps } from "./steps.js";
import { GenerationSentence, WrittenText } from "./words.jsx";

/** @typedef {import("../messages.js").GenerationPicture} GenerationPicture */

/** How long one token is played, and the first, for which all of the prompt is read. */
const [MS_PER_TOKEN, MS_OF_PROMPT] = [1100, 2400];

/**
 * A text that is written token by token: its attention grows, layer after layer is filled, and the
 * next token is chosen.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function GenerationView({ scene, state, ui }) {
  const own = scene.own.value;
  const picture = own?.picture.kind === "generation" ? own.picture : null;
  /** Of the step that is being played, 0 … 1. */
  const progress = useSignal(0);
  const root = useRef(/** @type {HTMLDivElement | null} */ (null));
  const written = picture && is_written(picture) ? picture : null;
  const count = written ? shown_steps(written, state.written.value) : 0;
  const is_playing = ui.playing.value && written !== null && scene.writing.value === null;
  usePlaying({ root, is_playing, count, written, state, ui, progress });
  return (
    <div class={`aw-generation${own?.stale ? " aw-stale" : ""}`} ref={root}>
      {picture && <GenerationSentence {...{ picture, count }} writing={scene.writing.value} />}
      <div class="aw-generation-controls">
        {written && written.steps.length > 0 && (
          <Player {...{ written, count, state, ui, scene }} />
        )}
        {picture && <Settings {...{ picture, scene }} />}
      </div>
      {written && (
        <>
          <WrittenText
            {...{ written, count }}
            onChoose={(at) => {
              ui.playing.value = false;
              state.choose(choice_of(written, at, state.stack.peek()));
            }}
          />
          <div class="aw-generation-pictures">
            <Circles {...{ written, count, progress, ui }} layer={state.layer.value} />
            <Growing {...{ written, count, ui }} />
            <Candidates {...{ written, count }} />
          </div>
        </>
      )}
    </div>
  );
}

/**
 * Go on, a little in every frame; in whole tokens for those who want less motion.
 *
 * @param {object} given
 * @param {import("preact").RefObject<HTMLDivElement>} given.root
 * @param {boolean} given.is_playing
 * @param {number} given.count
 * @param {import("./steps.js").Written | null} given.written
 * @param {import("../../state.js").State} given.state
 * @param {import("../../ui.js").Ui} given.ui
 * @param {import("@preact/signals").Signal<number>} given.progress
 */
function usePlaying({ root, is_playing, count, written, state, ui, progress }) {
  const steps = written?.steps.length ?? 0;
  useEffect(() => {
    const view = root.current?.ownerDocument.defaultView;
    progress.value = 0;
    if (!view || !written || !is_playing) return undefined;
    if (count >= steps) {
      ui.playing.value = false;
      return undefined;
    }
    const lasts = count === 0 ? MS_OF_PROMPT : MS_PER_TOKEN;
    const go_on = () => state.choose(choice_of(written, count + 1, state.stack.peek()));
    if (view.matchMedia?.("(prefers-reduced-motion: reduce)").matches) {
      const timer = view.setTimeout(go_on, lasts);
      return () => view.clearTimeout(timer);
    }
    let [begun, is_going] = [0, true];
    let frame = view.requestAnimationFrame(function go(/** @type {number} */ now) {
      begun ||= now;
      const share = (now - begun) / lasts;
      if (share >= 1) {
        go_on();
        return;
      }
      // After the frame: what is drawn in it is drawn from the step before, and not put off.
      view.setTimeout(() => {
        if (is_going) progress.value = share;
      });
      frame = view.requestAnimationFrame(go);
    });
    return () => {
      is_going = false;
      view.cancelAnimationFrame(frame);
    };
  }, [is_playing, count, steps]);
}
