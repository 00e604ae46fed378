"""`briefings chaos`: the product under kill -9, clock jumps and a faulty relay, and an account of what came of it."""
