"""What can go wrong here without anybody's mistake."""


class ServerError(Exception):
    """A server that cannot be used, told in one line that names its log file.

    The command line prints it without a traceback, which would be ours and not the server's, and exits with code 1.
    """
