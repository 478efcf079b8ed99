#!/bin/sh
# Make a virtual environment, also where Debian's python3-venv is not installed.
set -eu
venv=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "make: $python is older than Python 3.11. Run: make setup PYTHON=/path/to/python3.11" >&2
    exit 1
}
[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && exit 0
rm -rf "$venv"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$venv"
elif "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --python "$venv/bin/python" install -q pip
else
    echo "make: $python has neither ensurepip nor pip. Run: sudo apt install python3-venv" >&2
    exit 1
fi
