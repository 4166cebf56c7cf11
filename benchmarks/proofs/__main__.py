"""Run every proof: `python -m benchmarks.proofs --seeds 0 1 2`."""

import pkgutil
import subprocess
import sys

from benchmarks import proofs

failed = []
for module in sorted(m.name for m in pkgutil.iter_modules(proofs.__path__) if m.name not in ("harness", "__main__")):
    print(f"== {module}", file=sys.stderr, flush=True)
    if subprocess.run([sys.executable, "-m", f"benchmarks.proofs.{module}", *sys.argv[1:]], check=False).returncode:
        failed.append(module)
print(f"missed bars: {failed or 'none'}", file=sys.stderr)
sys.exit(bool(failed))
