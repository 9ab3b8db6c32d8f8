#!/bin/sh
# System packages that tests need (a real RTSP server). Without root the RTSP tests skip and say why.
set -eu
here=$(dirname "$0")
packages=$(cat "$here/apt-test.txt")
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then sudo=""; elif command -v sudo >/dev/null 2>&1; then sudo="sudo -n"; else sudo=none; fi
if [ "$sudo" = none ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "not installed, tests that need them will skip:$missing" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
  echo "could not install, tests that need them will skip:$missing" >&2
