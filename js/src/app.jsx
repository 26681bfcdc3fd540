import { useSignalEffect } from "@preact/signals";
import { action_of, KEYS } from "./keys.js";
import { Bar } from "./parts/bar.jsx";
import { give_focus_back } from "./parts/focus_back.js";
import { HeadsPanel, panel_of } from "./parts/heads_panel.jsx";
import { KeysHelp } from "./parts/keys_help.jsx";
import { ProgressLine } from "./parts/progress_line.jsx";
import { Search } from "./parts/search.jsx";
import { SentenceLine } from "./parts/sentence.jsx";
import { TextLine } from "./parts/text_line.jsx";
import { TroublePane } from "./parts/trouble.jsx";
import { useFocusKept } from "./parts/use_focus_kept.js";
import { useLecture } from "./parts/use_lecture.js";
import { useSize } from "./parts/use_size.js";
import { tour_action } from "./tour/keys.js";
import { chart_of, classes_of, pointed_at } from "./tour/state.js";
import { TourPanel } from "./tour/tour.jsx";
import { revealing } from "./ui.js";
import { GridView } from "./views/grid.jsx";
import { LinesView } from "./views/lines/lines.jsx";
import { MatrixView } from "./views/matrix/matrix.jsx";
import { TextView } from "./views/text.jsx";

/**
 * @typedef {object} Shown  Everything a view is drawn from.
 * @property {import("./source/live.js").Source} source
 * @property {import("./state.js").State} state
 * @property {import("./ui.js").Ui} ui
 * @property {import("./scene.js").Scene} scene
 * @property {import("./tour/state.js").Tour} tour
 * @property {import("./later.js").Later} later
 */

/** `beside`: whether the view says itself what is selected, as no panel does.
 * @typedef {Omit<Shown, "source" | "tour" | "later"> & {beside: boolean}} ViewProps */

/**
 * @type {Partial<Record<import("./views/names.js").ViewName, (props: any) => any>>}
 */
const DRAWN_AS = {
  lines: LinesView,
  matrix: MatrixView,
  text: TextView,
  grid: GridView,
};

const WITH_POINTER =
  "In the matrix: click a cell to select it, Ctrl + wheel or pinch zooms, drag moves, double click shows all. In the image: click a patch; then arrows move in all four directions, with Shift the other end, and Home goes to the class token.";

/**
 * Whether a key belongs to the control that has the focus, and not to the widget.
 *
 * @param {string} key
 * @param {Element} target
 */
function is_for_control(key, target) {
  if (target.matches("input[type=range]")) return /^(Arrow|Home|End|Page)/.test(key);
  if (target.matches("input[type=checkbox]")) return key === " ";
  if (target.matches("input, select")) return true;
  // Space presses the button that a Tab has led to: one that was clicked has given the focus back.
  return key === " " && target.matches("button:focus-visible:not(.aw-head)");
}

/** The whole widget. @param {Shown} props */
export function App({ source, state, ui, scene, tour, later }) {
  const model = scene.model.value;
  const layout = ui.layout.value;
  const trouble = scene.trouble.value;
  const in_place = trouble.whole ?? trouble.main;
  const place = scene.place.value;
  const view = state.view.value;
  const is_measured = view === "grid" && state.measure.value !== null;
  const View =
    (is_measured && later.views.value?.measured) || (DRAWN_AS[view] ?? later.views.value?.[view]);
  const lecture = ui.lecture.value;
  const has_panel = view !== "grid" && view !== "chart" && !lecture;
  const [body, size] = useSize();
  // Until a new pass brings its own, the old thumbnails stand under the old layers.
  const stack = scene.overview.value?.place.stack ?? place?.stack ?? null;
  const panel = panel_of(layout, size, stack);
  const toggle_help = () => {
    ui.help.value = !ui.help.peek();
  };

  // The selection is brought into the zoomed part, whoever moved it.
  useSignalEffect(() => {
    const at = scene.place.value;
    const zoom = ui.zoom.peek();
    if (zoom && at) ui.zoom.value = revealing(zoom, at.query, at.key);
  });
  // Whoever moves the selection wants to see it, not what the pointer happens to rest on.
  useSignalEffect(() => {
    scene.place.value;
    state.view.value;
    ui.peek.value = null;
  });
  const root = useLecture(ui);
  const holds_focus = useFocusKept(root, [view, lecture]);

  /** @param {KeyboardEvent} event */
  const on_key = (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (is_for_control(event.key, target)) {
      // Typing is typing, also for the notebook around us.
      event.stopPropagation();
      return;
    }
    const closes_help = ui.help.peek() && event.key === "Escape";
    const action = closes_help ? toggle_help : (tour_action(event, tour) ?? action_of(event));
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action({ state, ui, scene, place: scene.place.peek() });
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: no element stands for a group of controls
    <div
      ref={root}
      class={`aw-root aw-${layout}${lecture ? " aw-lecture" : ""}${classes_of(tour)}`}
      role="group"
      aria-label={`Attention of ${model?.name ?? "a model"}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys act on the widget as a whole
      tabIndex={0}
      // Jupyter's own shortcuts must not fire on our keys (JupyterLab, Lumino's CommandRegistry).
      data-lm-suppress-shortcuts="true"
      data-highlight={pointed_at(tour)}
      onKeyDown={on_key}
      onClick={give_focus_back}
      {...holds_focus}
    >
      <TourPanel tour={tour} />
      {model?.has_tokenizer && (
        <TextLine
          text={state.text.value}
          running={source.running.value}
          onRun={source.run}
          onHelp={toggle_help}
        />
      )}
      <Bar state={state} scene={scene} onHelp={toggle_help} />
      <div class="aw-body" ref={body}>
        <ProgressLine source={source} />
        {has_panel && stack && <HeadsPanel {...{ scene, state, ui, stack, panel }} />}
        <div class="aw-main">
          {ui.search.value !== null && <Search scene={scene} ui={ui} />}
          <div class={`aw-main-picture${in_place ? " aw-dimmed" : ""}`}>
            {place && View && (
              <View
                {...{ scene, state, ui }}
                beside={!has_panel || !panel.reads}
                chart={chart_of(tour)}
              />
            )}
          </div>
          {in_place && <TroublePane title={in_place.title} detail={in_place.detail} />}
          {!View && later.failed.value && (
            <TroublePane title="This view could not be opened." detail={later.failed.value} />
          )}
          {!in_place && !model && source.lateness.value === "silent" && (
            <TroublePane
              title="No picture yet."
              detail="The kernel has not answered. If it is not running, start it and run the cell again."
            />
          )}
        </div>
      </div>
      <SentenceLine scene={scene} ui={ui} />
      {ui.help.value && <KeysHelp keys={KEYS} more={WITH_POINTER} onClose={toggle_help} />}
    </div>
  );
}
