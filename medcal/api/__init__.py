"""The HTTP routes beside the pages: forms that set cookies, mailed links, files, and what a monitor asks."""
