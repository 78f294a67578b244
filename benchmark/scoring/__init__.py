"""How it is scored: plan, batches, readers, networks, and the engines that drive them."""
