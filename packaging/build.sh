#!/usr/bin/env bash
# Build the torch-free Reader edition for this system into dist/HipCAD and try it: see smoke.py for what must work.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
$python -m PyInstaller --noconfirm --log-level WARN --workpath build/pyinstaller --distpath dist packaging/hipcad.spec
$python packaging/smoke.py dist/HipCAD
