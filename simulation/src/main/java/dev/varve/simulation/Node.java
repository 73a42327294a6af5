package dev.varve.simulation;

import dev.varve.testkit.disk.SimulatedDisk;

/// A machine and the process on it.
///
/// @param line how well it reaches the object store, whatever the process
record Node(SimulatedDisk disk, SimulatedServer server, Line line) {}
