"""Data model of endpoints: their instances, models and inference components. Pure data and arithmetic."""
