import { useState } from "preact/hooks";
import { Caps } from "../parts/keys_help.jsx";
import { capitalised, percent, plural } from "../words.js";
import { blend_of_numbers } from "./numbers.js";
import { beta_in_words, num, share_in_words, writer_of } from "./said.js";

/** @typedef {import("./table.jsx").Shown} Shown */

/** Entries that are offered as buttons; of more one chooses from a list. */
const MOST_BUTTONS = 6;
/** Entries named in the sentence. */
const MOST_NAMED = 3;

/** Keys, as the line shows them. @type {[string[], string][]} */
const HINTS = [
  [["←", "→", "↑", "↓"], "query"],
  [["Space"], "step"],
  [["h"], "hard"],
  [["f"], "lecture"],
];

/** @param {import("./state.js").Screen} screen */
function hints_on(screen) {
  if (screen === "numbers") return HINTS.slice(1);
  if (screen === "recipes") return HINTS;
  return HINTS.map(([keys, hint]) => /** @type {const} */ ([keys.slice(0, 2), hint]));
}

/**
 * What is seen, in words; or the question, while it is to be predicted.
 *
 * @param {Shown & {has_hints: boolean}} props
 */
export function StoreSentence({ store, view, has_hints }) {
  return (
    <div class="aw-sentence-line">
      <p class="aw-sentence" aria-live="polite">
        {view.is_hidden ? <Question view={view} /> : <Said {...{ store, view }} />}
      </p>
      {view.is_hidden ? (
        <Answers {...{ store, view }} />
      ) : (
        (view.predict && (
          <button
            type="button"
            class="aw-button"
            onClick={() => {
              store.guess.value = null;
            }}
          >
            Again
          </button>
        )) ||
        (has_hints && (
          <span class="aw-hints" aria-hidden="true">
            {hints_on(view.screen).map(([keys, hint]) => (
              <span key={hint} class="aw-hint">
                <Caps keys={keys} /> {hint}
              </span>
            ))}
          </span>
        ))
      )}
    </div>
  );
}

/** @param {{view: Shown["view"]}} props */
function Question({ view }) {
  return (
    <>
      <b>Predict:</b>{" "}
      {view.kind === "number" ? "what number comes back for" : "which entry gives most to"}{" "}
      <Query view={view} />?
    </>
  );
}

/** @param {Shown} props */
function Answers({ store, view }) {
  const [typed, set_typed] = useState("");
  /** @param {number} guess */
  const answer = (guess) => {
    store.guess.value = guess;
    store.choose({ step: "blend" });
  };
  if (view.kind === "number") {
    return (
      <form
        class="aw-answers"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== "" && Number.isFinite(Number(typed))) answer(Number(typed));
        }}
      >
        <input
          class="aw-field aw-answer"
          type="number"
          step="any"
          aria-label="Your prediction"
          value={typed}
          onInput={(event) => set_typed(event.currentTarget.value)}
        />
        <button type="submit" class="aw-button">
          Reveal
        </button>
      </form>
    );
  }
  if (view.names.length > MOST_BUTTONS) {
    return (
      <select
        class="aw-select"
        aria-label="Your prediction"
        value=""
        onChange={(event) => answer(Number(event.currentTarget.value))}
      >
        <option value="" disabled>
          choose an entry
        </option>
        {view.names.map((name, at) => (
          <option key={at} value={at}>
            {name}
          </option>
        ))}
      </select>
    );
  }
  return (
    <span class="aw-answers">
      {view.names.map((name, at) => (
        <button key={at} type="button" class="aw-button" onClick={() => answer(at)}>
          {name || `entry ${at + 1}`}
        </button>
      ))}
    </span>
  );
}

/** @param {Shown} props */
function Said({ store, view }) {
  const { order, weights, scores, names } = view;
  const best = scores.indexOf(Math.max(...scores));
  const top = writer_of(scores)(scores[best]);
  if (view.reach < 2) {
    return (
      <>
        <Query view={view} /> is held against {plural(names.length, "key")};{" "}
        {view.by_distance ? "nearest is" : "the largest product is with"} <Key name={names[best]} />
        {view.reach === 0
          ? `: ${top}.`
          : Number.isFinite(view.beta)
            ? `: ${top}, times β = ${beta_in_words(view.beta)} makes ${num(view.beta * scores[best])}.`
            : `: ${top}. With β = ∞ the largest counts, and nothing else.`}
      </>
    );
  }
  const named = order.slice(0, MOST_NAMED).filter((at) => weights[at] >= 0.005);
  const others = names.length - named.length;
  const share = Math.max(0, 1 - named.reduce((sum, at) => sum + weights[at], 0));
  const is_all = weights[order[0]] >= 0.9995;
  return (
    <>
      {store.guess.value !== null && <Guessed view={view} guess={store.guess.value} />}
      <Query view={view} /> takes{" "}
      {(is_all ? named.slice(0, 1) : named).map((at, i) => (
        <span key={at} class={i === 0 ? "" : "aw-quiet"}>
          {i > 0 && ", "}
          {is_all ? "all" : percent(weights[at])} from{" "}
          {i === 0 ? <Key name={names[at]} /> : names[at]}
        </span>
      ))}
      {!is_all && others > 0 && share > 0 && (
        <span class="aw-quiet">
          ; the other {others === 1 ? "entry takes" : `${others} entries share`} {percent(share)}
        </span>
      )}
      {view.reach === 3 && view.kind === "number" && (
        <>
          : <b>{said_number(view, blend_of_numbers(weights, numbers_of(view)))}</b> comes back
        </>
      )}
      .
    </>
  );
}

/** @param {Shown["view"]} view */
const numbers_of = ({ values }) => /** @type {number[]} */ (values);

/** @param {Shown["view"]} view @param {number} number */
const said_number = (view, number) => writer_of(numbers_of(view))(number);

/** @param {{view: Shown["view"], guess: number}} props */
function Guessed({ view, guess }) {
  if (view.kind === "number") return <>You said {said_number(view, guess)}. </>;
  return (
    <>
      You said {view.names[guess] ?? "an entry that is gone"}
      {guess < view.names.length && ` (${share_in_words(view.weights[guess], view)})`}.{" "}
    </>
  );
}

/** @param {{view: Shown["view"]}} props */
function Query({ view }) {
  const { query_name, query_names, at } = view;
  const is_first = !view.is_hidden;
  return (
    <i class="aw-said-query">
      {is_first && !query_names[at] ? capitalised(query_name) : query_name}
    </i>
  );
}
/** @param {{name: string}} props */
const Key = ({ name }) => <b class="aw-of-key">{name || "an entry without a name"}</b>;
