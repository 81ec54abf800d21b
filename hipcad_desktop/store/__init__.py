"""One project is one folder is one database."""
