/** Words for what is more than the attention pattern, and what heads add to a logit directly. */

import { sentence_facts } from "../../attention.js";
import { Token } from "../../parts/token.jsx";
import { capitalised, heads_in_words, percent, weight_in_words } from "../../words.js";
import { heads_for_and_against } from "./direct.js";

/** @typedef {NonNullable<import("../../scene.js").Scene["shown"]["value"]>} Shown */
/** @typedef {NonNullable<import("../../scene.js").Scene["row"]["value"]>} SceneRow */
/** @typedef {import("../../messages.js").TargetFacts} TargetFacts */

/** What each means, and what it does not. @type {Record<import("../../messages.js").Weigh, string>} */
export const NOTES = {
  pattern: "The attention weights themselves. They do not say how much is brought along.",
  values:
    "Each weight times the length of the value it brings, ‖v‖. It does not say what the output projection leaves of it.",
  output:
    "Each weight times the length of what the head writes for that token, ‖W_O v‖ (Kobayashi et al. 2020). Long vectors may still cancel, and it does not say whether a prediction changes.",
  gradient:
    "Each weight times the slope of one logit along it: how the logit would begin to change if that weight grew. It does not say what the logit would be without it. A click on a candidate asks about another logit.",
  rollout:
    "The mean over heads, half of it the residual connection, multiplied from the first layer up to this one (Abnar and Zuidema 2020): the same for every head. It knows nothing of values and feed-forward layers.",
};

/**
 * What is selected, in words.
 *
 * @param {{picture: Shown, row: SceneRow, token: any}} props  `token`: the selected one, as it is set.
 */
export function Said({ picture, row, token }) {
  const { place, model } = picture;
  const { weigh } = place.context.reading;
  const where = capitalised(heads_in_words(place));
  const from = row.direction === "from";
  const listed = <Listed {...{ picture, row }} />;
  if (weigh === "rollout") {
    return (
      <>
        Rollout up to layer {place.layer.layer}, all heads: {from ? "at " : ""}
        {token} {from ? "there is" : "is"} {listed}
      </>
    );
  }
  if (weigh === "gradient") {
    const { target } = model.tokens;
    return (
      <>
        {where}: for <Logit target={target ?? null} />,{" "}
        {row.facts.sum > 0 ? (
          <>
            {from ? "at" : "of the looks at"} {token}: {listed}
          </>
        ) : (
          <>
            no look {from ? "of" : "at"} {token} counts: nothing of it reaches that logit.
          </>
        )}
      </>
    );
  }
  const what = weigh === "output" ? "the head adds" : "its values bring";
  return from ? (
    <>
      {where}: of what {what} at {token}, by size, {listed}
    </>
  ) : (
    <>
      {where}: of what {what} from {token}, by size, {listed}
    </>
  );
}

/** The logit that is asked about. @param {{target: TargetFacts | null}} props */
function Logit({ target }) {
  if (!target) return "the chosen logit";
  const { what, text, at } = target;
  const after = what === "next" ? "after" : what === "masked" ? "in place of" : "at";
  return (
    <>
      the logit of{" "}
      <b>
        <Token said text={text} />
      </b>
      {what !== "classes" && (
        <>
          {" "}
          {after}{" "}
          <b>
            <Token said text={at} />
          </b>
        </>
      )}
    </>
  );
}

/** The largest of the row or column. @param {{picture: Shown, row: SceneRow}} props */
function Listed({ picture, row }) {
  const { place, tokens } = picture;
  const from = row.direction === "from";
  const { weigh } = place.context.reading;
  const chosen =
    row.at === (from ? place.query : place.key) ? (from ? place.key : place.query) : null;
  const { named, others, others_share } = sentence_facts(row, row.facts, chosen);
  const texts = from ? tokens.keys : tokens.queries;
  const gradient = weigh === "gradient";
  const joins = weigh === "rollout" ? (from ? "of" : "in") : from ? "comes from" : "is added at";
  return (
    <>
      {named.map(({ key: item, share }, i) => {
        const other = (
          <Token said text={texts[item]} as={item !== chosen ? "other" : from ? "key" : "query"} />
        );
        return (
          <span
            key={item}
            class={item === chosen || (chosen === null && i === 0) ? "" : "aw-quiet"}
          >
            {i > 0 && ", "}
            {gradient ? (
              <>
                {other} {with_sign(row.weights[item])}
              </>
            ) : (
              <>
                {percent(share)} {i === 0 || weigh === "rollout" ? joins : from ? "from" : "at"}{" "}
                {other}
              </>
            )}
          </span>
        );
      })}
      {others > 0 && (
        <span class="aw-quiet">
          ; the other {others === 1 ? "token" : `${others} tokens`}{" "}
          {gradient
            ? `${weight_in_words(others_share * row.whole)} in size`
            : percent(others_share)}
        </span>
      )}
      .
    </>
  );
}

/** @param {number} value */
const with_sign = (value) => `${value > 0 ? "+" : ""}${weight_in_words(value)}`;

/**
 * Heads that speak for the chosen logit, and those against it.
 *
 * @param {{scene: import("../../scene.js").Scene, state: import("../../state.js").State,
 *   picture: import("../messages.js").DirectPicture}} props
 */
export function Direct({ state, picture }) {
  const { target, logit, of_heads, rest, norm } = picture;
  const { pro, contra } = heads_for_and_against(picture);
  /** @param {import("./direct.js").Part[]} parts */
  const list = (parts) => (
    <ul class="aw-direct-list">
      {parts.map(({ layer, head, adds }) => (
        <li key={`${layer}.${head}`}>
          <button
            type="button"
            class="aw-large"
            title={`Select layer ${layer}, head ${head}`}
            onClick={() => state.choose({ layer, head })}
          >
            <span>
              {layer}.{head}
            </span>
            <span>{signed(adds)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
  return (
    <section class="aw-direct">
      <p>
        Heads that speak for{" "}
        <b>
          <Token said text={target.text} />
        </b>
        {pro.length > 0 ? ":" : ": none"}
      </p>
      {list(pro)}
      <p>Against it{contra.length > 0 ? ":" : ": none"}</p>
      {list(contra)}
      <p class="aw-quiet">
        Its logit of {signed(logit)} is {signed(of_heads)} of all heads here and {signed(rest)} of
        the rest{norm && ", with the final norm’s divisor kept as it was"}. What heads do by way of
        later layers is not in it (Elhage et al. 2021).
      </p>
    </section>
  );
}

/** Two decimals, with its sign. @param {number} value */
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
