package dev.varve.datadir;

/// A database's folder in one tablespace.
///
/// @param tablespace OID; 1663 is `pg_default`
/// @param database OID
/// @param versionFile contents of its `PG_VERSION`; empty where there is none
public record Database(int tablespace, int database, String versionFile) {}
