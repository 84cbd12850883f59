#!/bin/sh
# Make the virtual environment $2 with Python $1 and install the product into it, saying what is missing in a sentence.
set -eu
python=$1
venv=$2
if ! command -v "$python" >/dev/null 2>&1; then
  echo "There is no $python. Install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)." >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "$python is $("$python" -V 2>&1); this needs Python 3.11 or newer. Try: make PYTHON=python3.11" >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "Python has no venv module here. Install it (Debian: apt-get install python3-venv) and run make again." >&2
  exit 1
fi
echo "Making the Python environment in $venv ..."
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
echo "Installing the product's packages (about a minute the first time) ..."
"$venv/bin/pip" install --quiet --disable-pip-version-check -c requirements.lock -e '.[front-end]'
