"""What tests of the monitor stand on: populations with a model of each, and what an estimate is made of."""
