package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/// One run of the real command line in this JVM: its exit code and what it printed.
record CommandRun(int code, String out, String err) {

  static CommandRun of(String... words) {
    var out = new StringWriter();
    var err = new StringWriter();
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    int code = command.execute(words);
    return new CommandRun(code, out.toString(), err.toString());
  }

  /// That it did what it was asked to.
  CommandRun worked() {
    assertThat(code).as(err).isZero();
    return this;
  }

  /// That it did nothing but say one sentence with these words in it.
  void refused(String... findings) {
    assertThat(code).as(out + err).isEqualTo(1);
    assertThat(out).isEmpty();
    assertThat(err.strip().lines()).as(err).hasSize(1);
    assertThat(err).startsWith("varve: ");
    for (String finding : findings) {
      assertThat(err).contains(finding);
    }
  }
}
