"""The adapters: <port>/<technology>.py. They import ports, net, processes and their library; no room, no sibling."""
