/// The storage stack in a deterministic simulation: tenants and timelines on a disk in memory that
/// fails and crashes, with a clock and a schedule that obey one seed, compared with a simple model
/// of every key at every LSN.
///
/// {@link dev.varve.simulation.Simulation} runs a seed. {@link dev.varve.simulation.Operations}
/// lists what can happen in a step; a new operation of the storage stack is a line there. It knows
/// no more of `timeline` than its users do.
@NullMarked
package dev.varve.simulation;

import org.jspecify.annotations.NullMarked;
