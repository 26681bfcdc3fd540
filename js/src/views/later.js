/**
 * The block view, and views made for lessons. They are bundled apart from the widget's script (see ../../build.mjs), and
 * the kernel sends them when one is first opened.
 */

import { BlockView } from "./block/block.jsx";
import { JoinedView } from "./joined/joined.jsx";
import { OrderView } from "./order/order.jsx";
import { PositionsView } from "./positions/positions.jsx";
import { ScalingView } from "./scaling/scaling.jsx";
import { ShapesView } from "./shapes/shapes.jsx";
import { WithoutView } from "./without/without.jsx";

/** @typedef {Partial<Record<import("./names.js").ViewName, (props: any) => any>>} Views */

/** @type {Views} */
export default {
  block: BlockView,
  joined: JoinedView,
  shapes: ShapesView,
  scaling: ScalingView,
  order: OrderView,
  positions: PositionsView,
  without: WithoutView,
};
