"""Making caches: importers, video extraction, the consensus-trained head, synthetic data.

Everything here raises `frame_select_env.FrameSelectError` on bad input; its message names the file,
the field or line, and the remedy in one line.
"""
