"""Recorded sessions: what a detector saw of a talk, without its pictures, to be lifted and shown again."""
