"""Weights that ship with posedemo; ``manifest.json`` names each file with its hash, licence and origin."""
