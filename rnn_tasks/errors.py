"""The exception for mistakes that a user can correct."""


class UserError(ValueError):
    """A mistake in the user's input or config, explained in one line.

    The message names the file, the line number or the key, what was found and what is accepted.
    The command line prints it without a traceback and exits with code 2.
    """
