import { useEffect, useRef } from "preact/hooks";
import { Token } from "../../parts/token.jsx";
import { percent, plural, shown_token, weight_in_words } from "../../words.js";
import { heaviest, is_written, rows_at, step_at } from "./steps.js";

/** @typedef {import("./steps.js").Written} Written */

/**
 * What is seen, in a sentence or two.
 *
 * @param {{picture: import("../messages.js").GenerationPicture, count: number,
 *   writing: import("../../messages.js").Writing | null}} props
 */
export function GenerationSentence({ picture, count, writing }) {
  if (!is_written(picture)) {
    return (
      <p class="aw-generation-said">
        {writing
          ? "The model is writing."
          : picture.why_not
            ? "This model does not write."
            : "Let the model go on from the text, and watch how every token comes about."}
      </p>
    );
  }
  const step = step_at(picture, count);
  const all = picture.steps.length;
  if (step === null) {
    return (
      <p class="aw-generation-said" aria-live="polite">
        {picture.source
          ? `The source has ${plural(picture.source.texts.length, "token")}; nothing is written yet.`
          : `The prompt has ${plural(picture.start, "token")}; nothing is written yet.`}
      </p>
    );
  }
  const row = rows_at(picture, count) - 1;
  const map = picture.maps.cross ? "cross" : "own";
  const keys = (map === "cross" ? picture.source : picture.target)?.texts ?? [];
  const looked = row < 0 ? undefined : heaviest(picture, map, row)[0];
  return (
    <p class="aw-generation-said" aria-live="polite">
      <b>
        <Token said text={step.text} as="query" />
      </b>{" "}
      was written, {choice_said(step)}
      {looked && (
        <>
          : to write it, this head looks from{" "}
          <Token said text={picture.target.texts[row]} as="query" /> most at{" "}
          <Token said text={keys[looked.key]} as="key" /> ({weight_in_words(looked.weight)})
        </>
      )}
      .
      {count === all && picture.stopped !== "" && (
        <span class="aw-quiet">
          {" "}
          It is {how_said(picture)}, and ended as {picture.stopped}.
        </span>
      )}
    </p>
  );
}

/** @param {{rank: number | null, share: number}} step */
function choice_said({ rank, share }) {
  const of = share < 0 ? "" : ` with ${percent(share)}`;
  if (rank === null) return `which was not among the likeliest${of}`;
  return rank === 0 ? `the likeliest${of}` : `the ${ordinal(rank + 1)} likeliest${of}`;
}

/** @param {number} n */
function ordinal(n) {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ending}`;
}

/** @param {Written} picture */
function how_said({ how, seed }) {
  return how === "greedy"
    ? "the likeliest token each time"
    : `${how}${seed === null ? "" : ` (seed ${seed})`}`;
}

/**
 * The text as far as it is written; what the model wrote is marked.
 *
 * @param {{written: Written, count: number, onChoose: (count: number) => void}} props
 */
export function WrittenText({ written, count, onChoose }) {
  const { target, start, source } = written;
  const paper = useRef(/** @type {HTMLParagraphElement | null} */ (null));
  const shown = start + count;
  useEffect(() => {
    const element = paper.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [shown, written]);
  return (
    <p class="aw-generation-text" ref={paper}>
      {source && (
        <>
          <span class="aw-generation-source">
            {source.texts.map((text, i) => `${source.gaps[i]}${shown_token(text).text}`).join("")}
          </span>
          <span class="aw-quiet"> → </span>
        </>
      )}
      {target.texts.slice(0, shown).map((text, i) => [
        target.gaps[i],
        i < start ? (
          <bdi key={i} class={target.kinds[i] ? "aw-special" : undefined}>
            {shown_token(text).text}
          </bdi>
        ) : (
          <button
            key={i}
            type="button"
            tabIndex={-1}
            class={`aw-generation-token${i === shown - 1 ? " aw-generation-newest" : ""}`}
            title={`${text}: token ${i - start + 1} that was written`}
            onClick={() => onChoose(i - start + 1)}
          >
            <bdi>{shown_token(text).text}</bdi>
          </button>
        ),
      ])}
    </p>
  );
}
