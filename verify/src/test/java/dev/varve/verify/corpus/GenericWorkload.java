package dev.varve.verify.corpus;

/// Makes a server write Generic records: contrib's bloom, which logs nothing else.
final class GenericWorkload {

  /// What every server is made to write; see {@link RecordPaths}.
  static final String PATHS =
      """
      Generic/Generic: 0 1
      """;

  private GenericWorkload() {}

  /// @param scale 1 for the least that reaches every path
  static Workload of(int scale) {
    return cluster -> {
      cluster.execute(
          "create extension bloom",
          "create table flowers (i int, j int, t text)",
          "create index flowers_ij on flowers using bloom (i, j)",
          "create index flowers_t on flowers using bloom (t) with (length = 800, col1 = 20)",
          "insert into flowers select i, i %% 7, i::text from generate_series(1, %d) i"
              .formatted(500 * scale),
          "delete from flowers where i % 3 = 0",
          "vacuum flowers",
          "insert into flowers select -i, i %% 7, i::text from generate_series(1, %d) i"
              .formatted(300 * scale),
          "delete from flowers where i < 350",
          "vacuum flowers",
          "delete from flowers where i between 400 and 410",
          "vacuum flowers",
          "insert into flowers select i, 0, 'again' from generate_series(1, 100) i",
          "create index flowers_late on flowers using bloom (i, j)",
          "create unlogged table unlogged_flowers (i int)",
          "create index on unlogged_flowers using bloom (i)",
          "insert into unlogged_flowers values (1)");
    };
  }
}
