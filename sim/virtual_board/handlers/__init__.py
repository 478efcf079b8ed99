"""A package for `serial.protocol_handler_packages`: it makes pyserial open `virtual://NAME`."""
