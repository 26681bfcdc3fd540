import { Token } from "../../parts/token.jsx";
import { percent } from "../../words.js";
import { links_of } from "./layout.js";

/** @typedef {import("../messages.js").JoinedPicture} JoinedPicture */

/** The strongest of a row, most first; the selected reader's own word is no news. @param {ArrayLike<number>} weights @param {number} most */
const strongest = (weights, most) => links_of(weights).reverse().slice(0, most);

/** What is seen, in one or two sentences. @param {{picture: JoinedPicture}} props */
export function JoinedSentence({ picture }) {
  const { source, target, at, writes, cross, decoder, readers } = picture;
  const looked = strongest(cross, 2);
  const back = strongest(decoder, 1)[0];
  const reader = readers[0];
  const width = source.texts.length;
  const had = strongest(picture.encoder.subarray(0, width), 3).filter(({ at }) => at !== reader)[0];
  return (
    <p class="aw-joined-said" aria-live="polite">
      {writes ? (
        <>
          {writes.guessed ? "What it would write next, " : "To write "}
          <b>
            <Token said text={writes.text} as="query" />
          </b>
          {writes.guessed && ","} after{" "}
        </>
      ) : (
        "After "
      )}
      <Token said text={target.texts[at]} />
      {writes?.guessed ? " (" : ", "}
      {writes?.guessed ? "guess" : "the decoder"}
      {writes?.guessed && writes.share !== null ? ` at ${percent(writes.share)}` : ""}
      {writes?.guessed ? "): it looks " : " looks "}
      {looked.map(({ at: word, weight }, i) => (
        <span key={word} class={i === 0 ? "" : "aw-quiet"}>
          {i > 0 && ", "}
          {percent(weight)} at{" "}
          <Token said text={source.texts[word]} as={i === 0 ? "key" : "other"} />
        </span>
      ))}{" "}
      of the source
      {picture.to_padding >= 0.005 && (
        <span class="aw-quiet"> ({percent(picture.to_padding)} at padding, not drawn)</span>
      )}
      {back && (
        <span class="aw-quiet">
          , and of its own words {percent(back.weight)} at{" "}
          <Token said text={target.texts[back.at]} />
        </span>
      )}
      .{" "}
      {had && (
        <span class="aw-quiet">
          In the encoder <Token said text={source.texts[reader]} /> had read {percent(had.weight)}{" "}
          of <Token said text={source.texts[had.at]} />.
        </span>
      )}
    </p>
  );
}

/** "layer 1, head 3" or "layer 1, mean of 4 heads". @param {import("../../messages.js").LayerHead[]} heads */
export function heads_said(heads) {
  const layers = [...new Set(heads.map(([layer]) => layer))];
  if (heads.length === 1) return `layer ${heads[0][0]}, head ${heads[0][1]}`;
  const where = layers.length === 1 ? `layer ${layers[0]}` : `${layers.length} layers`;
  return `${where}, mean of ${heads.length} heads`;
}
