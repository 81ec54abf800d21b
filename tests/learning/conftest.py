"""Torch's threads wait without spinning, as workflows.train sets it: the test machine has other work too."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
