import { useSignalEffect } from "@preact/signals";
import { action_of } from "./keys.js";
import { Bar } from "./parts/bar.jsx";
import { HeadsPanel, panel_of } from "./parts/heads_panel.jsx";
import { KeysHelp } from "./parts/keys_help.jsx";
import { ProgressLine } from "./parts/progress_line.jsx";
import { SentenceLine } from "./parts/sentence.jsx";
import { TextLine } from "./parts/text_line.jsx";
import { TroublePane } from "./parts/trouble.jsx";
import { useSize } from "./parts/use_size.js";
import { revealing } from "./ui.js";
import { GridView } from "./views/grid.jsx";
import { MatrixView } from "./views/matrix.jsx";

/**
 * @typedef {object} Shown  Everything a view is drawn from.
 * @property {import("./source/live.js").Source} source
 * @property {import("./state.js").State} state
 * @property {import("./ui.js").Ui} ui
 * @property {import("./scene.js").Scene} scene
 */

/** The whole widget. @param {Shown} props */
export function App({ source, state, ui, scene }) {
  const model = source.model.value;
  const layout = ui.layout.value;
  const trouble = scene.trouble.value;
  const in_place = trouble.whole ?? trouble.main;
  const place = scene.place.value;
  const is_grid = state.view.value === "grid";
  const [body, size] = useSize();
  // Until a new pass brings its own, the old thumbnails stand under the old layers.
  const stack = scene.overview.value?.place.stack ?? place?.stack ?? null;
  const panel = panel_of(layout, size, stack);
  const toggle_help = () => {
    ui.help.value = !ui.help.peek();
  };

  // The selection is brought into the zoomed part, whoever moved it.
  useSignalEffect(() => {
    const [query, key] = [state.query.value, state.key.value];
    const zoom = ui.zoom.peek();
    if (zoom) ui.zoom.value = revealing(zoom, query, key);
  });

  /** @param {KeyboardEvent} event */
  const on_key = (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches("input, select")) {
      // Typing is typing, also for the notebook around us.
      event.stopPropagation();
      return;
    }
    const action = ui.help.peek() && event.key === "Escape" ? toggle_help : action_of(event);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action({ state, ui, place: scene.place.peek() });
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: no element stands for a group of controls
    <div
      class={`aw-root aw-${layout}`}
      role="group"
      aria-label={`Attention of ${model?.name ?? "a model"}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys act on the widget as a whole
      tabIndex={0}
      // Jupyter's own shortcuts must not fire on our keys (JupyterLab, Lumino's CommandRegistry).
      data-lm-suppress-shortcuts="true"
      onKeyDown={on_key}
    >
      {model?.has_tokenizer && (
        <TextLine
          text={state.text.value}
          running={source.running.value}
          onRun={source.run}
          onHelp={toggle_help}
        />
      )}
      <Bar source={source} state={state} scene={scene} onHelp={toggle_help} />
      <div class="aw-body" ref={body}>
        <ProgressLine source={source} />
        {!is_grid && stack && <HeadsPanel {...{ scene, state, ui, stack, panel }} />}
        <div class="aw-main">
          <div class={`aw-main-picture${in_place ? " aw-dimmed" : ""}`}>
            {place && is_grid && <GridView {...{ scene, state, ui }} />}
            {place && !is_grid && <MatrixView {...{ scene, state, ui }} beside={!panel.reads} />}
          </div>
          {in_place && <TroublePane title={in_place.title} detail={in_place.detail} />}
          {!in_place && !model && source.lateness.value === "silent" && (
            <TroublePane
              title="No picture yet."
              detail="The kernel has not answered. If it is not running, start it and run the cell again."
            />
          )}
        </div>
      </div>
      <SentenceLine scene={scene} ui={ui} />
      {ui.help.value && <KeysHelp onClose={toggle_help} />}
    </div>
  );
}
