"""Measures the program on the machine that it runs on, beside what every demo starts from: `posedemo bench`."""
