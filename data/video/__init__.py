"""Video files: which there are, when their frames are shown, the frames and the sound."""
