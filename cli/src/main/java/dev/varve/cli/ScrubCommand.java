package dev.varve.cli;

import dev.varve.model.TenantId;
import dev.varve.remote.ObjectState;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreAddress;
import dev.varve.server.remote.RemoteParts;
import dev.varve.task.RealThreads;
import dev.varve.timeline.Scrub;
import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Checks an object store.
@Command(
    name = "scrub",
    description = {
      "Check an object store: that every object that is named there is there, and whole.",
      "Also says which objects nobody names (left by crashes). Servers may go on using the "
          + "store meanwhile. Needs no server: it reads the store itself, with the credentials "
          + "that the AWS SDK finds.%n"
    },
    footer = "%nExit status: 0 when nothing is missing or damaged, 1 otherwise.",
    mixinStandardHelpOptions = true)
final class ScrubCommand implements Callable<Integer> {

  @Option(
      names = "--remote",
      required = true,
      paramLabel = "URL",
      description = "The store, as varve serve takes it: s3://bucket/prefix or file:///path.")
  private String remote = "";

  @Option(
      names = "--read-all",
      description =
          "Read the bytes of every layer; without it the checksums that the store keeps of them "
              + "are compared.")
  private boolean readAll;

  @Option(
      names = "--orphan-age",
      paramLabel = "TIME",
      defaultValue = "3d",
      description =
          "What nobody names counts as an orphan when it is older (default: ${DEFAULT-VALUE}): "
              + "younger objects may belong to an upload that is under way.")
  private String orphanAge = "";

  @Option(
      names = "--delete-orphans",
      description =
          "Delete the orphans. How old they are is asked of the store, with an object \"clock\" that "
              + "is put and deleted.")
  private boolean deleteOrphans;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    var options =
        new Scrub.Options(readAll, Sizes.parseTime("--orphan-age", orphanAge), deleteOrphans);
    StoreAddress address;
    try {
      address = StoreAddress.parse(remote);
    } catch (IllegalArgumentException e) {
      throw new CliException("--remote: " + e.getMessage(), e);
    }
    InstantSource clock = InstantSource.system();
    PrintWriter out = spec.commandLine().getOut();
    try (var threads = new RealThreads(clock, 1);
        RemoteStorage storage = RemoteParts.storage(address, threads)) {
      Scrub.Totals totals = Scrub.run(storage, clock, options, new Printing(out));
      if (totals.tenants() == 0) {
        throw new CliException(
            storage + " has nothing of Varve's: check that bucket and prefix are right");
      }
      print(totals, out);
      return totals.problems() == 0 ? 0 : 1;
    }
  }

  private record Printing(PrintWriter out) implements Scrub.Listener {

    @Override
    public void problem(String sentence) {
      out.println("PROBLEM " + sentence);
      out.flush();
    }

    @Override
    public void orphan(ObjectState object, boolean deleted) {
      out.printf(
          "%s %s, %s, of %s%n",
          deleted ? "deleted orphan" : "orphan",
          object.name(),
          Sizes.bytes(object.size()),
          object.modified());
    }

    @Override
    public void checked(TenantId tenant, Scrub.Totals soFar) {
      out.printf(
          "tenant %s checked; %d timelines, %d layers so far%n",
          tenant, soFar.timelines(), soFar.layers());
      out.flush();
    }
  }

  private void print(Scrub.Totals totals, PrintWriter out) {
    out.printf(
        "%d tenants, %d timelines, %d layers of %s: %s%n",
        totals.tenants(),
        totals.timelines(),
        totals.layers(),
        Sizes.bytes(totals.bytes()),
        totals.problems() == 0 ? "all there and whole" : totals.problems() + " problems");
    out.printf(
        "%d orphans%s; %d objects that nobody names are too young to tell%n",
        totals.orphans(), totals.deleted() > 0 ? ", deleted" : "", totals.young());
    if (totals.unjudged() > 0) {
      out.printf(
          "%d objects may belong to what can't be read, and were left alone%n", totals.unjudged());
    }
    if (totals.foreign() > 0) {
      out.printf("%d objects are not Varve's and were left alone%n", totals.foreign());
    }
    if (totals.orphans() > totals.deleted()) {
      out.println("--delete-orphans deletes the orphans");
    }
    out.flush();
  }
}
