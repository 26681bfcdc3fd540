/**
 * What views with a picture of their own ask for and are sent: see ../messages.js for the others,
 * and attnwidget/pictures for the meaning of each part.
 */

/** @typedef {import("../messages.js").LayerHead} LayerHead */
/** @typedef {import("../messages.js").InContext} InContext */
/** @typedef {import("../messages.js").OfHeads} OfHeads */
/** @typedef {import("../messages.js").Direction} Direction */
/** @typedef {import("../messages.js").PictureBase} PictureBase */
/** @typedef {import("../messages.js").PredictionsPicture} PredictionsPicture */

/**
 * @typedef {{key: string, kind: "steps", heads: LayerHead[], query: number, keys: [number, number] | null,
 *   prefetch?: boolean} & InContext} StepsWant  `query` and `keys` count tokens.
 * @typedef {{key: string, kind: "positions", prefetch?: boolean} & InContext} PositionsWant
 * @typedef {{key: string, kind: "without", at: number, what: "head" | "positions" | "order",
 *   prefetch?: boolean} & OfHeads} WithoutWant  `at` counts tokens.
 * @typedef {{key: string, kind: "scaling" | "order", prefetch?: boolean} & OfHeads} OfOneHead
 * @typedef {{key: string, kind: "shapes", layer: number, prefetch?: boolean} & InContext} ShapesWant
 * @typedef {{key: string, kind: "block", prefetch?: boolean} & InContext} BlockWant
 * @typedef {import("../messages.js").LayerHead[] | null} HeadsOrAll  null: all of the last layer.
 * @typedef {{key: string, kind: "joined", batch: number, at: number | null, source: number | null,
 *   encoder: HeadsOrAll, cross: HeadsOrAll, decoder: HeadsOrAll, prefetch?: boolean}} JoinedWant
 * @typedef {{key: string, kind: "script", prefetch?: boolean}} ScriptWant
 * @typedef {StepsWant | PositionsWant | WithoutWant | OfOneHead | ShapesWant | BlockWant | JoinedWant |
 *   ScriptWant} ViewWant
 */

/**
 * @typedef {{name: string, path: string, size: number, bias: boolean, remark: string}} ProjectionFacts
 * @typedef {PictureBase & {kind: "steps", stack: string, layer: number, head: number, query: number,
 *   batch: number, module: string, attention: string, dtype: string, heads: number, kv_heads: number,
 *   kv_head: number, query_len: number, key_len: number, d: number | null, dv: number | null,
 *   window: [number, number], row: [number, number], has_products: boolean, why_no_products: string,
 *   why_no_scores: string, scale: number | null, softcap: number | null,
 *   added_is: ("mask" | "position" | "bias" | "other")[], max: number | null, sum: number | null,
 *   sink: number | null, sink_is_known: boolean, weights_sum: number, heaviest: number,
 *   sees_nothing: boolean, dropout: string, after_softmax: string, error: number | null,
 *   why_no_output: string, projection: ProjectionFacts | null, why_no_projection: string,
 *   heads_out_are_own: boolean, weights: Float32Array, masked: Uint8Array, q?: Float32Array,
 *   k?: Float32Array, v?: Float32Array, dot?: Float32Array, scaled?: Float32Array,
 *   capped?: Float32Array, added?: Float32Array, scores?: Float32Array, softmax?: Float32Array,
 *   output?: Float32Array, own_output?: Float32Array, heads_out?: Float32Array,
 *   projected?: Float32Array, part?: Float32Array,
 *   shape: number[]}} StepsPicture  arrays as in attnwidget/pictures/steps.py
 * @typedef {{mean: number, variance: number}} Spread
 * @typedef {{entropy: number, largest: number}} Sharpness
 * @typedef {{queries: [number, number], pairs: number, products: Spread, scaled: Spread,
 *   q_squared: number | null, k_squared: number | null, differs: number, is_whole_score: boolean,
 *   rows: {count: number, own: Sharpness, unscaled: Sharpness, root_d: Sharpness}}} ScalingMeasured
 * @typedef {PictureBase & {kind: "scaling", stack: string, layer: number, head: number,
 *   d: number | null, scale: number | null, measured: ScalingMeasured | null, why_not: string,
 *   scores?: Float32Array}} ScalingPicture
 * @typedef {PictureBase & {kind: "order", stack: string, layer: number, head: number,
 *   tokens: [number, number], counts: [number, number], among_themselves: boolean, causal: boolean,
 *   masked: boolean, adds_more: boolean, scale: number | null, why_not: string, q?: Float32Array,
 *   k?: Float32Array, v?: Float32Array}} OrderPicture
 * @typedef {{name: string, path: string, shape: number[], bias: boolean, parameters: number}} LayerFound
 * @typedef {PictureBase & {kind: "shapes", stack: string, layer: number, module: string,
 *   module_class: string, attention: string, causal: boolean, batch: number, windows: number,
 *   heads: number, kv_heads: number, query_len: number, key_len: number, d: number | null,
 *   dv: number | null, width: number | null, key_width: number | null, out_width: number | null,
 *   layers: Record<string, LayerFound>, why_no_inputs: string, why_no_output: string,
 *   why_no_products: string, layers_alike: number}} ShapesPicture
 * @typedef {PictureBase & {kind: "positions", stack: string, tokens: number,
 *   found: "learned" | "sine and cosine" | "rotary" | "relative bias" | "ALiBi" | "none", said: string,
 *   path: string, parts: string[], positions: number | null, width: number | null,
 *   grid: [number, number, number] | null, encoding?: Float32Array, columns?: Int32Array,
 *   angles?: Float32Array, distances?: Int32Array, similarity?: Float32Array,
 *   shape: number[]}} PositionsPicture  arrays as in attnwidget/pictures/positions.py
 * @typedef {{text: string, before: number, after: number}} MovedCandidate
 * @typedef {PictureBase & {kind: "without", stack: string, batch: number, layer: number, head: number,
 *   heads: number, change: "head" | "positions" | "order", what: PredictionsPicture["what"], at: number,
 *   of: number, candidates: MovedCandidate[], most: number, parts: string[], said: string,
 *   remark: string, order: number[], seed: number | null, kl: Float32Array,
 *   kl_of_heads?: Float32Array, shape: number[]}} WithoutPicture  divergences in nats, -1 where unknown
 * @typedef {{path: string, class_name: string}} BlockPart
 * @typedef {BlockPart & {out: number}} BlockNorm  `out` and the like count rows of the picture.
 * @typedef {{role: "attention" | "cross-attention" | "feed-forward" | "convolution" | "sub-layer",
 *   parts: BlockPart[], caller: string | null, more: number, width: number,
 *   norm_before: BlockNorm | null, norm_after: BlockNorm | null, factor: number | [number, number],
 *   added: number, cosine: number}} BlockBranch
 * @typedef {{stream: number, stream_factor: number, branches: BlockBranch[], total: number,
 *   norm: BlockNorm | null}} BlockSum
 * @typedef {{layer: number, module: string, heads: number, head_size: number | null, first: number,
 *   path: string, class_name: string, kind: "pre-norm" | "post-norm" | "output-norm" | "sandwich" |
 *   "parallel" | "no norm" | "mixed" | "unknown", size: number, why: string, before: number | null,
 *   first_norm: BlockNorm | null, sums: BlockSum[], after: number | null,
 *   error: number | null}} BlockFacts  See attnwidget/pictures/block.py.
 * @typedef {PictureBase & {kind: "block", stack: string, tokens: number, layers: BlockFacts[],
 *   notes: string[], rows: Float32Array, shape: number[]}} BlockPicture  shape of rows: [R, T]
 * @typedef {{texts: string[], kinds: string[]}} JoinedSide
 * @typedef {PictureBase & {kind: "joined", at: number,
 *   heads: Record<"encoder" | "cross" | "decoder", import("../messages.js").LayerHead[]>,
 *   source: JoinedSide, target: JoinedSide,
 *   writes: {text: string, guessed: boolean, share: number | null} | null, cross: Float32Array,
 *   decoder: Float32Array, encoder: Float32Array, readers: Int32Array,
 *   shape: number[]}} JoinedPicture  See attnwidget/pictures/joined.py.
 * @typedef {PictureBase & {kind: "script", packed: Uint8Array, shape: number[]}} ScriptPicture
 * @typedef {StepsPicture | ScalingPicture | OrderPicture | ShapesPicture | PositionsPicture |
 *   WithoutPicture | BlockPicture | JoinedPicture | ScriptPicture} ViewPicture
 */

export {};
