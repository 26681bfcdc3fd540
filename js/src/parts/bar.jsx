import { views_offered } from "../views/names.js";
import { in_powers, stack_in_words } from "../words.js";
import { Passes } from "./passes.jsx";
import { Segmented } from "./segmented.jsx";
import { Stepper } from "./stepper.jsx";
import { HelpButton } from "./text_line.jsx";
import { TokensMenu } from "./tokens_menu.jsx";
import { WeighSelect } from "./weigh_select.jsx";

/** @typedef {import("../messages.js").CheckPicture} CheckPicture */

/**
 * Which model, how exact, which view.
 *
 * @param {{state: import("../state.js").State,
 *   scene: import("../scene.js").Scene, onHelp: () => void}} props
 */
export function Bar({ state, scene, onHelp }) {
  const model = scene.model.value;
  const place = scene.place.value;
  return (
    <div class="aw-bar">
      {model && place && (
        <div class="aw-model">
          <b class="aw-name" title={place.layer.module || undefined}>
            {model.name}
          </b>{" "}
          {model.stacks.length > 1 && (
            <select
              class="aw-select"
              aria-label="Stack"
              value={place.stack.name}
              onChange={(event) => state.choose({ stack: event.currentTarget.value })}
            >
              {model.stacks.map((stack) => (
                <option key={stack.name} value={stack.name}>
                  {stack.name}
                </option>
              ))}
            </select>
          )}
          <span class="aw-shape">
            {stack_in_words(place.stack, { named: model.stacks.length === 1 })}
          </span>
        </div>
      )}
      {scene.check.value && <Status check={scene.check.value} />}
      <Passes scene={scene} state={state} />
      {place && place.stack.batch_size > 1 && (
        <Stepper
          label="Item"
          shown={`${place.batch + 1} of ${place.stack.batch_size}`}
          atStart={place.batch === 0}
          atEnd={place.batch === place.stack.batch_size - 1}
          onStep={(by) => state.choose({ batch: place.batch + by })}
        />
      )}
      <div class="aw-bar-end">
        <WeighSelect scene={scene} state={state} />
        <TokensMenu scene={scene} state={state} />
        <Segmented
          label="View"
          value={state.view.value}
          options={views_offered(state.view.value, model?.offers ?? [])}
          onChoose={(view) => state.choose({ view })}
        />
        {!model?.has_tokenizer && <HelpButton onHelp={onHelp} />}
      </div>
    </div>
  );
}

/** How exact the selected layer is; the note opens on hover and on focus. @param {{check: CheckPicture}} props */
function Status({ check }) {
  const sure = check.status === "exact" || check.status === "checked";
  // Not one bit off says more than a bare 0, which stands in the note.
  const is_equal = sure && check.check === 0;
  const note = [is_equal && "Check 0.", check.note].filter(Boolean).join(" ");
  return (
    <span class="aw-status" tabIndex={note ? 0 : undefined}>
      <span class={`aw-dot${sure ? " aw-sure" : ""}`} />
      <span>{check.status}</span>{" "}
      {check.check !== null && (
        <span class="aw-figure">
          {is_equal ? "to the last bit" : `check ${in_powers(check.check)}`}
        </span>
      )}
      {note && <span class="aw-note">{note}</span>}
    </span>
  );
}
