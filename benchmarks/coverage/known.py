"""Where a model itself reports other maps than it computed with: read in the sources of 5.23."""

from __future__ import annotations

OWN_MAPS_DIFFER = {
    "big_bird": "its random blocks are the first block in eval mode: it reports one share of two",
    "bigbird_pegasus": "as big_bird",
    "cpmant": "it reports the maps without the 32 prompt tokens it computed with",
    "falcon": "its eager attention adds the boolean mask as 0 and 1",
    "groupvit": "it also reports which patch goes to which group, which is no attention",
    "groupvit_vision_model": "it also reports which patch goes to which group: no attention",
    "nemotron3_5_asr": "its eager attention gives NaN",
    "nystromformer": "three maps in a row; it reports the first times the inverse of the second",
    "pegasus_x": "it reports a block's attention to global tokens and to the block as one map",
    "reformer": "it reports maps by chunk, in the order of the chunks or hash buckets",
    "t5gemma2": "one call over the keys of decoder and encoder; it reports the two parts",
    "t5gemma2_decoder": "one call over the keys of decoder and encoder; it reports the two parts",
    "wavlm": "it reports the mean over heads",
}
