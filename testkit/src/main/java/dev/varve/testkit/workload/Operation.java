package dev.varve.testkit.workload;

import java.sql.SQLException;

/// One sort of thing that a client of the mixed workload does.
///
/// @param weight how often, relative to the others
record Operation(String name, int weight, Body body) {

  interface Body {
    void run(WorkSession session) throws SQLException;
  }
}
