"""Where frames come from: cameras, network streams and video files."""
