"""2D keypoint detectors."""
