import { useEffect, useRef, useState } from "preact/hooks";

/**
 * The text the model runs on. What was run stays in the box until the reader edits it; a text that
 * comes from Python replaces a draft only when it is another than the last one run.
 *
 * @param {{text: string, running: boolean, onRun: (text: string) => void, onHelp: () => void}} props
 */
export function TextLine({ text, running, onRun, onHelp }) {
  const [draft, set_draft] = useState(text);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => set_draft(text), [text]);

  /** @param {Event} event */
  const run = (event) => {
    event.preventDefault();
    onRun(draft);
  };
  return (
    <form class="aw-text-line" onSubmit={run}>
      <div class="aw-text-box">
        <input
          ref={input}
          class="aw-text"
          type="text"
          dir="auto"
          spellcheck={false}
          autocomplete="off"
          aria-label="Text the model runs on"
          placeholder="Write a sentence"
          value={draft}
          onInput={(event) => set_draft(event.currentTarget.value)}
        />
        {draft !== text && !running && <span class="aw-not-run">not run yet</span>}
      </div>
      <button type="submit" class="aw-button aw-main-button" aria-busy={running}>
        Run
      </button>
      <HelpButton onHelp={onHelp} />
    </form>
  );
}

/** @param {{onHelp: () => void}} props */
export function HelpButton({ onHelp }) {
  return (
    <button type="button" class="aw-button aw-help" aria-label="Keys" title="Keys" onClick={onHelp}>
      ?
    </button>
  );
}
