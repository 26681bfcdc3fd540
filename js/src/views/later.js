/**
 * The block view, and views made for lessons. They are bundled apart from the widget's script (see ../../build.mjs), and
 * the kernel sends them when one is first opened.
 */

import { BlockView } from "./block/block.jsx";
import { ChartView } from "./chart/chart.jsx";
import { DistancesView } from "./distances/distances.jsx";
import { FiltersView } from "./filters/filters.jsx";
import { GenerationView } from "./generation/generation.jsx";
import { ImageView } from "./image/image.jsx";
import { JoinedView } from "./joined/joined.jsx";
import { MeasuredView } from "./measured/measured.jsx";
import { measured_of } from "./measured/numbers.js";
import { OrderView } from "./order/order.jsx";
import { PositionsView } from "./positions/positions.jsx";
import { RollView } from "./roll/roll.jsx";
import { ScalingView } from "./scaling/scaling.jsx";
import { ShapesView } from "./shapes/shapes.jsx";
import { StepsView } from "./steps/steps.jsx";
import * as weighed from "./weighed/weighed.jsx";
import { WithoutView } from "./without/without.jsx";

/**
 * @typedef {Partial<Record<import("./names.js").ViewName, (props: any) => any>> &
 *   {measured?: (props: any) => any, measured_of?: typeof measured_of,
 *   weighed?: typeof weighed}} Views  `measured`: the grid by a number of each head; `weighed`: words
 *   for more than the pattern.
 */

/** @type {Views} */
export default {
  block: BlockView,
  distances: DistancesView,
  filters: FiltersView,
  image: ImageView,
  chart: ChartView,
  generation: GenerationView,
  joined: JoinedView,
  measured: MeasuredView,
  measured_of,
  weighed,
  shapes: ShapesView,
  steps: StepsView,
  scaling: ScalingView,
  order: OrderView,
  positions: PositionsView,
  roll: RollView,
  without: WithoutView,
};
