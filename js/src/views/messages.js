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
 * @typedef {{key: string, kind: "without", at: number, what: "head" | "residual" | "positions" | "order",
 *   prefetch?: boolean} & OfHeads} WithoutWant  `at` counts tokens.
 * @typedef {{key: string, kind: "scaling" | "order" | "generation", prefetch?: boolean} & OfHeads} OfOneHead
 * @typedef {{key: string, kind: "shapes", layer: number, prefetch?: boolean} & InContext} ShapesWant
 * @typedef {{key: string, kind: "block", prefetch?: boolean} & InContext} BlockWant
 * @typedef {import("../messages.js").LayerHead[] | null} HeadsOrAll  null: all of the last layer.
 * @typedef {{key: string, kind: "joined", batch: number, at: number | null, source: number | null,
 *   encoder: HeadsOrAll, cross: HeadsOrAll, decoder: HeadsOrAll, prefetch?: boolean}} JoinedWant
 * @typedef {{key: string, kind: "heads", stack: string, batch: number, repeated: boolean,
 *   prefetch?: boolean}} HeadsWant  `repeated`: on random tokens said twice.
 * @typedef {{key: string, kind: "image", prefetch?: boolean} & InContext} ImageWant
 * @typedef {{key: string, kind: "patch_rows", layer: number, direction: Direction, at: number,
 *   prefetch?: boolean} & InContext} PatchRowsWant  `at` counts items.
 * @typedef {{key: string, kind: "distances", prefetch?: boolean} & InContext} DistancesWant
 * @typedef {{key: string, kind: "filters", prefetch?: boolean} & InContext} FiltersWant
 * @typedef {{key: string, kind: "roll", prefetch?: boolean} & InContext} RollWant
 * @typedef {{key: string, kind: "direct", prefetch?: boolean} & InContext} DirectWant
 * @typedef {{key: string, kind: "script", prefetch?: boolean}} ScriptWant
 * @typedef {DirectWant | StepsWant | PositionsWant | WithoutWant | OfOneHead | ShapesWant | BlockWant | JoinedWant |
 *   ImageWant | PatchRowsWant | DistancesWant | FiltersWant | RollWant |
 *   HeadsWant | ScriptWant} ViewWant
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
 * @typedef {PictureBase & {kind: "direct", layers: number[],
 *   target: import("../messages.js").TargetFacts, logit: number, of_heads: number, rest: number,
 *   norm: string, heads: Float32Array, shape: number[]}} DirectPicture  shape of heads: [L, H]
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
 *   found: "learned" | "sine and cosine" | "rotary" | "relative bias" | "ALiBi" | "relative keys" | "none", said: string,
 *   path: string, parts: string[], positions: number | null, width: number | null,
 *   grid: [number, number, number] | null, encoding?: Float32Array, columns?: Int32Array,
 *   angles?: Float32Array, distances?: Int32Array, similarity?: Float32Array,
 *   shape: number[]}} PositionsPicture  arrays as in attnwidget/pictures/positions.py
 * @typedef {{text: string, before: number, after: number}} MovedCandidate
 * @typedef {PictureBase & {kind: "without", stack: string, batch: number, layer: number, head: number,
 *   heads: number, change: "head" | "residual" | "positions" | "order", what: PredictionsPicture["what"], at: number,
 *   of: number, candidates: MovedCandidate[], most: number, parts: string[], said: string,
 *   remark: string, order: number[], seed: number | null, kl: Float32Array,
 *   kl_of_heads?: Float32Array, shape: number[]}} WithoutPicture  divergences in nats, -1 where unknown
 * @typedef {{path: string, class_name: string}} BlockPart
 * @typedef {BlockPart & {out: number}} BlockNorm  `out` and the like count rows of the picture.
 * @typedef {{role: "attention" | "cross-attention" | "feed-forward" | "convolution" | "sub-layer",
 *   parts: BlockPart[], caller: string | null, end: string | null, more: number, width: number,
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
 * @typedef {{texts: string[], gaps: string[], kinds: string[]}} WrittenSide
 * @typedef {{text: string, rank: number | null, candidates: string[]}} WrittenStep
 * @typedef {{stack: string, heads: LayerHead[], rows: [number, number], cols: [number, number],
 *   block: [number, number]}} WrittenMap
 * @typedef {"own" | "cross" | "encoder"} WrittenMapName
 * @typedef {PictureBase & {kind: "generation", why_not: [string, string] | null,
 *   steps: WrittenStep[] | null, start: number, how: string, stopped: string, seed: number | null,
 *   target: WrittenSide, source: WrittenSide | null,
 *   maps: Partial<Record<WrittenMapName, WrittenMap>>,
 *   layers: Partial<Record<WrittenMapName, number[]>>, shares: Float32Array, chosen: Float32Array,
 *   shape: number[]} & {[Name in `${WrittenMapName}_cells`]?: Float32Array} &
 *   {[Name in `${WrittenMapName}_flags`]?: Uint8Array} &
 *   {[Name in `${WrittenMapName}_keys`]?: Int32Array} &
 *   {[Name in `${WrittenMapName}_weights`]?: Float32Array}} GenerationPicture  shape of shares: [N, 8]; where
 *   `steps` is null, only `why_not` is there. See attnwidget/pictures/generation.py.
 * @typedef {{texts: string[], kinds: string[]}} JoinedSide
 * @typedef {PictureBase & {kind: "joined", at: number,
 *   heads: Record<"encoder" | "cross" | "decoder", import("../messages.js").LayerHead[]>,
 *   source: JoinedSide, target: JoinedSide, to_padding: number,
 *   writes: {text: string, guessed: boolean, share: number | null} | null, cross: Float32Array,
 *   decoder: Float32Array, encoder: Float32Array, readers: Int32Array,
 *   shape: number[]}} JoinedPicture  See attnwidget/pictures/joined.py.
 * @typedef {{name: string, title: string, said: string, unit: string, why: string}} MeasureFacts
 * @typedef {PictureBase & {kind: "heads", stack: string, layers: number[], measures: MeasureFacts[],
 *   on: "text" | "random", why_not: string, sampled: boolean,
 *   said_twice: {length: number, texts: number, are_words: boolean} | null, values: Float32Array,
 *   shape: number[]}} HeadsPicture  shape of values: [M, L, H]; NaN where there is none
 * @typedef {{layer: number, grid: [number, number], windows: number, tokens: number, item: number,
 *   first: number}} WindowFacts
 * @typedef {PictureBase & {kind: "image", stack: string, batch: number, size: [number, number],
 *   said: string, layers: WindowFacts[], items: [number, number], rgb: Uint8Array,
 *   cells?: Int32Array, shape: number[]}} ImagePicture  shape of rgb: [h, w, 3]
 * @typedef {PictureBase & {kind: "patch_rows", stack: string, layer: number, direction: Direction,
 *   at: number, weights: Float32Array, shape: number[]}} PatchRowsPicture  shape: [H, n]
 * @typedef {PictureBase & {kind: "distances", stack: string, layers: number[], images: number,
 *   patch: [number, number] | null, grid: [number, number], uniform: Float32Array,
 *   distances: Float32Array, shape: number[]}} DistancesPicture  in patches; shape: [L, H]
 * @typedef {PictureBase & {kind: "filters", stack: string, path: string, said: string, of: number,
 *   step: [number, number] | null, filters?: Float32Array, components?: Float32Array, norms?: Float32Array,
 *   explained?: Float32Array, components_shape?: number[],
 *   shape: number[]}} FiltersPicture  shape of filters: [n, h, w, C]
 * @typedef {[number | null, number, number]} RolledNote  Pitch, start and length; null is a rest.
 * @typedef {PictureBase & {kind: "roll", stack: string, batch: number, notes: (RolledNote | null)[],
 *   names: Record<string, string>, shape: number[]}} RollPicture  See attnwidget/pictures/roll.py.
 * @typedef {PictureBase & {kind: "script", packed: Uint8Array, shape: number[]}} ScriptPicture
 * @typedef {StepsPicture | ScalingPicture | OrderPicture | ShapesPicture | PositionsPicture |
 *   ImagePicture | PatchRowsPicture | DistancesPicture | FiltersPicture | RollPicture |
 *   WithoutPicture | BlockPicture | JoinedPicture | GenerationPicture | HeadsPicture | DirectPicture |
 *   ScriptPicture} ViewPicture
 */

export {};
