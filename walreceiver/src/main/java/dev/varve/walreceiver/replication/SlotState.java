package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;
import java.util.Optional;

/// What a server knows of a replication slot.
///
/// @param physical whether it is a physical one
/// @param restartLsn from where it keeps WAL; empty while it keeps none
/// @param lost whether the server has removed WAL that the slot should have kept
public record SlotState(String name, boolean physical, Optional<Lsn> restartLsn, boolean lost) {}
