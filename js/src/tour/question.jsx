import { useState } from "preact/hooks";
import { Caps } from "../parts/keys_help.jsx";
import { Nodes } from "./nodes.jsx";

/**
 * Predict, then see: options to choose from, or a number to write.
 *
 * @param {{tour: import("./state.js").Tour, ask: import("./state.js").Question}} props
 */
export function QuestionPart({ tour, ask }) {
  const answered = tour.answered.value;
  return (
    <div class="aw-question">
      {ask.kind === "choose" ? (
        <Options tour={tour} ask={ask} />
      ) : (
        <NumberField tour={tour} ask={ask} />
      )}
      {!answered && tour.nudged.value && (
        <p class="aw-nudge">Predict first. Space once more shows the answer.</p>
      )}
      {answered && <Verdict answered={answered} ask={ask} />}
    </div>
  );
}

/** @param {{tour: import("./state.js").Tour, ask: import("./state.js").Choose}} props */
function Options({ tour, ask }) {
  const answered = tour.answered.value;
  /** @param {number} i */
  const state_of = (i) => {
    if (!answered) return "";
    if (i === ask.answer && (answered.right || answered.given === null)) return " aw-right";
    return i === answered.given ? " aw-wrong" : "";
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings borders and a legend of its own
    <div class="aw-options" role="group" aria-label="Answers">
      {ask.options.map((option, i) => (
        <button
          key={i}
          type="button"
          class={`aw-option${state_of(i)}`}
          aria-pressed={answered?.given === i}
          onClick={() => tour.answer(i)}
        >
          <span aria-hidden="true">
            <Caps keys={[String(i + 1)]} />
          </span>
          <span class="aw-option-words">
            <Nodes nodes={option} />
          </span>
        </button>
      ))}
    </div>
  );
}

/** @param {{tour: import("./state.js").Tour, ask: import("./state.js").Estimate}} props */
function NumberField({ tour, ask }) {
  const [written, write] = useState("");
  const number = Number(written.replace(",", ".").replace("−", "-"));
  const is_number = written.trim() !== "" && Number.isFinite(number);
  return (
    <form
      class="aw-estimate"
      onSubmit={(event) => {
        event.preventDefault();
        if (!is_number) return;
        tour.answer(number);
        // Space goes on from here, as from everywhere.
        /** @type {HTMLElement | null} */ (event.currentTarget.closest(".aw-root"))?.focus({
          preventScroll: true,
        });
      }}
    >
      <input
        class="aw-input aw-number-input"
        type="text"
        inputMode="decimal"
        autocomplete="off"
        aria-label="Your estimate"
        placeholder="your estimate"
        value={written}
        onInput={(event) => write(event.currentTarget.value)}
      />
      {ask.unit && <span>{ask.unit}</span>}
      <button type="submit" class="aw-button" disabled={!is_number}>
        Check
      </button>
    </form>
  );
}

/** @param {{answered: import("./state.js").Answered, ask: import("./state.js").Question}} props */
function Verdict({ answered, ask }) {
  const { given, right } = answered;
  const said = right ? "Right." : given === null ? "The answer:" : "Not quite.";
  const shows = ask.kind === "estimate" && (right || given === null);
  const is_over = right || given === null;
  return (
    <div class={`aw-verdict ${right ? "aw-right" : given === null ? "" : "aw-wrong"}`}>
      <b>{said}</b>{" "}
      {shows && (
        <span>
          It is {in_digits(ask.answer)}
          {ask.unit && ` ${ask.unit}`}.{" "}
        </span>
      )}
      {!is_over && (
        <span>
          {ask.kind === "estimate" && given !== null
            ? `It is ${given > ask.answer ? "less" : "more"} than ${in_digits(given)}. `
            : ""}
          Try again, or go on.
        </span>
      )}
      {is_over && <Nodes nodes={ask.why} />}
    </div>
  );
}

/** @param {number} number */
const in_digits = (number) => Number(number.toPrecision(4)).toString().replace("-", "−");
