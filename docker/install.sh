#!/bin/sh
# Install crosscam into a virtual environment: install.sh VENV EXTRAS
# Without an NVIDIA GPU the CPU build of torch is taken where it can be had: the usual index has only
# the CUDA build for Linux, a download of about 3 GB.
set -eu
venv=$1
extras=$2
torch="torch==2.13.0"

[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv" || {
  echo "cannot make a virtual environment: apt-get install python3-venv" >&2
  exit 1
}
pip="$venv/bin/python -m pip --disable-pip-version-check"

has_torch() { "$venv/bin/python" -c "import torch" 2>/dev/null; }
has_gpu() { command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1; }
finds_cpu_build() { $pip install --dry-run --no-deps --quiet --report - "$torch" 2>/dev/null | grep -q '+cpu'; }

if ! has_torch && ! has_gpu; then
  if finds_cpu_build; then
    $pip install --quiet "$torch"
  else
    $pip install --quiet uv &&
      "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --torch-backend=cpu "$torch" ||
      echo "no CPU build of torch within reach: the CUDA build follows, about 3 GB" >&2
  fi
fi
if [ "${CROSSCAM_EDITABLE:-yes}" = yes ]; then editable=-e; else editable=""; fi
$pip install --quiet $editable ".[$extras]"
