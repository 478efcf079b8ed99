"""The three ways into a board's serial port: RFC 2217, a pty, and a unix socket."""
