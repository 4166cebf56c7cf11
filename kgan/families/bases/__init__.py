"""What families share and no system by itself: generators and their data, long phases, few labels, causal images, stories."""
