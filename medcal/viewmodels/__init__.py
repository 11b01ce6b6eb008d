"""What the screens show: frozen dataclasses, formatted, in the location's zone and the reader's language. No table classes."""
