"""The films of a project in a table: searched, filtered, walked through."""
