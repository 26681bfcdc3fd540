import { cut_middle, quoted_if_mark, shown_token } from "../words.js";

/**
 * A token as a reader would write it, in its own direction; always text, never markup.
 *
 * @param {{text: string, as?: "query" | "key" | "other", most?: number, said?: boolean}} props
 *   `said`: it stands in a sentence, where marks need quotes.
 */
export function Token({ text, as = "other", most = 24, said = false }) {
  const { text: shown, marked } = shown_token(text);
  const short = cut_middle(shown, most);
  return (
    <bdi
      class={`aw-token aw-token-${as}${marked ? " aw-marked" : ""}`}
      title={short === shown ? undefined : text}
    >
      {said ? quoted_if_mark(short) : short}
    </bdi>
  );
}
