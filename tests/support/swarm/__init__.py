"""A real Docker Swarm on one machine, for tests: several engines, each a node in namespaces of its own.

engine    Docker's engine, fetched and unpacked aside        images    stand-ins for the public images
nodes     one node: namespaces, a cable, an engine           registry  where nodes pull images from
machine   the network that joins the nodes                   cluster   all of it, brought up and taken down
"""
