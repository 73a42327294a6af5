package dev.varve.cli;

import dev.varve.model.Lsn;
import dev.varve.postgres.page.ItemView;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageView;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.lang.foreign.MemorySegment;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/// One page as of an LSN: as pageinspect shows it, or its bytes.
@Command(
    name = "page",
    description = "Show one page of a relation as of an LSN, as PostgreSQL's pageinspect would.",
    mixinStandardHelpOptions = true)
final class PageCommand implements Callable<Integer> {

  private static final List<String> FORKS = List.of("main", "fsm", "vm", "init");

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(index = "0", paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Parameters(
      index = "1",
      paramLabel = "RELATION",
      description =
          "tablespace/database/relfilenode: 1663/5/16384 is the file base/5/16384, as "
              + "pg_relation_filepath prints it; 1663 is pg_default, and 1664 with database 0 "
              + "pg_global.")
  private String relation = "";

  @Parameters(index = "2", paramLabel = "BLOCK", description = "The block's number, from 0.")
  private String block = "";

  @Option(
      names = "--fork",
      paramLabel = "FORK",
      defaultValue = "main",
      description = "main, fsm, vm or init (default: ${DEFAULT-VALUE}).")
  private String fork = "";

  @Option(names = "--at", paramLabel = "LSN", description = "As of this LSN (default: the last).")
  private @Nullable String at;

  @Option(names = "--raw", description = "Write the page's 8192 bytes to standard output.")
  private boolean raw;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (!FORKS.contains(fork)) {
      throw new CliException("--fork is one of " + String.join(", ", FORKS) + ", not " + fork);
    }
    ServerClient client = server.client();
    HttpResponse<InputStream> response =
        client.stream(ServerClient.path(client.timeline(name)) + "/page?" + query());
    byte[] page;
    try (InputStream body = response.body()) {
      page = body.readNBytes(Page.SIZE);
    }
    if (page.length != Page.SIZE) {
      throw new CliException("the page broke off after " + page.length + " bytes");
    }
    if (raw) {
      System.out.write(page);
      System.out.flush();
      return 0;
    }
    String lsn = response.headers().firstValue("X-Varve-Lsn").orElse("");
    int number = Integer.parseUnsignedInt(block);
    PageView view = PageView.of(MemorySegment.ofArray(page), FORKS.indexOf(fork), number);
    PrintWriter out = spec.commandLine().getOut();
    if (server.json) {
      ObjectNode json = ServerClient.JSON.valueToTree(view);
      json.put("as_of", lsn);
      ((ObjectNode) json.get("header")).put("lsn", view.header().lsn().toString());
      out.println(json.toPrettyString());
    } else {
      print(out, view, lsn);
    }
    out.flush();
    return 0;
  }

  private String query() {
    String query =
        "relation=%s&block=%s&fork=%s"
            .formatted(
                ServerClient.encode(relation),
                ServerClient.encode(block),
                ServerClient.encode(fork));
    if (at == null) {
      return query;
    }
    try {
      return query + "&lsn=" + ServerClient.encode(Lsn.parse(at).toString());
    } catch (IllegalArgumentException e) {
      throw new CliException("--at: " + e.getMessage(), e);
    }
  }

  private void print(PrintWriter out, PageView view, String lsn) {
    PageView.Header header = view.header();
    out.printf(
        "%s, fork %s, block %s, as of %s: %s%n",
        relation, fork, block, lsn, view.kind().toString().toLowerCase(java.util.Locale.ROOT));
    out.printf(
        "lsn %s  checksum %04X (%s)  flags %s%n",
        header.lsn(),
        header.checksum(),
        view.checksum() ? "right" : "not set for this block",
        header.flags());
    out.printf(
        "lower %d  upper %d  special %d  page size %d  layout %d  prune xid %d%n",
        header.lower(),
        header.upper(),
        header.special(),
        header.pageSize(),
        header.layoutVersion(),
        header.pruneXid());
    out.println(view.special());
    if (view.damage() != null) {
      out.println("DAMAGED: " + view.damage());
    }
    if (!view.items().isEmpty()) {
      var table = new Table("ITEM", "STATE", "OFFSET", "LENGTH", "TUPLE");
      for (ItemView item : view.items()) {
        table.row(item.number(), item.state(), item.offset(), item.length(), tuple(item.tuple()));
      }
      table.print(out);
    }
  }

  private static String tuple(ItemView.@Nullable Tuple tuple) {
    return switch (tuple) {
      case null -> "";
      case ItemView.Heap heap ->
          "xmin %d xmax %d cid %d next %s columns %d flags %s"
              .formatted(
                  heap.xmin(),
                  heap.xmax(),
                  heap.command(),
                  heap.next(),
                  heap.columns(),
                  heap.flags());
      case ItemView.Index index -> "-> %s flags %s".formatted(index.target(), index.flags());
    };
  }
}
