"""The exam of the forecast: published measurements, held against what the forecast says of the same runs."""
