"""Errors that are nobody's mistake."""


class ServerError(Exception):
    """A server cannot be used; the message is one line that names its log file.

    The command line prints the message and exits with code 1. It prints no traceback: that would be ours, not the
    server's.
    """
