"""People in frames: detector backends, the per-camera tracker, and the choice of the best crops."""
