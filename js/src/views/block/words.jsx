import { Token } from "../../parts/token.jsx";
import { percent } from "../../words.js";
import { decimal } from "../steps/numbers.js";
import { branches_of, kind_in_words, name_of_role, ratio_of } from "./numbers.js";

/** @typedef {import("../messages.js").BlockFacts} BlockFacts */

/**
 * What the block adds to the stream at a token, in plain words.
 *
 * @param {{facts: BlockFacts, at: import("./numbers.js").At, token: string}} props
 */
export function BlockSentence({ facts, at, token }) {
  if (facts.sums.length === 0) {
    return <p class="aw-block-sentence">{facts.why}</p>;
  }
  const all = branches_of(facts);
  return (
    <p class="aw-block-sentence">
      In block {facts.layer}, at <Token said text={token} as="query" />,{" "}
      {all.map(({ sum, branch }, i) => (
        <span key={i}>
          {i > 0 && (i === all.length - 1 ? (i > 1 ? ", and " : " and ") : ", ")}
          {branch.role === "feed-forward" ? "the " : ""}
          {name_of_role(branch.role)} adds {i === 0 && "a vector "}
          <b>{percent(ratio_of(at, sum, branch))}</b>
          {i === 0 && " as long as what was there"}
        </span>
      ))}
      ; their directions, against the stream’s:{" "}
      {all.map(({ branch }, i) => (
        <span key={i}>
          {i === 0 ? "cos " : i === all.length - 1 ? " and " : ", "}
          {decimal(at(branch.cosine), 2)}
        </span>
      ))}
      . <span class="aw-quiet">{kind_in_words(facts.kind)}</span>
    </p>
  );
}
