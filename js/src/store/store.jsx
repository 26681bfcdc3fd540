import { give_focus_back } from "../parts/focus_back.js";
import { KeysHelp } from "../parts/keys_help.jsx";
import { Segmented } from "../parts/segmented.jsx";
import { HelpButton } from "../parts/text_line.jsx";
import { TroublePane } from "../parts/trouble.jsx";
import { useLecture } from "../parts/use_lecture.js";
import { tour_action } from "../tour/keys.js";
import { classes_of, pointed_at } from "../tour/state.js";
import { TourPanel } from "../tour/tour.jsx";
import { Arithmetic } from "./arithmetic.jsx";
import { Ask } from "./ask.jsx";
import { Beta } from "./beta.jsx";
import { Blend } from "./blend.jsx";
import { EntryButtons } from "./entry_buttons.jsx";
import { Flow } from "./flow.jsx";
import { action_of, is_typing, KEYS, WITH_POINTER } from "./keys.js";
import { Plane } from "./plane.jsx";
import { Regression } from "./regression.jsx";
import { StoreSentence } from "./sentence.jsx";
import { can_draw } from "./state.js";
import { Table } from "./table.jsx";

/** @typedef {import("./state.js").Screen} Screen */

/**
 * The key-value store.
 *
 * @param {{store: import("./state.js").Store, ui: import("../ui.js").Ui,
 *   tour: import("../tour/state.js").Tour}} props
 */
export function StoreApp({ store, ui, tour }) {
  const root = useLecture(ui);
  const view = store.view.value;
  const layout = ui.layout.value;
  const toggle_help = () => {
    ui.help.value = !ui.help.peek();
  };

  /** @param {KeyboardEvent} event */
  const on_key = (event) => {
    if (!view) return;
    if (is_typing(event)) {
      // Typing is typing, also for the notebook around us.
      event.stopPropagation();
      return;
    }
    const action = tour_action(event, tour) ?? action_of(event, { store, view, ui });
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: no element stands for a group of controls
    <div
      ref={root}
      class={`aw-root aw-store aw-${layout} aw-on-${view?.screen}${ui.lecture.value ? " aw-lecture" : ""}${classes_of(tour)}`}
      role="group"
      aria-label="Key-value store"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys act on the widget as a whole
      tabIndex={0}
      data-lm-suppress-shortcuts="true"
      data-highlight={pointed_at(tour)}
      onKeyDown={on_key}
      onClick={give_focus_back}
    >
      <TourPanel tour={tour} />
      {view ? (
        <>
          {store.asks && <Ask {...{ store, view }} />}
          <StoreBar
            {...{ store, view }}
            onHelp={toggle_help}
            is_wide={ui.width.value === 0 || ui.width.value >= 960}
          />
          <Flow {...{ store, view }} is_tiny={layout === "tiny"} />
          <div class="aw-store-body">
            {view.screen === "recipes" && <Plane {...{ store, view }} />}
            {view.screen === "regression" && <Regression {...{ store, view }} />}
            <div class="aw-store-side">
              <Table {...{ store, view }} />
              <EntryButtons {...{ store, view }} />
              <Blend view={view} />
              <Beta {...{ store, view }} />
              <Arithmetic view={view} />
            </div>
          </div>
          <StoreSentence
            {...{ store, view }}
            has_hints={ui.width.value >= 1100 && !ui.lecture.value}
          />
        </>
      ) : (
        <TroublePane
          title="There is nothing to show."
          detail="The store's keys, values and query do not go together. Run the cell again."
        />
      )}
      {ui.help.value && <KeysHelp keys={KEYS} more={WITH_POINTER} onClose={toggle_help} />}
    </div>
  );
}

/** @param {import("./table.jsx").Shown & {is_wide: boolean, onHelp: () => void}} props */
function StoreBar({ store, view, is_wide, onHelp }) {
  const examples = store.examples.value;
  const has_examples = Object.keys(examples).length > 0;
  const screens = /** @type {[Screen, string][]} */ ([
    ["recipes", has_examples ? "Recipes" : "Plane"],
    ["numbers", "Numbers"],
    ["regression", "Regression"],
  ]).filter(([screen]) => has_examples || can_draw(screen, view));
  /** @param {Screen} screen */
  const show = (screen) => {
    const { axes, ...example } = examples[screen] ?? {};
    store.at.value = 0;
    store.chosen.value = null;
    store.guess.value = null;
    store.choose({ ...example, screen });
  };
  const about = {
    recipes: has_examples
      ? ["A recipe book", "title", "recipes"]
      : ["Key-value store", "key", "values"],
    numbers: ["Key-value store", "key", "values"],
    regression: ["Regression by attention", "x", "y"],
  }[view.screen];
  return (
    <div class="aw-bar">
      <span class="aw-store-title">
        <span class="aw-name">{about[0]}</span>{" "}
        {is_wide && (
          <span class="aw-store-about">
            The <span class="aw-of-query">query</span> is held against every{" "}
            {about[1] === "key" ? null : `${about[1]} `}
            <span class="aw-of-key">{about[1] === "key" ? "key" : "(key)"}</span>; a blend of{" "}
            {about[2] === "values" ? null : `${about[2]} `}
            <span class="aw-of-value">{about[2] === "values" ? "values" : "(values)"}</span> comes
            back.
          </span>
        )}
      </span>
      {screens.length > 1 && (
        <Segmented label="Screen" value={view.screen} options={screens} onChoose={show} />
      )}
      <Segmented
        label="Attention"
        value={view.hard ? "hard" : "soft"}
        options={
          /** @type {const} */ ([
            ["soft", "Soft"],
            ["hard", "Hard"],
          ])
        }
        onChoose={(which) => store.choose({ hard: which === "hard" })}
      />
      <HelpButton onHelp={onHelp} />
    </div>
  );
}
