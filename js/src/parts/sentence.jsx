import { sentence_facts } from "../attention.js";
import { KEYS } from "../keys.js";
import { NOT_A_NUMBER } from "../messages.js";
import { percent, plural } from "../words.js";
import { Caps } from "./keys_help.jsx";
import { Token } from "./token.jsx";

/**
 * What is selected, in words with numbers, and the keys there is room for.
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
      <p class="aw-sentence" aria-live="polite">
        <Sentence scene={scene} />
      </p>
      <span class="aw-hints" aria-hidden="true">
        {hints.map(({ shown, hint }) => (
          <span key={hint} class="aw-hint">
            <Caps keys={shown} /> {hint}
          </span>
        ))}
      </span>
    </div>
  );
}

/** @param {{scene: import("../scene.js").Scene}} props */
function Sentence({ scene }) {
  const picture = scene.drawn.value;
  const row = scene.row.value;
  const place = scene.place.value;
  if (!place) return "Nothing has been drawn yet.";
  const where = `Layer ${place.layer.layer}, head ${place.head}`;
  if (!picture || picture.stale) return `${where} …`;
  if (picture.place.query === null) return `${where}. Select a token to read where it looks.`;

  const { tokens } = picture;
  const query = <Token text={tokens.queries[picture.place.query]} as="query" />;
  if (!row) {
    return (
      <>
        {where}: {query} …
      </>
    );
  }
  const { facts } = row;
  if (facts.not_numbers > 0) {
    return (
      <>
        {where}: {facts.not_numbers} of {plural(row.weights.length, "weight")} of {query}{" "}
        {facts.not_numbers === 1 ? "is" : "are"} not a number (NaN).
      </>
    );
  }
  if (facts.visible === 0) {
    return (
      <>
        {where}: {query} may look at no token, the mask hides all {row.weights.length}.
      </>
    );
  }

  const chosen = picture.place.key;
  const { named, others, others_share, missing } = sentence_facts(row, facts, chosen);
  return (
    <>
      {where}: {query} looks{" "}
      {named.map(({ key, share }, i) => (
        <span key={key} class={key === chosen || (chosen === null && i === 0) ? "" : "aw-quiet"}>
          {i > 0 && ", "}
          {percent(share)} at{" "}
          <Token text={tokens.keys[key]} as={key === chosen ? "key" : "other"} />
        </span>
      ))}
      {others > 0 && (
        <span class="aw-quiet">
          ; the other {others === 1 ? "token takes" : `${others} tokens share`}{" "}
          {percent(others_share)}
        </span>
      )}
      {missing > 0.005 && (
        <span class="aw-quiet">; {percent(missing)} goes to no token (the sink)</span>
      )}
      {missing < -0.005 && <span class="aw-quiet">; the row sums to {facts.sum.toFixed(2)}</span>}
      {chosen !== null && row.flags[chosen] !== 0 && row.flags[chosen] !== NOT_A_NUMBER && (
        <>
          ; the mask hides <Token text={tokens.keys[chosen]} as="key" />
        </>
      )}
      .
    </>
  );
}
