import { useComputed } from "@preact/signals";

/**
 * A thin line under the bar while an answer is due, always with words.
 *
 * @param {{source: import("../source/live.js").Source}} props
 */
export function ProgressLine({ source }) {
  const shown = useComputed(() => {
    const lateness = source.lateness.value;
    if (lateness === "none") return null;
    const progress = source.progress.value;
    if (progress && lateness === "slow") {
      const share = progress.of > 0 ? Math.min(1, progress.done / progress.of) : null;
      const count = progress.of > 1 ? ` ${progress.done} of ${progress.of}` : "";
      return { words: `${progress.what}${count}`, share };
    }
    if (lateness === "silent") return { words: "waiting for the kernel", share: null };
    return { words: source.running.value ? "running the model" : "drawing", share: null };
  }).value;
  return (
    <div class="aw-progress" role="status">
      {shown && (
        <>
          <div class={`aw-line${shown.share === null ? " aw-unknown" : ""}`}>
            <div style={shown.share === null ? undefined : { width: `${100 * shown.share}%` }} />
          </div>
          <span class="aw-words">{shown.words}</span>
        </>
      )}
    </div>
  );
}
