import { h } from "preact";

/** Words of a stop as elements. Whatever tag comes, only those that carry text are made. */

const TAGS = new Set(
  "p h3 strong em ul ol li blockquote code pre br span math mrow mi mo mn mtext mspace mstyle mfrac msqrt mroot msup msub msubsup mover munder munderover mtable mtr mtd mpadded mphantom".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "display stretchy mathvariant columnalign width fence accent".split(" "),
);

/** @param {{nodes: import("./state.js").Node[]}} props */
export function Nodes({ nodes }) {
  return nodes.map(drawn);
}

/** @param {import("./state.js").Node} node @param {number} i @returns {import("preact").ComponentChild} */
function drawn(node, i) {
  if (typeof node === "string") return node;
  const [tag, attributes, ...children] = node;
  const kept = Object.entries(attributes).filter(([name]) => ATTRIBUTES.has(name));
  /** @type {Record<string, any>} */
  const props = { key: i, ...Object.fromEntries(kept) };
  if (tag === "span" && /^(query|key|value)$/.test(attributes.of ?? "")) {
    props.class = `aw-of-${attributes.of}`;
  }
  return h(TAGS.has(tag) ? tag : "span", props, ...children.map(drawn));
}
