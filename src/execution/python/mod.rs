//! Contracts in Python: a pool of sandboxed worker processes.
