package dev.varve.cli;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.verify.Mismatch;
import dev.varve.verify.TypeCount;
import dev.varve.verify.Verdict;
import dev.varve.verify.WalVerification;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Replays WAL over a base backup and judges it.
@Command(
    name = "verify",
    description = {
      "Replay WAL over a base backup, and compare the pages with what the WAL says of them.",
      "These are full-page images, and the images that wal_consistency_checking = all puts into "
          + "every record. Also says from where to where an archive can be replayed. The base is "
          + "only read. Takes up to 768 MiB of memory, however much WAL there is.%n"
    },
    footer = {
      "%nExit status: 0 when all is as the WAL says, 1 when a page is not, a record is unknown or",
      "the WAL is not whole."
    },
    mixinStandardHelpOptions = true)
final class WalVerifyCommand implements Callable<Integer> {

  private static final int CACHED_PAGES = 256 << 20 >> 13;

  @Option(
      names = "--base",
      required = true,
      paramLabel = "DIR|TAR",
      description =
          "A stopped server's data directory, an unpacked base backup, or the base.tar of one; "
              + "the tars of tablespaces and pg_wal.tar are looked for beside it.")
  private Path base = Path.of("");

  @Option(
      names = "--wal",
      required = true,
      paramLabel = "DIR",
      description =
          "A folder with WAL segment files and .history files; they may be compressed, the last "
              + "one .partial. WAL within the backup is used, too.")
  private Path wal = Path.of("");

  @Option(
      names = "--from",
      paramLabel = "LSN",
      description = "Judge records from there on; those before are replayed only.")
  private @Nullable String from;

  @Option(names = "--to", paramLabel = "LSN", description = "Stop there.")
  private @Nullable String to;

  @Option(
      names = "--final",
      paramLabel = "DIR",
      description = "Compare all files with this server's, which was stopped at the WAL's end.")
  private @Nullable Path finished;

  @Option(
      names = "--scratch",
      paramLabel = "DIR",
      description =
          "Where changed pages are kept while it runs, and a tar is unpacked: as much space as "
              + "they take. Default: the folder for temporary files.")
  private Path scratch = Path.of(System.getProperty("java.io.tmpdir"));

  @Option(names = "--json", description = "Print JSON, for programs.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    var options =
        new WalVerification.Options(
            base, wal, lsn(from), lsn(to), Optional.ofNullable(finished), scratch, CACHED_PAGES);
    Verdict verdict = run(options);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(json(verdict).toPrettyString());
    } else {
      print(verdict, out);
    }
    out.flush();
    return verdict.isGood() ? 0 : 1;
  }

  private Verdict run(WalVerification.Options options) throws IOException {
    try (var progress = new Progress("replaying")) {
      long[] start = {-1};
      return WalVerification.run(
          options,
          lsn -> {
            if (start[0] < 0) {
              start[0] = lsn;
            }
            progress.update(lsn - start[0], 0);
          });
    } catch (PageserverException e) {
      throw new CliException(e.getMessage(), e);
    }
  }

  private static Optional<Lsn> lsn(@Nullable String text) {
    try {
      return Optional.ofNullable(text).map(Lsn::parse);
    } catch (IllegalArgumentException e) {
      throw new CliException(String.valueOf(e.getMessage()), e);
    }
  }

  private static void print(Verdict verdict, PrintWriter out) {
    var table =
        new Table(
            "record type", "seen", "checked", "images", "mismatched", "unknown", "not checked");
    verdict.counts().forEach(count -> row(table, count));
    row(table, verdict.total());
    table.print(out);
    out.println();
    for (Mismatch mismatch : verdict.mismatches()) {
      print(mismatch, out);
    }
    verdict.leftOut().forEach(out::println);
    out.printf(
        "PostgreSQL %d, replayed from %s to %s%n",
        verdict.version(), verdict.start(), verdict.end());
    verdict
        .consistent()
        .ifPresentOrElse(
            lsn -> out.println("consistent, so that it can be restored, from " + lsn + " on"),
            () -> out.println("the WAL ends before the backup does: nothing can be restored"));
    verdict.reason().ifPresent(reason -> out.println("not replayed to its end: " + reason));
    if (verdict.brokenPages() > 0) {
      out.println(verdict.brokenPages() + " pages can't be read as of the end");
    }
    out.println(
        verdict.isGood() ? "every page is as the WAL says" : "not everything is as it should be");
  }

  private static void row(Table table, TypeCount count) {
    table.row(
        count.type(),
        count.seen(),
        count.checked(),
        count.images(),
        count.mismatched(),
        count.unknown(),
        count.unchecked());
  }

  private static void print(Mismatch mismatch, PrintWriter out) {
    out.printf(
        "%s from %s to %s, %s:%n",
        mismatch.type(), mismatch.start(), mismatch.end(), mismatch.page());
    mismatch.difference().forEach(line -> out.println("  " + line));
    if (!mismatch.history().isEmpty()) {
      out.println("  records before: " + String.join(", ", mismatch.history()));
    }
    out.println();
  }

  private static ObjectNode json(Verdict verdict) {
    ObjectNode json = ServerClient.JSON.createObjectNode();
    json.put("pg_version", verdict.version());
    json.put("start_lsn", verdict.start().toString());
    json.put("consistent_lsn", verdict.consistent().map(Lsn::toString).orElse(null));
    json.put("end_lsn", verdict.end().toString());
    json.put("incomplete", verdict.reason().orElse(null));
    json.put("broken_pages", verdict.brokenPages());
    json.put("good", verdict.isGood());
    ArrayNode types = json.putArray("types");
    verdict.counts().forEach(count -> types.add(json(count)));
    json.set("total", json(verdict.total()));
    ArrayNode mismatches = json.putArray("mismatches");
    verdict.mismatches().forEach(mismatch -> mismatches.add(json(mismatch)));
    ArrayNode leftOut = json.putArray("left_out");
    verdict.leftOut().forEach(leftOut::add);
    return json;
  }

  private static ObjectNode json(TypeCount count) {
    return ServerClient.JSON
        .createObjectNode()
        .put("type", count.type())
        .put("seen", count.seen())
        .put("checked", count.checked())
        .put("images", count.images())
        .put("mismatched", count.mismatched())
        .put("unknown", count.unknown())
        .put("not_checked", count.unchecked());
  }

  private static ObjectNode json(Mismatch mismatch) {
    ObjectNode json =
        ServerClient.JSON
            .createObjectNode()
            .put("type", mismatch.type())
            .put("start_lsn", mismatch.start().toString())
            .put("end_lsn", mismatch.end().toString())
            .put("page", mismatch.page());
    ArrayNode difference = json.putArray("difference");
    mismatch.difference().forEach(difference::add);
    ArrayNode history = json.putArray("history");
    mismatch.history().forEach(history::add);
    return json;
  }
}
