#!/bin/sh
# Bring the foreign programs the tests use: as root install them, otherwise print the one line to run.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need sipp sip-tester
need baresip baresip
need chromium chromium
need espeak-ng espeak-ng # the voices of `python -m bench detection`
[ -x /usr/sbin/dovecot ] || need dovecot dovecot-imapd
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing$missing ..."
  apt-get update -qq
  # shellcheck disable=SC2086 - a list of packages
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "The tests need programs that are not here. Run:" >&2
  echo "  sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
