"""Where results go: pose files, annotated videos, the viewer."""
