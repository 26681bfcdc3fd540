import { useEffect, useMemo } from "preact/hooks";
import { fit_label, text_measure } from "../../draw/text.js";
import { useSize } from "../../parts/use_size.js";
import { percent, shown_token, weight_in_words } from "../../words.js";
import { arc, curve, ink, joined_layout, labelled, links_of, middle } from "./layout.js";
import { heads_said, JoinedSentence } from "./words.jsx";

/** @typedef {import("../messages.js").JoinedPicture} JoinedPicture */
/** @typedef {import("./layout.js").JoinedLayout} JoinedLayout */

const LABEL_SIZE = 13;
const MOST_LABEL = 180;

/** @type {["encoder" | "cross" | "decoder", string, string][]} */
const BANDS = [
  ["encoder", "Encoder", "among the source words"],
  ["cross", "Cross-attention", "from the target to the source"],
  ["decoder", "Decoder", "among the words written so far"],
];

/**
 * The three kinds of attention around one output word: arcs among the source on the left, lines
 * from the output word to the source, arcs among what is written on the right.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function JoinedView({ scene, state, ui }) {
  const [ref, size] = useSize();
  const own = scene.own.value;
  const place = scene.place.value;
  const picture = own?.picture.kind === "joined" ? own.picture : null;
  // It stays on screen while a source word is selected.
  useEffect(() => {
    if (!place || !picture || own?.stale) return;
    ui.output.value = picture.at;
  }, [picture, place]);
  const element = ref.current;
  /**
   * To a token of another stack; the heads of both stay what they are.
   *
   * @param {"encoder" | "cross" | "decoder"} name
   * @param {number} query
   */
  const go = (name, query) => {
    if (!place || !picture) return;
    const set = picture.heads[name];
    const [[layer, head]] = set;
    const several = set.length > 1;
    state.choose({
      ...{ stack: name, layer, head, heads: several ? set : [], mean: several, query },
      joined: { ...state.joined.value, [place.stack.name]: place.set },
    });
  };
  return (
    <div class={`aw-joined${own?.stale ? " aw-stale" : ""}`}>
      {picture && <JoinedSentence picture={picture} />}
      {picture && place && (
        <div class="aw-joined-bands">
          {BANDS.map(([name, title, what]) => (
            <button
              key={name}
              type="button"
              class="aw-joined-band"
              aria-pressed={place.stack.name === name}
              title={`Choose its heads: ${what}`}
              onClick={() => go(name, name === "encoder" ? picture.readers[0] : picture.at)}
            >
              <b>{title}</b> <span class="aw-quiet">{heads_said(picture.heads[name])}</span>
            </button>
          ))}
        </div>
      )}
      <div class="aw-joined-picture" ref={ref}>
        {picture && element && size.width > 0 && (
          <Words
            {...{ picture, size, element, state, go }}
            large={ui.lecture.value}
            stack={place?.stack.name ?? ""}
          />
        )}
      </div>
    </div>
  );
}

/**
 * @param {{picture: JoinedPicture, size: {width: number, height: number}, element: HTMLElement,
 *   state: import("../../state.js").State, large: boolean, stack: string,
 *   go: (name: "encoder" | "cross" | "decoder", query: number) => void}} props
 */
function Words({ picture, size, element, state, large, stack, go }) {
  const { source, target, at } = picture;
  const measure = useMemo(
    () => text_measure(element, large ? 1.6 * LABEL_SIZE : LABEL_SIZE),
    [element, large],
  );
  const most = Math.min(MOST_LABEL, Math.floor(size.width / 4.5));
  const layout = joined_layout({
    ...size,
    source: source.texts.length,
    target: target.texts.length,
    source_label: widest(source.texts, most, measure),
    target_label: widest(target.texts, most, measure),
    large,
  });
  const { readers, encoder } = picture;
  const selected = stack === "encoder" ? readers[0] : -1;
  const label = (/** @type {string} */ text, /** @type {{width: number}} */ box) =>
    fit_label(shown_token(text).text, Math.min(most, box.width), measure);
  const width = source.texts.length;
  const strongest = (/** @type {Float32Array} */ row) =>
    links_of(row)
      .reverse()
      .slice(0, 4)
      .map(({ at: word }) => word);
  const of_source = labelled(width, layout.rows.source, layout.label, [
    ...(selected < 0 ? [] : [selected]),
    ...strongest(picture.cross),
  ]);
  const of_target = labelled(target.texts.length, layout.rows.target, layout.label, [
    at,
    ...strongest(picture.decoder),
  ]);
  return (
    <>
      <Links {...{ picture, layout }} />
      <ol class="aw-joined-words" style={layout.source} aria-label="Source words">
        {source.texts.map((text, i) => (
          <Word
            key={i}
            top={layout.tops.source + i * layout.rows.source}
            height={layout.rows.source}
            label={of_source.has(i) ? label(text, layout.source) : null}
            look={`aw-joined-source${i === selected ? " aw-is-query" : ""}${source.kinds[i] ? " aw-special" : ""}`}
            weight={of_source.has(i) ? picture.cross[i] : null}
            said={`${text}: ${weight_in_words(picture.cross[i])} of the cross-attention${reading_said(readers.indexOf(i), encoder, width, source.texts)}`}
            onChoose={() => (stack === "encoder" ? state.choose({ query: i }) : go("encoder", i))}
          />
        ))}
      </ol>
      <ol class="aw-joined-words" style={layout.target} aria-label="Target words">
        {target.texts.map((text, i) => (
          <Word
            key={i}
            top={layout.tops.target + i * layout.rows.target}
            height={layout.rows.target}
            label={of_target.has(i) ? label(text, layout.target) : null}
            look={`${i === at ? "aw-is-query" : i > at ? "aw-joined-later" : ""}${target.kinds[i] ? " aw-special" : ""}`}
            weight={i <= at && of_target.has(i) ? picture.decoder[i] : null}
            said={
              i <= at
                ? `${text}: ${weight_in_words(picture.decoder[i])} of the decoder's self-attention`
                : `${text}: written later, hidden by the mask`
            }
            onChoose={() =>
              state.choose({ query: i, ...(stack === "encoder" && { stack: "cross" }) })
            }
          />
        ))}
      </ol>
    </>
  );
}

/** What a source word had read itself, as text. @param {number} place @param {Float32Array} rows @param {number} width @param {string[]} texts */
function reading_said(place, rows, width, texts) {
  if (place < 0) return "";
  const read = links_of(rows.subarray(place * width, (place + 1) * width))
    .reverse()
    .slice(0, 3);
  return `; in the encoder it read ${read.map(({ at, weight }) => `${texts[at]} ${weight_in_words(weight)}`).join(", ")}`;
}

/**
 * @param {{top: number, height: number, label: string | null, look: string, weight: number | null,
 *   said: string, onChoose: () => void}} props  Without a label it is a place to click.
 */
function Word({ top, height, label, look, weight, said, onChoose }) {
  return (
    <li class={`aw-joined-word ${look}`} style={{ top, height }}>
      <button type="button" tabIndex={-1} title={said} aria-label={said} onClick={onChoose}>
        {label !== null && <bdi dir="auto">{label}</bdi>}
        {weight !== null && weight >= 0.005 && (
          <span class="aw-joined-share">{percent(weight)}</span>
        )}
      </button>
    </li>
  );
}

/** @param {{picture: JoinedPicture, layout: JoinedLayout}} props */
function Links({ picture, layout }) {
  const { cross, decoder, encoder, readers, at, source } = picture;
  const y = (/** @type {"source" | "target"} */ side, /** @type {number} */ i) =>
    middle(layout, side, i);
  const width = source.texts.length;
  // What a source word had read counts as much as it is looked at itself.
  const arcs = Array.from(readers).flatMap((reader, n) => {
    const share = readers.length === 1 ? 1 : cross[reader];
    return links_of(encoder.subarray(n * width, (n + 1) * width))
      .filter(({ at: read, weight }) => read !== reader && weight * share >= 0.02)
      .map(({ at: read, weight }) => ({
        from: y("source", reader),
        to: y("source", read),
        weight: weight * share,
      }));
  });
  const back = links_of(decoder).filter(({ at: word }) => word !== at && word < at);
  const height = layout.tops.source + width * layout.rows.source;
  const tall = Math.max(
    height,
    layout.tops.target + picture.target.texts.length * layout.rows.target,
  );
  const furthest = (/** @type {number[]} */ spans) => Math.max(1, ...spans);
  const far_left = furthest(arcs.map(({ from, to }) => Math.abs(from - to)));
  const far_right = furthest(back.map(({ at: word }) => (at - word) * layout.rows.target));
  return (
    <>
      <Drawing box={layout.encoder} height={tall} name="encoder">
        {arcs.map(({ from, to, weight }, i) => (
          <path
            key={i}
            d={arc(layout.encoder.width, from, to, far_left, "left")}
            {...ink(weight)}
          />
        ))}
      </Drawing>
      <Drawing box={layout.cross} height={tall} name="cross">
        {links_of(cross).map(({ at: word, weight }) => (
          <path
            key={word}
            d={curve(layout.cross.width, y("source", word), y("target", at))}
            {...ink(weight)}
          />
        ))}
      </Drawing>
      <Drawing box={layout.decoder} height={tall} name="decoder">
        {back.map(({ at: word, weight }) => (
          <path
            key={word}
            d={arc(layout.decoder.width, y("target", at), y("target", word), far_right, "right")}
            {...ink(weight)}
          />
        ))}
      </Drawing>
    </>
  );
}

/**
 * @param {{box: {left: number, width: number}, height: number, name: string,
 *   children: import("preact").ComponentChildren}} props
 */
function Drawing({ box, height, name, children }) {
  return (
    <svg
      class={`aw-joined-links aw-joined-${name}`}
      aria-hidden="true"
      style={{ left: box.left }}
      width={box.width}
      height={height}
    >
      {children}
    </svg>
  );
}

/** @param {string[]} texts @param {number} most @param {import("../../draw/text.js").Measure} measure */
function widest(texts, most, measure) {
  return Math.ceil(
    Math.min(most, Math.max(24, ...texts.map((text) => measure(shown_token(text).text)))),
  );
}
