"""How proofs run and report: one JSON line per figure, so that a table can be made from a log."""

import argparse
import json
import sys
import time


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="run once per seed (default: 0)")
    parser.add_argument("--smoke", action="store_true", help="a few steps, to see that everything runs; figures mean nothing")
    parser.add_argument("--parts", nargs="+", help="run only these parts")
    return parser.parse_args()


class Report:
    """Prints figures and remembers whether all reached their bars."""

    def __init__(self, proof, smoke=False):
        self.proof, self.smoke, self.missed = proof, smoke, []
        self.start = time.time()

    def figure(self, name, value, bar=None, ok=None, seed=None):
        """One figure. `bar` is text, such as "< 2.5"; `ok` whether it was reached, None where there is none."""
        if ok is False and not self.smoke:
            self.missed.append(name)
        line = {"proof": self.proof, "figure": name, "value": value, "bar": bar, "ok": None if ok is None else bool(ok)}
        if seed is not None:
            line["seed"] = seed
        line["smoke"] = self.smoke
        print(json.dumps(line), flush=True)

    def close(self):
        print(f"{self.proof}: {time.time() - self.start:.0f} s, missed: {self.missed or 'none'}", file=sys.stderr)
        sys.exit(1 if self.missed else 0)
