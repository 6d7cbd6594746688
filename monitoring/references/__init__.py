"""Where the reference, the contract and the rules of a version come from, and the copies that are kept."""
