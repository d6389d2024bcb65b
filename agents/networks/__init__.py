"""The networks, in plain torch. A run folder's weights are those of one of them."""
