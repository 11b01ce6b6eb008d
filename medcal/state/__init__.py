"""What is on the screens: a thin state per page or stateful widget. Truth is one query away, in services."""
