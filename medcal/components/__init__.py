"""Functions from values and handlers to what is shown. They know no state."""
