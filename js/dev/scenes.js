import generation from "../../tests/fixtures/views/generation.json";
import joined from "../../tests/fixtures/views/joined.json";

/** Kinds of models and texts that must look right. */

const ANIMAL = "[CLS] the animal didn ' t cross the street because it was too tired [SEP]".split(
  " ",
);
const STORY =
  "<s> The animal didn't cross the street because it was too tired , so it slept .".split(" ");
const WORDS =
  "when the old lighthouse keeper finally climbed down the winding stairs , he found that the small boat his brother had left there was gone and nobody in town could say who took it .".split(
    " ",
  );

/** @param {number} n */
const range = (n) => Array.from({ length: n }, (_, i) => i);
/** @param {number} n */
const words = (n) => range(n).map((i) => WORDS[(i * 7 + Math.floor(i / 5)) % WORDS.length]);

/** Six rows of six. */
const PATCHES = range(36).map((i) => /** @type {[number, number]} */ ([Math.floor(i / 6), i % 6]));

/** @type {Record<string, () => {scene: import("./fake_kernel.js").Scene, traits?: Record<string, any>}>} */
export const SCENES = {
  minilm: () => ({
    scene: { tokens: ANIMAL, layers: range(6), heads: 12 },
    traits: { query: 10, key: 2 },
  }),
  /** The bundled model, as the views were recorded from it. */
  stories: () => ({
    scene: {
      tokens: STORY,
      layers: range(3),
      heads: 4,
      causal: true,
      name: "stories",
    },
    traits: { text: STORY.slice(1).join(" "), layer: 2, head: 2, query: 14, key: 2 },
  }),
  written: () => ({
    scene: {
      tokens: generation[0].content.target.texts.slice(0, -1),
      layers: range(3),
      heads: 4,
      causal: true,
      name: "stories",
      offers: ["generation"],
    },
    traits: {
      ...{ text: "Song: old dog new cat red sun. old dog", view: "generation", written: 4 },
      ...{ layer: 2, head: 0, query: 12, key: 3 },
    },
  }),
  translated: () => ({
    scene: {
      tokens: generation[1].content.target.texts.slice(0, -1),
      keys: generation[1].content.source?.texts,
      layers: range(2),
      heads: 4,
      name: "BART",
      offers: ["generation"],
      generation: generation[1],
    },
    traits: { view: "generation", written: 5, layer: 1, head: 1, query: 4, key: 3 },
  }),
  unwritten: () => ({
    scene: {
      tokens: STORY,
      layers: range(3),
      heads: 4,
      causal: true,
      name: "stories",
      offers: ["generation"],
      generation: {
        content: {
          type: "picture",
          kind: "generation",
          why_not: null,
          steps: null,
          coarse: false,
          arrays: [],
        },
        buffers: [],
      },
    },
    traits: { text: STORY.slice(1).join(" "), view: "generation", layer: 2, head: 2, query: 14 },
  }),
  /** The bundled translator, at the word behind "maison". */
  joined: () => ({
    scene: {
      tokens: joined[0].content.target.texts,
      keys: joined[0].content.source.texts,
      layers: range(2),
      heads: 2,
      name: "Translator",
      offers: ["joined"],
    },
    traits: { text: "the small red house …", view: "joined", layer: 1, head: 0, query: 3 },
  }),
  one: () => ({ scene: { tokens: ["hello"], layers: range(4), heads: 3 }, traits: { query: 0 } }),
  small: () => ({
    scene: { tokens: words(15), layers: range(4), heads: 3, causal: true, name: "stories" },
    traits: { query: 9, key: 4 },
  }),
  sixty: () => ({
    scene: {
      tokens: words(60),
      layers: range(12),
      heads: 12,
      causal: true,
      name: "GPT-2",
      candidates: [
        { text: "was", share: 0.62 },
        { text: "is", share: 0.081 },
        { text: "\n", share: 0.012 },
      ],
    },
    traits: { query: 40, key: 12 },
  }),
  long: () => ({
    scene: { tokens: words(512), layers: range(12), heads: 12, causal: true, name: "GPT-2" },
    traits: { query: 300, key: 120 },
  }),
  gqa: () => ({
    scene: {
      tokens: words(24),
      layers: range(30),
      heads: 9,
      kv_heads: 3,
      causal: true,
      name: "SmolLM2-135M",
    },
    traits: { query: 20, key: 3, layer: 14, head: 4 },
  }),
  many: () => ({
    scene: {
      tokens: words(32),
      layers: range(32),
      heads: 32,
      kv_heads: 8,
      causal: true,
      name: "Llama",
    },
    traits: { query: 20, key: 3, layer: 17, head: 22 },
  }),
  gaps: () => ({
    scene: {
      tokens: words(18),
      layers: [3, 7, 11, 12],
      heads: 8,
      kv_heads: 2,
      causal: true,
      sink: 0.12,
      name: "Hybrid",
      has_tokenizer: false,
      check: { status: "unchecked", note: "The layer's output was not seen.", check: null },
    },
    traits: { query: 10, key: 3 },
  }),
  cross: () => ({
    scene: {
      tokens: "<pad> das Tier überquerte die Straße nicht".split(" "),
      keys: ANIMAL,
      layers: range(6),
      heads: 8,
      batch_size: 4,
      name: "T5",
    },
    traits: { query: 2, key: 2 },
  }),
  pair: () => ({
    scene: {
      tokens: "[CLS] the cat sat down [SEP] a dog ran off [SEP] [PAD] [PAD]".split(" "),
      kinds: [
        "special",
        "",
        "",
        "",
        "",
        "special",
        "",
        "",
        "",
        "",
        "special",
        "padding",
        "padding",
      ],
      segments: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0],
      layers: range(4),
      heads: 4,
    },
    traits: { query: 7, key: 2 },
  }),
  words: () => ({
    scene: {
      tokens: "<s> The un believ able tok en iz er , again !".split(" "),
      gaps: ["", "", " ", "", "", " ", "", "", "", "", "\n", ""],
      words: [0, 1, 2, 2, 2, 3, 3, 3, 3, 4, 5, 6],
      layers: range(4),
      heads: 4,
      causal: true,
      name: "GPT-2",
    },
    traits: { query: 8, key: 3 },
  }),
  decoding: () => ({
    scene: { tokens: ["it"], keys: words(60), layers: range(6), heads: 8, causal: true },
    traits: { query: 0, key: 59 },
  }),
  nan: () => ({
    scene: {
      tokens: ANIMAL,
      layers: range(6),
      heads: 12,
      nan: range(15).map((k) => /** @type {[number, number]} */ ([6, k])),
    },
    traits: { query: 6, key: 3 },
  }),
  scripts: () => ({
    scene: {
      tokens: [
        "<bos>",
        "القطة",
        "جلست",
        "على",
        "السجادة",
        " ",
        "\n\n",
        "\t",
        "שלום",
        "<b>bold</b>",
        "日本語",
        "pneumonoultramicroscopicsilicovolcanoconiosis",
        "🙂",
        "",
        "Straße",
        "naïve",
        ".",
      ],
      layers: range(6),
      heads: 12,
      causal: true,
    },
    traits: { query: 11, key: 1 },
  }),
  /** A vision transformer, whose image was recorded. */
  picture: () => ({
    scene: {
      tokens: ["class token", ...PATCHES.map(([row, col]) => `row ${row + 1}, column ${col + 1}`)],
      patches: [null, ...PATCHES],
      kinds: ["special", ...PATCHES.map(() => "")],
      layers: range(3),
      heads: 4,
      name: "ViT",
      stack: "vision",
      has_tokenizer: false,
      offers: ["image"],
    },
    traits: { layer: 1, head: 1, query: 16, view: "image" },
  }),
  /** The same image within a text. */
  picture_text: () => ({
    scene: {
      tokens: [
        ...["<s>", "What", "stands", "on", "the", "hill", "?"],
        ...PATCHES.map(([row, col]) => `row ${row + 1}, column ${col + 1}`),
        ..."</image> A red house under the sun , quite alone .".split(" "),
      ],
      patches: [...range(7).map(() => null), ...PATCHES, ...range(11).map(() => null)],
      layers: range(6),
      heads: 8,
      causal: true,
      name: "LLaVA",
      offers: ["image"],
    },
    traits: { layer: 4, head: 3, query: 46, view: "image" },
  }),
  /** One window of several, in which alone its patches look at one another. */
  windows: () => ({
    scene: {
      tokens: range(16).map((i) => `row ${Math.floor(i / 4) + 1}, column ${(i % 4) + 1}`),
      layers: range(4),
      heads: 4,
      name: "Swin",
      batch_size: 16,
      has_tokenizer: false,
      offers: ["image"],
    },
    traits: { layer: 1, head: 1, query: 5, batch: 5, view: "image" },
  }),
  /** The melody that the bundled model opens with. */
  melody: () => ({
    scene: {
      tokens: "<s> G4 E4 E4- | F4 D4 D4- || G4 E4 E4- | F4 D4 D4- || A4 F#4 F#4- | G4".split(" "),
      layers: range(2),
      heads: 4,
      causal: true,
      name: "Melody",
      offers: ["roll"],
    },
    traits: { layer: 1, head: 3, query: 13, key: null, view: "roll" },
  }),
  silent: () => ({
    scene: { tokens: ANIMAL, layers: range(6), heads: 12, silent: true },
    traits: { query: 10, key: 2 },
  }),
};
