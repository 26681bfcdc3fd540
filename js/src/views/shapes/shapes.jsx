import { useState } from "preact/hooks";
import { useSize } from "../../parts/use_size.js";
import { plural } from "../../words.js";
import { HeadsFormula, HeadsShared } from "./heads.jsx";
import { grouped_digits, layers_of, size_of, steps_of } from "./steps.js";

/** @typedef {import("../messages.js").ShapesPicture} ShapesPicture */
/** @typedef {import("./steps.js").Box} Box */
/** @typedef {import("./steps.js").Step} Step */

const ROOM_FOR_TWO = 820;
/** And the words beside the boxes where there is room for them, too. */
const ROOM_FOR_WORDS = 1080;
const UNKNOWN = "?";

/** The shape at each step of one attention. @param {import("../../app.jsx").ViewProps} props */
export function ShapesView({ scene }) {
  const [ref, size] = useSize();
  const [chosen, set_chosen] = useState("q");
  const own = scene.own.value;
  const picture = own?.picture.kind === "shapes" ? own.picture : null;
  const wide = size.width >= ROOM_FOR_TWO;
  const steps = picture ? steps_of(picture) : [];
  const boxes = steps.flatMap((step) => step.boxes.map((box) => ({ step, box })));
  const shown = boxes.find(({ box }) => box.id === chosen) ?? boxes[0];
  // What is to be played with is seen without scrolling.
  const heads = picture && <HeadsShared picture={picture} head={scene.place.value?.head ?? 0} />;
  return (
    <div class={`aw-taught aw-shapes${own?.stale ? " aw-stale" : ""}`} ref={ref}>
      {picture && (
        <>
          <p class="aw-taught-said">
            {plural(picture.heads, "head")} at work side by side: tokens are turned into q, k and v,
            cut into heads, weighed in each, joined, and turned back.
          </p>
          {!wide && heads}
          <div class={wide ? "aw-shapes-parts" : undefined}>
            <ol class={`aw-shapes-flow${size.width >= ROOM_FOR_WORDS ? " aw-shapes-roomy" : ""}`}>
              {steps.map((step) => (
                <Row key={step.id} {...{ step, chosen: shown?.box.id }} onChoose={set_chosen} />
              ))}
            </ol>
            <div class="aw-shapes-side">
              {shown && <Details picture={picture} {...shown} />}
              {wide && heads}
              <HeadsFormula picture={picture} />
            </div>
          </div>
        </>
      )}
    </div>
  );
}

/** @param {{step: Step, chosen: string | undefined, onChoose: (id: string) => void}} props */
function Row({ step, chosen, onChoose }) {
  return (
    <li>
      <b class="aw-shapes-title">{with_subscripts(step.title)}</b>
      <div class="aw-shapes-boxes">
        {step.boxes.map((box) => (
          <button
            key={box.id}
            type="button"
            class={`aw-shape-box${box.of ? ` aw-shape-${box.of}` : ""}`}
            aria-pressed={box.id === chosen}
            aria-label={`${box.name}: ${shape_in_words(box)}`}
            onPointerEnter={() => onChoose(box.id)}
            onFocus={() => onChoose(box.id)}
            onClick={() => onChoose(box.id)}
          >
            <span class="aw-shape-name">{box.name}</span>
            {box.shape.map((number, axis) => (
              <span key={axis} class="aw-shape-axis">
                <span>{number === null ? UNKNOWN : number}</span>
                <small>{box.letters[axis]}</small>
              </span>
            ))}
          </button>
        ))}
      </div>
      <p class="aw-shapes-said">{with_subscripts(step.said)}</p>
    </li>
  );
}

/** W with a letter is a matrix. @param {string} text */
const with_subscripts = (text) =>
  text.split(/\b(W[qkvh])\b/).map((part) =>
    /^W[qkvh]$/.test(part) ? (
      <span key={part}>
        W<sub>{part[1]}</sub>
      </span>
    ) : (
      part
    ),
  );

/** Of a box that no layer makes. @param {ShapesPicture} picture @param {Step} step @param {Box} box */
function about({ module, module_class, windows, why_no_products }, step, box) {
  const notes = [];
  if (step.id === "stream" && windows > 1) {
    notes.push(`B counts windows, ${windows} of each input.`);
  }
  if (box.shape.includes(null)) notes.push(why_no_products || step.why || "");
  if (step.id !== "stream") notes.push("No parameters here.");
  if (module) notes.push(`Within ${module} (${module_class}).`);
  return notes.join(" ");
}

/** @param {Box} box */
function shape_in_words({ shape, letters }) {
  return shape.map((n, axis) => `${letters[axis]} ${n ?? "not known"}`).join(", ");
}

/** @param {{picture: ShapesPicture, step: Step, box: Box}} props */
function Details({ picture, step, box }) {
  const all = size_of(box);
  const layers = layers_of(picture, box.made_by);
  return (
    <section class="aw-shapes-details" aria-live="polite">
      <h3 class="aw-heading">
        <span class={box.of ? `aw-of-${box.of}` : undefined}>{box.name}</span>:{" "}
        {with_subscripts(step.title)}
      </h3>
      <p>
        {box.shape.map((n) => n ?? UNKNOWN).join(" × ")}
        {all !== null && <> = {plural_of_numbers(all)}</>}
      </p>
      {layers.map((layer) => (
        <p key={layer.role}>
          <code>{layer.path}</code>
          <br />
          weight {layer.shape.join(" × ")}
          {layer.bias ? " and a bias" : ", no bias"}: {grouped_digits(layer.parameters)} parameters
          {layer.role.length > 1 && <>, for {[...layer.role].join(", ")} together</>}
        </p>
      ))}
      {box.made_by.length > 0 && layers.length === 0 && (
        <p class="aw-quiet">Its layer was not found. {step.why}</p>
      )}
      {box.made_by.length === 0 && <p class="aw-quiet">{about(picture, step, box)}</p>}
    </section>
  );
}

/** @param {number} n */
const plural_of_numbers = (n) => `${grouped_digits(n)} ${n === 1 ? "number" : "numbers"}`;
