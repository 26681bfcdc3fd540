"""Blocks: the residual stream around an attention, measured in a pass that is run once more."""
