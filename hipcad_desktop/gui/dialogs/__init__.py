"""Dialogs: every one of them says what happened or what is about to, and leaves by Escape."""
