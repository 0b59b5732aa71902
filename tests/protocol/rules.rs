//! The rules around the rounds: who may appeal what, finality, faults, clocks and orders.
