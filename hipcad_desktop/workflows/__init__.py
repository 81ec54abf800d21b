"""The use cases, named by verbs: the only code that knows two neighbouring rooms."""
