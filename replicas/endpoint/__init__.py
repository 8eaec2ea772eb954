"""What runs where on the instances of one endpoint. Pure data and arithmetic."""
