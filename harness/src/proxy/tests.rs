//! Links against real loopback sockets.
