package dev.varve.walreceiver.replication;

/// The file in which PostgreSQL notes where a PostgreSQL timeline forked off from its parents.
///
/// @param fileName such as `00000002.history`
public record TimelineHistory(String fileName, String content) {}
