import { sentence_facts } from "../attention.js";
import { KEYS } from "../keys.js";
import { NOT_A_NUMBER } from "../messages.js";
import { is_pattern, looker } from "../place.js";
import { capitalised, heads_in_words, percent, plural } from "../words.js";
import { Caps } from "./keys_help.jsx";
import { Predictions } from "./predictions.jsx";
import { Token } from "./token.jsx";

/** @typedef {NonNullable<import("../scene.js").Scene["shown"]["value"]>} Shown */
/** @typedef {NonNullable<import("../scene.js").Scene["row"]["value"]>} SceneRow */

/**
 * What is selected, in words with numbers; what the model predicts there; and how tokens are read.
 *
 * @param {{scene: import("../scene.js").Scene, ui: import("../ui.js").Ui}} props
 */
export function SentenceLine({ scene, ui }) {
  const width = ui.width.value;
  const hints = KEYS.filter(({ hint }) =>
    width >= 1100 ? hint : width >= 760 ? hint === "token" || hint === "keys" : false,
  );
  return (
    <div class="aw-sentence-line">
      <div class="aw-words-said">
        <p class="aw-sentence" aria-live="polite">
          <Sentence scene={scene} />
        </p>
        <Predictions scene={scene} />
        <ReadingNote scene={scene} />
      </div>
      {!ui.lecture.value && (
        <span class="aw-hints" aria-hidden="true">
          {hints.map(({ shown, hint }) => (
            <span key={hint} class="aw-hint">
              <Caps keys={shown} /> {hint}
            </span>
          ))}
        </span>
      )}
    </div>
  );
}

/** @param {{scene: import("../scene.js").Scene}} props */
function Sentence({ scene }) {
  const picture = scene.shown.value;
  const row = scene.row.value;
  const place = scene.place.value;
  if (!place) return "Nothing has been drawn yet.";
  const where = capitalised(heads_in_words(place));
  if (!picture || picture.stale) return `${where} …`;
  const at = row ? row.at : looker(picture.place);
  const from = (row ?? picture.place).direction === "from";
  if (at === null) {
    return `${where}. Select a token to read ${from ? "where it looks" : "who looks at it"}.`;
  }
  const { queries, keys } = picture.tokens;
  const token = from ? (
    <Token said text={queries[at]} as="query" />
  ) : (
    <Token said text={keys[at]} as="key" />
  );
  if (!row) {
    return (
      <>
        {where}: {token} …
      </>
    );
  }
  const { facts } = row;
  const pattern = is_pattern(picture.place);
  const Weighed = scene.weighed.value;
  if (facts.not_numbers > 0) {
    return (
      <>
        {where}: {facts.not_numbers} of {plural(row.weights.length, "weight")} of {token}{" "}
        {facts.not_numbers === 1 ? "is" : "are"} not a number (NaN).
      </>
    );
  }
  if (facts.visible === 0) {
    return from ? (
      <>
        {where}: {token} may look at no token, the mask hides all {row.weights.length}.
      </>
    ) : (
      <>
        {where}: no token may look at {token}, the mask hides it from all {row.weights.length}.
      </>
    );
  }
  if (!pattern) return Weighed ? <Weighed.Said {...{ picture, row, token }} /> : `${where} …`;
  const said = from ? <LooksAt {...{ picture, row }} /> : <IsLookedAt {...{ picture, row }} />;
  return (
    <>
      {where}: {token} {said}
    </>
  );
}

/** @param {{picture: Shown, row: SceneRow}} props */
function LooksAt({ picture, row }) {
  const { place, tokens } = picture;
  const chosen = row.at === place.query ? place.key : null;
  const { named, others, others_share, missing } = sentence_facts(row, row.facts, chosen);
  const { hide, pair, renormalise } = place.context.reading;
  const are_hidden = (hide.length > 0 || pair !== null) && !renormalise;
  return (
    <>
      looks{" "}
      {named.map(({ key, share }, i) => (
        <span key={key} class={key === chosen || (chosen === null && i === 0) ? "" : "aw-quiet"}>
          {i > 0 && ", "}
          {percent(share)} at{" "}
          <Token said text={tokens.keys[key]} as={key === chosen ? "key" : "other"} />
        </span>
      ))}
      {others > 0 && (
        <span class="aw-quiet">
          ; the other {others === 1 ? "token takes" : `${others} tokens share`}{" "}
          {percent(others_share)}
        </span>
      )}
      {missing > 0.005 && (
        <span class="aw-quiet">
          ; {percent(missing)} goes to {are_hidden ? "hidden tokens" : "no token (the sink)"}
        </span>
      )}
      {missing < -0.005 && (
        <span class="aw-quiet">; the row sums to {row.facts.sum.toFixed(2)}</span>
      )}
      {chosen !== null && row.flags[chosen] !== 0 && row.flags[chosen] !== NOT_A_NUMBER && (
        <>
          ; the mask hides <Token said text={tokens.keys[chosen]} as="key" />
        </>
      )}
      .
    </>
  );
}

/** @param {{picture: Shown, row: SceneRow}} props */
function IsLookedAt({ picture, row }) {
  const { place, tokens } = picture;
  const chosen = row.at === place.key ? place.query : null;
  const { named } = sentence_facts(row, row.facts, chosen);
  return (
    <>
      is looked at{" "}
      {named.map(({ key: query, share }, i) => (
        <span
          key={query}
          class={query === chosen || (chosen === null && i === 0) ? "" : "aw-quiet"}
        >
          {i > 0 && ", "}
          {percent(share)} by{" "}
          <Token said text={tokens.queries[query]} as={query === chosen ? "query" : "other"} />
        </span>
      ))}
      <span class="aw-quiet">
        ; {plural(row.facts.order.length, "query", "queries")} together give it{" "}
        {row.facts.sum.toFixed(2)} of their {row.facts.order.length}
      </span>
      .
    </>
  );
}

/** Said wherever what is drawn is not token by token as the model has it. @param {{scene: import("../scene.js").Scene}} props */
function ReadingNote({ scene }) {
  const picture = scene.shown.value;
  if (!picture) return null;
  const { words, hide, renormalise, pair, weigh } = picture.place.context.reading;
  const notes = [...picture.model.tokens.notes];
  if (weigh) notes.unshift(scene.weighed.value?.NOTES[weigh] ?? "");
  if (words) notes.push("Words: weights of a key's pieces are added, of a query's averaged.");
  if (hide.length > 0 || pair) {
    const kinds = hide.map((kind) => (kind === "first" ? "the first token" : `${kind} tokens`));
    if (pair) kinds.push("other sentences");
    notes.push(
      `Hidden: ${kinds.join(", ")}; rows are ${renormalise ? "scaled to sum 1 again" : "left as they are, so they sum to less than 1"}.`,
    );
  }
  return notes.some(Boolean) ? <p class="aw-reading-note">{notes.join(" ")}</p> : null;
}
