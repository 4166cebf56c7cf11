"""kgan beside other packages: `python -m benchmarks.peers.speed` (training), `python -m benchmarks.peers.metrics` (figures of merit)."""
