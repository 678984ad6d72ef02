"""What `make bench` and `make run` need beside the product: made-up traffic, the demo, the comparison with peers."""
