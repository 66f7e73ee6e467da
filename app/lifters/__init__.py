"""Lifters that run exported models."""
