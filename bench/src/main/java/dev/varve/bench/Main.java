package dev.varve.bench;

import dev.varve.cluster.Trees;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `./varve bench [decode] [redo] [verify] [ingest] [getpage] [branch] [storage] [remote]`:
/// measures us beside a peer or a limit in the same run, and prints one table.
public final class Main {

  /// One family of measures.
  private interface Family {
    void run(Path scratch, Results results) throws Exception;
  }

  private static final Map<String, Family> FAMILIES = families();

  private static Map<String, Family> families() {
    var families = new LinkedHashMap<String, Family>();
    families.put("decode", DecodeBench::run);
    families.put("redo", RedoBench::run);
    families.put("verify", VerifyBench::run);
    families.put("ingest", IngestBench::run);
    families.put("getpage", GetPageBench::run);
    families.put("branch", BranchBench::run);
    families.put("storage", StorageBench::run);
    families.put("remote", RemoteBench::run);
    return families;
  }

  private Main() {}

  public static void main(String[] args) throws Exception {
    List<String> wanted = args.length == 0 ? List.copyOf(FAMILIES.keySet()) : List.of(args);
    for (String name : wanted) {
      if (!FAMILIES.containsKey(name)) {
        System.err.println(
            "varve bench: there is no benchmark " + name + "; there are " + FAMILIES.keySet());
        System.exit(2);
      }
    }
    Path scratch = Files.createTempDirectory("varve-bench-");
    // As root, PostgreSQL runs as another user, who must get through.
    Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwx--x--x"));
    var results = new Results();
    try {
      for (Map.Entry<String, Family> family : FAMILIES.entrySet()) {
        if (wanted.contains(family.getKey())) {
          System.err.println("varve bench: " + family.getKey() + " ...");
          family.getValue().run(scratch, results);
        }
      }
    } finally {
      Trees.delete(scratch);
    }
    results.print(System.out);
  }
}
