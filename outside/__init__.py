"""What comes from outside: values of the environment, words of ARGS, addresses with a password."""
